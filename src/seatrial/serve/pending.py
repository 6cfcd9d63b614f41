"""Rows between admission and answer, and what is known of them so far."""

from __future__ import annotations

from typing import Any

from seatrial.core.errors import DeadlineExceededError, SeatrialError
from seatrial.models.answers import Answer


class Pending:
    """Rows of one request that the model is to answer.

    Attributes:
        number: The dispatcher's own.
        inputs: The rows.
        owner: Whoever submitted them; told when they are settled.
        answers: One per row; ``None`` where there is none yet.
        left: Rows without an answer.
        error: Why it failed.
        submitted_s: When it was admitted.
        deadline_s: When nobody waits for it any more.
        started_s: When a worker got its first row; ``None`` if none did.
        ended_s: When the last answer came.
        batch_size: Rows in the largest model call that it was part of.
        crashes: Workers that died while they held a row of it.
        deferred: Whether a ticket waits for it rather than a connection.
    """

    __slots__ = (
        "answers",
        "batch_size",
        "crashes",
        "deadline_s",
        "deferred",
        "ended_s",
        "error",
        "inputs",
        "left",
        "number",
        "owner",
        "started_s",
        "submitted_s",
    )

    def __init__(
        self,
        number: int,
        inputs: list[Any],
        *,
        owner: Any,
        now_s: float,
        deadline_s: float,
        deferred: bool = False,
    ) -> None:
        self.number = number
        self.inputs = inputs
        self.owner = owner
        self.answers: list[Answer | None] = [None] * len(inputs)
        self.left = len(inputs)
        self.submitted_s = now_s
        self.deadline_s = deadline_s
        self.deferred = deferred
        self.started_s: float | None = None
        self.ended_s: float | None = None
        self.batch_size: int | None = None
        self.error: SeatrialError | None = None
        self.crashes = 0

    def settled(self) -> bool:
        """Say whether nothing more can happen to it."""
        return self.left == 0 or self.error is not None

    def late(self, why: str) -> DeadlineExceededError:
        """Build the error for a request whose deadline has passed."""
        waited_ms = max(self.deadline_s - self.submitted_s, 0.0) * 1000
        return DeadlineExceededError(
            f"no answer within {waited_ms:.0f} ms: {why}.",
            hint="Allow more in X-Request-Timeout-Ms, or send fewer rows.",
        )
