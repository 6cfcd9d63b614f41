"""Every row answered, and the one that cannot be named."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from seatrial.core.errors import (
    InputError,
    ModelError,
    SeatrialError,
    ServingError,
    UnreachableError,
)
from seatrial.models.answers import Answer
from seatrial.models.subject import Subject

Outcome = Answer | SeatrialError

AT_ONCE = 8
"""Requests in flight where every row is a request of its own."""

OF_ONE_ROW = (ModelError, ServingError, InputError)
"""Errors that one row may cause; any other would meet every row alike."""


def answer_all(subject: Subject, inputs: Sequence[Any], *, batch: int) -> list[Answer]:
    """Answer rows that all have to be answered: an eval set with holes measures nothing.

    Raises:
        SeatrialError: With the number of the first row that the model cannot answer.
    """
    answers: list[Answer] = []
    for start in range(0, len(inputs), batch):
        part = list(inputs[start : start + batch])
        try:
            answers += subject.answer(part).answers
        except OF_ONE_ROW as error:
            raise _located(subject, part, start, error) from None
    return answers


def answer_alone(subject: Subject, inputs: Sequence[Any]) -> list[Answer]:
    """Answer rows that all have to be answered, each in a call of its own, several at once.

    Raises:
        SeatrialError: With the number of the first row that the service cannot answer.
    """
    answers: list[Answer] = []
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="seatrial-alone") as pool:
        futures = [pool.submit(_alone, subject, value) for value in inputs]
        try:
            for row, future in enumerate(futures):
                outcome = future.result()
                if isinstance(outcome, SeatrialError):
                    raise _named(outcome, row)
                answers.append(outcome)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    return answers


def answer_each(subject: Subject, inputs: Sequence[Any], *, batch: int) -> list[Outcome]:
    """Answer production rows; a row that fails gets its error, its neighbours their answers.

    Raises:
        UnreachableError: The service has gone, so that nothing is known of the rows.
    """
    outcomes: list[Outcome] = []
    for start in range(0, len(inputs), batch):
        part = list(inputs[start : start + batch])
        try:
            outcomes += subject.answer(part).answers
        except SeatrialError:
            outcomes += [_alone(subject, value) for value in part]
            _check_there(subject, inputs, outcomes)
    return outcomes


def _check_there(subject: Subject, inputs: Sequence[Any], outcomes: Sequence[Outcome]) -> None:
    """Tell a row that breaks its connection from a service that is gone: ask what it has answered.

    Raises:
        UnreachableError: It does not answer that either.
    """
    lost = [one for one in outcomes if isinstance(one, UnreachableError)]
    answered = [at for at, one in enumerate(outcomes) if isinstance(one, Answer)]
    if lost and (
        not answered or isinstance(_alone(subject, inputs[answered[0]]), UnreachableError)
    ):
        raise lost[-1]


def _alone(subject: Subject, value: Any) -> Outcome:
    try:
        return subject.answer([value]).answers[0]
    except SeatrialError as error:
        return error


def _located(
    subject: Subject, part: Sequence[Any], start: int, error: SeatrialError
) -> SeatrialError:
    """Say which row it was, counted from 0 over the whole set, where one alone is to blame."""
    for offset, value in enumerate(part):
        alone = _alone(subject, value)
        if isinstance(alone, OF_ONE_ROW):
            return _named(alone, start + offset)
    rows = f"eval rows {start} to {start + len(part) - 1}"
    return type(error)(
        f"{rows}, in one call: {error.message} Each of them alone is answered.",
        hint=error.hint,
        details=error.details,
    )


def _named(error: SeatrialError, row: int) -> SeatrialError:
    """Return the same error with the row in it; one that meets every row stays as it is."""
    if not isinstance(error, OF_ONE_ROW):
        return error
    return type(error)(
        f"eval row {row}: {error.message}",
        hint=error.hint,
        details={**error.details, "row": row},
    )
