"""What one load found, request by request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seatrial.measure.load.arrivals import FloatArray
from seatrial.measure.load.driver import Driver, Outcome
from seatrial.measure.load.notes import (
    DEGRADED,
    RELEASE,
    RETRY_AFTER,
    SERVED_BY,
    SERVER_TIMING,
    Labels,
    Notes,
)
from seatrial.measure.load.plan import LoadPlan
from seatrial.measure.load.retries import parse_retry_after
from seatrial.measure.load.retrying import RetryingDriver
from seatrial.measure.load.tickets import Fate, TicketOutcome


@dataclass(frozen=True, kw_only=True)
class Attempts:
    """One row per attempt at a request that counts; without retries one per request sent.

    Attributes:
        requests: Which request it was for, shape (m,).
        sent_s: When it went out, seconds from the start of the load.
        done_s: When its fate was known.
        outcomes: :class:`Outcome` of each.
        statuses: HTTP status of each; 0 where there was no answer.
        retry_after_s: What its answer's ``Retry-After`` asked for; NaN: nothing.
    """

    requests: NDArray[np.int64]
    sent_s: FloatArray
    done_s: FloatArray
    outcomes: NDArray[np.uint8]
    statuses: NDArray[np.int16]
    retry_after_s: FloatArray

    def per_request(self, count: int) -> NDArray[np.int64]:
        """Return how many attempts each request took, shape (count,)."""
        return np.bincount(self.requests, minlength=count)

    def answered_first(self) -> int:
        """Return how many requests were answered by their first attempt."""
        _, first = np.unique(self.requests, return_index=True)
        return int((self.outcomes[first] == Outcome.ANSWERED).sum())


@dataclass(frozen=True, kw_only=True)
class Tickets:
    """What became of tickets (202), request by request.

    Attributes:
        outcomes: :class:`TicketOutcome` of each request, shape (n,); 0 where there was no ticket.
        eta_s: What was promised; NaN: nothing.
        waited_s: From the 202 until its fate was known; NaN without a ticket.
    """

    outcomes: NDArray[np.uint8]
    eta_s: FloatArray
    waited_s: FloatArray

    @classmethod
    def of(cls, fates: Mapping[int, Fate], count: int, first: int) -> Tickets:
        """Build from the fates of the tickets; the first requests do not count."""
        outcomes = np.zeros(count, dtype=np.uint8)
        eta_s, waited_s = np.full(count, np.nan), np.full(count, np.nan)
        for request, fate in fates.items():
            outcomes[request] = int(fate.outcome)
            eta_s[request] = np.nan if fate.ticket.eta_s is None else fate.ticket.eta_s
            waited_s[request] = fate.done_s - fate.opened_s
        return cls(outcomes=outcomes[first:], eta_s=eta_s[first:], waited_s=waited_s[first:])

    @property
    def delivered(self) -> NDArray[np.bool_]:
        """Which requests got their answer for a ticket."""
        return np.asarray(self.outcomes == TicketOutcome.DELIVERED)


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
        served_by: What each answer's ``X-Served-By`` says.
        degraded: What its ``X-Degraded`` says; none: it was not degraded, or does not say so.
        releases: What its ``X-Release`` says.
        callers: Who made each request.
        retry_after_s: What its last answer's ``Retry-After`` asked for; NaN: nothing.
        attempts: Every attempt, in the order in which they were sent.
        tickets: What was promised and delivered later.
        closed: Whether callers waited for their answers before they asked again.
        connections: Connections opened.
        cpu_s: CPU time of the generator, for all requests, warm-up included; NaN on a fake clock.
        wall_s: Time of the whole load, warm-up included; NaN on a fake clock.
        examples: First 200 characters of an answer for each status that is not 2xx.
        told: What the plan was, in words.
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
    served_by: Labels
    degraded: Labels
    releases: Labels
    callers: Labels
    retry_after_s: FloatArray
    attempts: Attempts
    tickets: Tickets
    duration_s: float
    deadline_s: float
    warmup: int = 0
    closed: bool = False
    connections: int = 0
    cpu_s: float = float("nan")
    wall_s: float = float("nan")
    examples: Mapping[int, str] = field(default_factory=dict)
    told: str = ""

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
        Who got a ticket waited until it was delivered.
        """
        failed_s = np.maximum(self.latency_s, self.deadline_s)
        put_off_s = np.where(
            self.tickets.delivered, self.latency_s + self.tickets.waited_s, failed_s
        )
        return np.where(self.answered, self.latency_s, put_off_s)

    @property
    def good(self) -> NDArray[np.bool_]:
        """Which got what they asked for inside the deadline: at once, or for a ticket."""
        return self.answered | (self.tickets.delivered & (self.felt_s <= self.deadline_s))

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
    plan: LoadPlan,
    *,
    target: str,
    notes: Notes | None = None,
    tickets: Mapping[int, Fate] | None = None,
    connections: int = 0,
    cpu_s: float = float("nan"),
    wall_s: float = float("nan"),
    examples: Mapping[int, str] | None = None,
) -> LoadResult:
    """Freeze what a finished driver knows.

    Args:
        driver: Finished.
        plan: What it followed.
        target: What was asked.
        notes: Headers of the answers.
        tickets: Fates of the tickets, by request.
        connections: Connections opened.
        cpu_s: CPU time of the generator.
        wall_s: Time of the whole load.
        examples: Start of an answer by status.
    """
    notes = notes or Notes()
    scheduled = np.array(driver.scheduled_s)
    count = len(scheduled)
    first = int(np.searchsorted(scheduled, plan.warmup_s, side="left"))
    counted = slice(first, None)
    timings = notes.by_header[SERVER_TIMING]
    return LoadResult(
        target=target,
        scheduled_s=scheduled[counted],
        latency_s=(np.array(driver.done_s) - scheduled)[counted],
        lateness_s=(np.array(driver.sent_s) - scheduled)[counted],
        held=np.array(driver.held, dtype=bool)[counted],
        outcomes=driver.outcome_array()[counted],
        statuses=np.array(driver.statuses, dtype=np.int16)[counted],
        bodies=plan.body_of(count)[counted],
        server_timings=tuple(timings.get(request) for request in range(first, count)),
        served_by=notes.labels(SERVED_BY, count).since(first),
        degraded=notes.labels(DEGRADED, count).since(first),
        releases=notes.labels(RELEASE, count).since(first),
        callers=plan.caller_labels(count).since(first),
        retry_after_s=_retry_after(notes, count)[counted],
        attempts=_attempts(driver, notes, count, first),
        tickets=Tickets.of(tickets or {}, count, first),
        duration_s=plan.ends_s - plan.warmup_s,
        deadline_s=driver.deadline_s,
        warmup=first,
        closed=plan.closed,
        connections=connections,
        cpu_s=cpu_s,
        wall_s=wall_s,
        examples=dict(examples or {}),
        told=plan.describe(),
    )


