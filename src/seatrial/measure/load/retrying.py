"""A driver whose clients try again: what is due now may be a request that failed before."""

from __future__ import annotations

import heapq
import math
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from seatrial.measure.load.arrivals import FloatArray
from seatrial.measure.load.driver import Driver, Outcome
from seatrial.measure.load.retries import RetryPolicy


@dataclass
class AttemptLog:
    """Every attempt in the order in which they were sent, column by column."""

    requests: list[int] = field(default_factory=list)
    sent_s: list[float] = field(default_factory=list)
    done_s: list[float] = field(default_factory=list)
    outcomes: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    retry_after_s: list[float] = field(default_factory=list)

    def open(self, request: int, sent_s: float) -> int:
        """Add an attempt; return its row."""
        self.requests.append(request)
        self.sent_s.append(sent_s)
        self.done_s.append(math.nan)
        self.outcomes.append(0)
        self.statuses.append(0)
        self.retry_after_s.append(math.nan)
        return len(self.requests) - 1

    def close(
        self, row: int, done_s: float, outcome: Outcome, status: int, retry_after_s: float | None
    ) -> None:
        """Record what became of an attempt."""
        self.done_s[row] = done_s
        self.outcomes[row] = int(outcome)
        self.statuses[row] = status
        if retry_after_s is not None:
            self.retry_after_s[row] = retry_after_s


class RetryingDriver(Driver):
    """The state of one load whose clients follow a policy.

    A request is settled by its last attempt; its latency counts from when it was first due, and
    the deadline is that of the whole. A client whose next attempt would begin after its deadline
    gives up at once.

    Args:
        arrivals_s: When each request is due, sorted, shape (n,), seconds.
        deadline_s: Longest wait for an answer, all attempts together.
        connections_max: Requests in flight at once.
        policy: What clients do after a failure.
        rng: Source of the jitter.
    """

    def __init__(
        self,
        arrivals_s: FloatArray,
        *,
        deadline_s: float,
        connections_max: int,
        policy: RetryPolicy,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(arrivals_s, deadline_s=deadline_s, connections_max=connections_max)
        self.attempts = [0] * self._count
        self.log = AttemptLog()
        self._policy = policy
        self._rng = rng
        self._rows = [0] * self._count
        self._waiting: dict[int, tuple[Outcome, int]] = {}
        self._later: list[tuple[float, int]] = []
        self._running: deque[tuple[float, int, int]] = deque()

    def take(self, now_s: float) -> int | None:
        """Return a request to send: one that is tried again, or the next that is due."""
        while self._later and self._later[0][1] not in self._waiting:
            heapq.heappop(self._later)
        if self._later and self._later[0][0] <= now_s:
            if self.in_flight == self._connections_max:
                return None
            _, request = heapq.heappop(self._later)
            del self._waiting[request]
            self.in_flight += 1
        else:
            fresh = super().take(now_s)
            if fresh is None:
                return None
            request = fresh
        self.attempts[request] += 1
        self._rows[request] = self.log.open(request, now_s)
        if self._policy.attempt_s is not None:
            limit = (now_s + self._policy.attempt_s, request, self.attempts[request])
            self._running.append(limit)
        return request

    def resolve(
        self,
        request: int,
        now_s: float,
        outcome: Outcome,
        status: int = 0,
        retry_after_s: float | None = None,
    ) -> bool:
        """Record what became of an attempt; say whether to look for what is due."""
        if self.outcomes[request] or request in self._waiting:
            return False
        self.log.close(self._rows[request], now_s, outcome, status, retry_after_s)
        delay_s = self._policy.delay_s(
            self.attempts[request], outcome, status, retry_after_s, rng=self._rng
        )
        if delay_s is None or now_s + delay_s >= self.scheduled_s[request] + self.deadline_s:
            return super().resolve(request, now_s, outcome, status)
        if self.in_flight == self._connections_max:
            self._full_until_s = now_s
        self.in_flight -= 1
        self._waiting[request] = (outcome, status)
        heapq.heappush(self._later, (now_s + delay_s, request))
        return True

    def expire(self, now_s: float) -> list[int]:
        """Resolve what is past its deadline, and abandon attempts that take too long."""
        expired = super().expire(now_s)
        while self._running and self._running[0][0] <= now_s:
            _, request, attempt = self._running.popleft()
            if self._in_flight(request, attempt):
                self.resolve(request, now_s, Outcome.TIMEOUT)
                expired.append(request)
        return expired

    def wake_s(self) -> float | None:
        """Return when to look again even if nothing happens; ``None`` when all is done."""
        wake = super().wake_s()
        if wake is None:
            return None
        while self._running and not self._in_flight(*self._running[0][1:]):
            self._running.popleft()
        if self._running:
            wake = min(wake, self._running[0][0])
        if self._later and self.in_flight < self._connections_max:
            wake = min(wake, self._later[0][0])
        return wake

    def _in_flight(self, request: int, attempt: int) -> bool:
        return (
            not self.outcomes[request]
            and request not in self._waiting
            and self.attempts[request] == attempt
        )

    def _give_up(self, request: int, now_s: float) -> bool:
        if request in self._waiting:
            # It keeps the failure that it was to recover from.
            outcome, status = self._waiting.pop(request)
            self._settle(request, now_s, outcome)
            self.statuses[request] = status
            return False
        was_in_flight = super()._give_up(request, now_s)
        if was_in_flight:
            self.log.close(self._rows[request], now_s, Outcome.TIMEOUT, 0, None)
        return was_in_flight
