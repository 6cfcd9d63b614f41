"""A request between admission and answer: its rows, and what is known of them so far."""

from __future__ import annotations

import asyncio
from typing import Any

from seatrial.core.errors import SeatrialError
from seatrial.models.answers import Answer


class Pending:
    """A request between admission and answer.

    Attributes:
        answers: One per row; ``None`` where there is none yet.
        done: Set when every row is answered or the request has failed.
        error: Why it failed.
        started_s: When a worker got its first row; ``None`` if none did.
        ended_s: When the last answer came.
        batch_size: Rows in the largest model call that it was part of.
    """

    __slots__ = (
        "answers",
        "batch_size",
        "deadline_s",
        "done",
        "ended_s",
        "error",
        "inputs",
        "left",
        "number",
        "started_s",
        "submitted_s",
    )

    def __init__(
        self,
        number: int,
        inputs: list[Any],
        *,
        now_s: float,
        deadline_s: float,
        done: asyncio.Future[None],
    ) -> None:
        self.number = number
        self.inputs = inputs
        self.answers: list[Answer | None] = [None] * len(inputs)
        self.left = len(inputs)
        self.submitted_s = now_s
        self.deadline_s = deadline_s
        self.started_s: float | None = None
        self.ended_s: float | None = None
        self.batch_size: int | None = None
        self.error: SeatrialError | None = None
        self.done = done

    def settled(self) -> bool:
        """Say whether nothing more can happen to it."""
        return self.left == 0 or self.error is not None
