"""Turns what became of a call into records, one per row, before its answer leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import UNSET, UnsetType

from seatrial.core import digests
from seatrial.core.clock import SYSTEM, Clock
from seatrial.core.errors import (
    CallerGoneError,
    DeadlineExceededError,
    KilledError,
    SeatrialError,
    ServingError,
    UsageError,
    WorkerLostError,
)
from seatrial.records.log import LogWriter
from seatrial.records.record import Event, Feedback, Origin, Record, Status
from seatrial.serve.call import Call
from seatrial.serve.messages import FeedbackRequest, Result

MS = 1000.0


class Journal:
    """Writes the prediction log of one server.

    Args:
        writer: The log.
        origin: Who causes the requests of this server.
        keep_inputs: Log inputs as they came, rather than their digests.
        redact: Takes out of inputs what may not be written down.
        redact_outputs: It does the same for answers, and for labels that are told later.
        clock: Where time comes from.
    """

    def __init__(
        self,
        writer: LogWriter,
        *,
        origin: Origin,
        keep_inputs: bool,
        redact: Callable[[Any], Any] | None = None,
        redact_outputs: bool = False,
        clock: Clock = SYSTEM,
    ) -> None:
        self._writer = writer
        self._origin = origin
        self._keep_inputs = keep_inputs
        self._redact = redact
        self._redact_outputs = redact_outputs
        self._clock = clock

    @property
    def keeps_inputs(self) -> bool:
        """Whether what users send may be written down as it came."""
        return self._keep_inputs and self._redact is None

    def results(self, call: Call, records: list[Event]) -> list[Result]:
        """Return the results of an answered call as its caller sees them.

        Args:
            call: Its pending rows all have answers.
            records: Gets one record per row; nothing is written yet.
        """
        results: list[Result] = []
        pending = call.pending
        if pending is None:
            return results
        now_s = self._clock.now_s()
        started_s = now_s if pending.started_s is None else pending.started_s
        ended_s = now_s if pending.ended_s is None else pending.ended_s
        release, variant = call.deployment.release, call.deployment.variant
        confidence_min = call.deployment.confidence_min
        caches = call.caches
        for row, (value, answer) in enumerate(zip(pending.inputs, pending.answers, strict=True)):
            assert answer is not None  # noqa: S101  (settled without an error)
            confidence = answer.confidence
            withheld = confidence is not None and confidence < confidence_min
            output = None if withheld else answer.output
            results.append(Result(output, confidence, answer.scores, withheld))
            records.append(
                Record(
                    id=call.id,
                    row=row,
                    time=call.at,
                    monotonic_s=call.at_s,
                    origin=call.origin or self._origin,
                    release=release,
                    variant=variant,
                    route=call.door.route,
                    input=self._kept(value),
                    input_digest=None if self._keep_inputs else digests.of_document(value),
                    output=self._said(answer.output),
                    confidence=confidence,
                    scores=answer.scores,
                    status="abstained" if withheld else "answered",
                    degraded=call.degraded,
                    cache="off" if caches is None else caches[row],
                    batch_size=pending.batch_size,
                    admit_ms=(pending.submitted_s - call.at_s) * MS,
                    queue_ms=(started_s - pending.submitted_s) * MS,
                    model_ms=(ended_s - started_s) * MS,
                    send_ms=(now_s - ended_s) * MS,
                    total_ms=(now_s - call.at_s) * MS,
                    key_id=call.key_id,
                )
            )
        return results

    def write(self, records: list[Event]) -> None:
        """Write records, all with one write; when this returns they survive ``kill -9``.

        Raises:
            ServingError: They could not be recorded, and the log refuses rather than drops.
        """
        self._writer.append(records)

    def refused(self, call: Call, error: SeatrialError, records: list[Event]) -> None:
        """Add the records of a call that was not answered; one row where none is known.

        Args:
            call: Its rows, as far as they are known.
            error: Why it was not.
            records: Gets one record per row; nothing is written yet.
        """
        times, status = self._times(call), status_of(error)
        records.extend(
            Record(
                id=call.id,
                row=row,
                time=call.at,
                monotonic_s=call.at_s,
                origin=call.origin or self._origin,
                release=call.deployment.release,
                variant=call.deployment.variant,
                route=call.door.route,
                input=self._kept(value),
                input_digest=self._digest(value),
                status=status,
                error=error.code,
                degraded=call.degraded,
                cache="off" if call.caches is None else "miss",
                key_id=call.key_id,
                **times,
            )
            for row, value in enumerate(call.rows or [None])
        )

    def feedback(self, said: FeedbackRequest) -> None:
        """Record what somebody said about an answer."""
        self._writer.append(
            [
                Feedback(
                    id=said.id,
                    row=said.row,
                    time=self._clock.utc(),
                    label=None if said.label is UNSET else self._said(said.label),
                    rating=None if isinstance(said.rating, UnsetType) else said.rating,
                )
            ]
        )

    def _kept(self, value: Any) -> Any:
        """Return what may be written down of an input."""
        if not self._keep_inputs:
            return None
        return value if self._redact is None else self._redact(value)

    def _said(self, value: Any) -> Any:
        """Return what may be written down of an answer."""
        if self._redact is None or not self._redact_outputs:
            return value
        return self._redact(value)

    def _digest(self, value: Any) -> str | None:
        if self._keep_inputs or value is None:
            return None
        return digests.of_document(value)

    def _times(self, call: Call) -> dict[str, Any]:
        now_s = self._clock.now_s()
        times: dict[str, Any] = {"total_ms": (now_s - call.at_s) * MS}
        pending = call.pending
        if pending is None:
            return times
        times["admit_ms"] = (pending.submitted_s - call.at_s) * MS
        started_s = now_s if pending.started_s is None else pending.started_s
        times["queue_ms"] = (started_s - pending.submitted_s) * MS
        times["batch_size"] = pending.batch_size
        return times


def status_of(error: SeatrialError) -> Status:
    """Return the fate that an error means for a request.

    >>> status_of(UsageError("not text")), status_of(DeadlineExceededError("late"))
    ('rejected', 'timed_out')
    """
    if isinstance(error, DeadlineExceededError):
        return "timed_out"
    if isinstance(error, CallerGoneError):
        return "cancelled"
    if isinstance(error, KilledError):
        return "killed"
    if isinstance(error, WorkerLostError):
        return "failed"
    if isinstance(error, (UsageError, ServingError)):
        return "rejected"
    return "failed"
