"""Asks a subject for answers in company: one call of many rows, or many calls at once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from msgspec import Struct

from seatrial.core.closing import Closing
from seatrial.core.errors import SeatrialError
from seatrial.models.answers import Answer
from seatrial.models.subject import Subject

CALLERS_MAX = 32
"""Requests kept in flight where one request carries one row; more would only queue."""


class Refused(Struct, frozen=True):
    """A call that was not answered.

    Attributes:
        raised: What the model raised, or the code of the error.
        message: Its text.
        status: The HTTP status, where it came over HTTP.
    """

    raised: str
    message: str
    status: int | None = None

    @classmethod
    def of(cls, error: SeatrialError) -> Refused:
        """Keep what judging needs of an error."""
        status = error.details.get("status")
        return cls(
            raised=str(error.details.get("raised") or error.code),
            message=error.message,
            status=status if isinstance(status, int) else None,
        )


class Asker(Closing):
    """Lets rows keep each other company, whatever the subject takes.

    Args:
        subject: What is asked.
    """

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self._callers: ThreadPoolExecutor | None = None

    def alone(self, row: Any) -> Answer | Refused:
        """Answer one row in a call of its own."""
        answers = self._call([row])
        return answers if isinstance(answers, Refused) else answers[0]

    def together(self, rows: Sequence[Any]) -> list[Answer] | Refused:
        """Answer rows in one call, or at the same time where a call carries one row."""
        if self.subject.takes_batches:
            return self._call(list(rows))
        if self._callers is None:
            self._callers = ThreadPoolExecutor(CALLERS_MAX, thread_name_prefix="company")
        answers = list(self._callers.map(self.alone, rows))
        refused = [answer for answer in answers if isinstance(answer, Refused)]
        return refused[0] if refused else [a for a in answers if isinstance(a, Answer)]

    def close(self) -> None:
        """End the callers; the subject stays open."""
        if self._callers is not None:
            self._callers.shutdown()

    def _call(self, rows: list[Any]) -> list[Answer] | Refused:
        try:
            return self.subject.answer(rows).answers
        except SeatrialError as error:
            return Refused.of(error)


def sizes_of(subject: Subject, values: Sequence[Any]) -> list[int]:
    """Return the size of every value, in one exchange where the subject offers that."""
    at_once = getattr(subject, "sizes", None)
    if callable(at_once):
        return [int(size) for size in at_once(list(values))]
    return [subject.size(value) for value in values]