def _retry_after(notes: Notes, count: int) -> FloatArray:
    found = np.full(count, np.nan)
    for request, value in notes.by_header[RETRY_AFTER].items():
        seconds = parse_retry_after(value)
        found[request] = np.nan if seconds is None else seconds
    return found


def _attempts(driver: Driver, notes: Notes, count: int, first: int) -> Attempts:
    columns: tuple[ArrayLike, ...]
    if isinstance(driver, RetryingDriver):
        log = driver.log
        requests = np.array(log.requests, dtype=np.int64)
        columns = (log.sent_s, log.done_s, log.outcomes, log.statuses, log.retry_after_s)
    else:
        asked_for_s = _retry_after(notes, count)
        every = (driver.sent_s, driver.done_s, driver.outcomes, driver.statuses, asked_for_s)
        requests = np.flatnonzero(~np.isnan(np.array(driver.sent_s, dtype=float)))
        columns = tuple(np.asarray(column)[requests] for column in every)
    kept = requests >= first
    sent_s, done_s, outcomes, statuses, retry_after_s = (
        np.asarray(column)[kept] for column in columns
    )
    return Attempts(
        requests=requests[kept] - first,
        sent_s=sent_s,
        done_s=done_s,
        outcomes=outcomes.astype(np.uint8),
        statuses=statuses.astype(np.int16),
        retry_after_s=retry_after_s,
    )
