"""Every row answered, and the one that cannot be named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seatrial.core.errors import ModelError, SeatrialError
from seatrial.models.answers import Answer
from seatrial.models.subject import Subject

Outcome = Answer | SeatrialError


def answer_all(subject: Subject, inputs: Sequence[Any], *, batch: int) -> list[Answer]:
    """Answer rows that all have to be answered: an eval set with holes measures nothing.

    Raises:
        ModelError: With the number of the first row that the model cannot answer.
    """
    answers: list[Answer] = []
    for start in range(0, len(inputs), batch):
        part = list(inputs[start : start + batch])
        try:
            answers += subject.answer(part).answers
        except ModelError as error:
            raise _located(subject, part, start, error) from None
    return answers


def answer_each(subject: Subject, inputs: Sequence[Any], *, batch: int) -> list[Outcome]:
    """Answer production rows; a row that fails gets its error, its neighbours their answers."""
    outcomes: list[Outcome] = []
    for start in range(0, len(inputs), batch):
        part = list(inputs[start : start + batch])
        try:
            outcomes += subject.answer(part).answers
        except SeatrialError:
            outcomes += [_alone(subject, value) for value in part]
    return outcomes


def _alone(subject: Subject, value: Any) -> Outcome:
    try:
        return subject.answer([value]).answers[0]
    except SeatrialError as error:
        return error


def _located(subject: Subject, part: Sequence[Any], start: int, error: ModelError) -> ModelError:
    """Say which row it was, counted from 0 over the whole set, where one alone is to blame."""
    for offset, value in enumerate(part):
        alone = _alone(subject, value)
        if isinstance(alone, ModelError):
            row = start + offset
            return type(alone)(
                f"eval row {row}: {alone.message}",
                hint=alone.hint,
                details={**alone.details, "row": row},
            )
    rows = f"eval rows {start} to {start + len(part) - 1}"
    return type(error)(
        f"{rows}, in one call: {error.message} Each of them alone is answered.",
        hint=error.hint,
        details=error.details,
    )
