"""What one load found, request by request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from seatrial.measure.load.arrivals import FloatArray
from seatrial.measure.load.driver import Driver, Outcome


@dataclass(frozen=True, kw_only=True)
class LoadResult:
    """One row per request that counts (the warm-up does not), in the order they were due.

    Attributes:
        target: What was asked.
        scheduled_s: When each was due, seconds from the start of the load, shape (n,).
        latency_s: From when it was *due* until its fate was known, shape (n,). Time that a request
            waited because the server kept all connections busy is part of it.
        lateness_s: From due to sent; NaN where it was never sent.
        held: Whether it waited for a connection because all were busy.
        outcomes: :class:`Outcome` of each.
        statuses: HTTP status of each; 0 where there was no answer.
        bodies: Which of the prepared bodies each carried.
        server_timings: Its ``Server-Timing`` header, ``None`` where there was none.
        duration_s: Over which the counted requests were due.
        deadline_s: Longest wait for one answer.
        warmup: Requests before those that count.
        connections: Connections opened.
        cpu_s: CPU time of the generator, for all requests, warm-up included; NaN on a fake clock.
        examples: First 200 characters of an answer for each status that is not 2xx.
    """

    target: str
    scheduled_s: FloatArray
    latency_s: FloatArray
    lateness_s: FloatArray
    held: NDArray[np.bool_]
    outcomes: NDArray[np.uint8]
    statuses: NDArray[np.int16]
    bodies: NDArray[np.int64]
    server_timings: tuple[bytes | None, ...]
    duration_s: float
    deadline_s: float
    warmup: int = 0
    connections: int = 0
    cpu_s: float = float("nan")
    examples: Mapping[int, str] = field(default_factory=dict)

    @property
    def offered(self) -> int:
        """How many requests were due."""
        return len(self.latency_s)

    @property
    def answered(self) -> NDArray[np.bool_]:
        """Which got a 2xx answer in time."""
        return np.asarray(self.outcomes == Outcome.ANSWERED)

    @property
    def felt_s(self) -> FloatArray:
        """Latency as users felt it: who got no answer waited to the deadline or longer.

        An error that comes back at once is no fast answer, and would otherwise flatter the figures.
        """
        return np.where(self.answered, self.latency_s, np.maximum(self.latency_s, self.deadline_s))

    @property
    def offered_per_s(self) -> float:
        """Requests due per second; 0.0 where they were all due at one moment."""
        return self.offered / self.duration_s if self.duration_s > 0 else 0.0

    @property
    def achieved_per_s(self) -> float:
        """Answers per second, from the first due request to the last fate known."""
        if not self.answered.any():
            return 0.0
        ended = float((self.scheduled_s + self.latency_s).max() - self.scheduled_s[0])
        span_s = max(self.duration_s, ended)
        return float(self.answered.sum()) / span_s if span_s > 0 else 0.0


def result_of(
    driver: Driver,
    *,
    target: str,
    bodies: int,
    warmup_s: float = 0.0,
    duration_s: float,
    server_timings: Mapping[int, bytes] | None = None,
    connections: int = 0,
    cpu_s: float = float("nan"),
    examples: Mapping[int, str] | None = None,
) -> LoadResult:
    """Freeze what a finished driver knows.

    Args:
        driver: Finished.
        target: What was asked.
        bodies: How many prepared bodies were rotated through.
        warmup_s: Requests due before this do not count.
        duration_s: Over which the counted requests were due.
        server_timings: Header by request.
        connections: Connections opened.
        cpu_s: CPU time of the generator.
        examples: Start of an answer by status.
    """
    scheduled = np.array(driver.scheduled_s)
    first = int(np.searchsorted(scheduled, warmup_s, side="left"))
    counted = slice(first, None)
    timings = server_timings or {}
    return LoadResult(
        target=target,
        scheduled_s=scheduled[counted],
        latency_s=(np.array(driver.done_s) - scheduled)[counted],
        lateness_s=(np.array(driver.sent_s) - scheduled)[counted],
        held=np.array(driver.held, dtype=bool)[counted],
        outcomes=driver.outcome_array()[counted],
        statuses=np.array(driver.statuses, dtype=np.int16)[counted],
        bodies=(np.arange(len(scheduled)) % max(bodies, 1))[counted],
        server_timings=tuple(timings.get(request) for request in range(first, len(scheduled))),
        duration_s=duration_s,
        deadline_s=driver.deadline_s,
        warmup=first,
        connections=connections,
        cpu_s=cpu_s,
        examples=dict(examples or {}),
    )
