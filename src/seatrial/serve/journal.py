"""Turns what became of a request into records, one per row, before its answer leaves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from seatrial.core import digests
from seatrial.core.clock import SYSTEM, Clock
from seatrial.core.errors import (
    CallerGoneError,
    DeadlineExceededError,
    InputError,
    SeatrialError,
    ServingError,
    WorkerLostError,
)
from seatrial.models.answers import Answer
from seatrial.records.log import LogWriter
from seatrial.records.record import Feedback, Origin, Record, Status
from seatrial.serve.messages import FeedbackRequest, Result
from seatrial.serve.pending import Pending

MS = 1000.0


class Arrival(Struct, frozen=True):
    """When and as what a request came in."""

    id: str
    at: datetime
    at_s: float
    route: str = "/predict"


class Journal:
    """Writes the prediction log of one server.

    Args:
        writer: The log.
        release: What answers.
        variant: Which variant of it.
        origin: Who causes the requests of this server.
        keep_inputs: Log inputs as they came, rather than their digests.
        confidence_min: Below it the model abstains.
        clock: Where time comes from.
    """

    def __init__(
        self,
        writer: LogWriter,
        *,
        release: str,
        variant: str,
        origin: Origin,
        keep_inputs: bool,
        confidence_min: float,
        clock: Clock = SYSTEM,
    ) -> None:
        self._writer = writer
        self._release = release
        self._variant = variant
        self._origin = origin
        self._keep_inputs = keep_inputs
        self._confidence_min = confidence_min
        self._clock = clock

    @property
    def keeps_inputs(self) -> bool:
        """Whether what users send may be written down as it came."""
        return self._keep_inputs

    def abstains(self, answer: Answer) -> bool:
        """Say whether an answer is withheld; one without confidence never is."""
        return answer.confidence is not None and answer.confidence < self._confidence_min

    def answered(
        self, arrival: Arrival, pending: Pending, *, origin: Origin | None = None
    ) -> list[Result]:
        """Record the rows of an answered request; return them as the caller sees them.

        Raises:
            ServingError: They could not be recorded, and the log refuses rather than drops.
        """
        results, records = [], []
        times = self._times(arrival, pending)
        for row, (value, answer) in enumerate(zip(pending.inputs, pending.answers, strict=True)):
            if answer is None:
                continue
            withheld = self.abstains(answer)
            results.append(
                Result(
                    None if withheld else answer.output,
                    answer.confidence,
                    answer.scores,
                    withheld,
                )
            )
            records.append(
                self._record(
                    arrival,
                    row,
                    value,
                    times,
                    status="abstained" if withheld else "answered",
                    answer=answer,
                    origin=origin or self._origin,
                )
            )
        self._writer.append(records)
        return results

    def refused(
        self,
        arrival: Arrival,
        inputs: list[Any],
        error: SeatrialError,
        *,
        pending: Pending | None = None,
    ) -> None:
        """Record the rows of a request that was not answered; one row where none is known."""
        times = self._times(arrival, pending)
        status = status_of(error)
        self._writer.append(
            self._record(
                arrival, row, value, times, status=status, error=error.code, origin=self._origin
            )
            for row, value in enumerate(inputs or [None])
        )

    def feedback(self, said: FeedbackRequest) -> None:
        """Record what somebody said about an answer."""
        self._writer.append(
            [
                Feedback(
                    id=said.id,
                    row=said.row,
                    time=self._clock.utc(),
                    label=None if said.label is UNSET else said.label,
                    rating=None if isinstance(said.rating, UnsetType) else said.rating,
                )
            ]
        )

    def _times(self, arrival: Arrival, pending: Pending | None) -> dict[str, Any]:
        now_s = self._clock.now_s()
        times: dict[str, Any] = {"total_ms": (now_s - arrival.at_s) * MS}
        if pending is None:
            return times
        times["admit_ms"] = (pending.submitted_s - arrival.at_s) * MS
        started_s = now_s if pending.started_s is None else pending.started_s
        times["queue_ms"] = (started_s - pending.submitted_s) * MS
        times["batch_size"] = pending.batch_size
        if pending.ended_s is not None:
            times["model_ms"] = (pending.ended_s - started_s) * MS
            times["send_ms"] = (now_s - pending.ended_s) * MS
        return times

    def _record(
        self,
        arrival: Arrival,
        row: int,
        value: Any,
        times: dict[str, Any],
        *,
        status: Status,
        origin: Origin,
        answer: Answer | None = None,
        error: str | None = None,
    ) -> Record:
        digest = None
        if not self._keep_inputs and value is not None:
            digest = digests.of_document(value)
        return Record(
            id=arrival.id,
            row=row,
            time=arrival.at,
            monotonic_s=arrival.at_s,
            origin=origin,
            release=self._release,
            variant=self._variant,
            route=arrival.route,
            input=value if self._keep_inputs else None,
            input_digest=digest,
            output=answer.output if answer else None,
            confidence=answer.confidence if answer else None,
            scores=answer.scores if answer else None,
            status=status,
            error=error,
            **times,
        )


def status_of(error: SeatrialError) -> Status:
    """Return the fate that an error means for a request.

    >>> status_of(InputError("not text")), status_of(DeadlineExceededError("late"))
    ('rejected', 'timed_out')
    """
    if isinstance(error, DeadlineExceededError):
        return "timed_out"
    if isinstance(error, CallerGoneError):
        return "cancelled"
    if isinstance(error, WorkerLostError):
        return "failed"
    if isinstance(error, (InputError, ServingError)):
        return "rejected"
    return "failed"
