"""A closed loop: a fixed number of callers, each asking again as soon as it is answered.

It finds what a service can do at most, and is what most benchmarks print. It says nothing about
what users would feel: callers who wait for their answers slow down with the service, and the
requests that would have come meanwhile are never sent (coordinated omission).
"""

from __future__ import annotations

import math

import numpy as np

from seatrial.measure.load.driver import Driver, Outcome

BRAKE_S = 0.01
"""After a connection that could not be made: a dead service is not asked thousands of times."""


class ClosedDriver(Driver):
    """Keeps as many requests in flight as there are connections, for a while.

    A request is due when it is sent, so its latency counts from then.

    Args:
        duration_s: How long new requests are sent.
        deadline_s: Longest wait for one answer.
        connections: Requests in flight.
    """

    def __init__(self, *, duration_s: float, deadline_s: float, connections: int) -> None:
        super().__init__(np.empty(0), deadline_s=deadline_s, connections_max=connections)
        self._duration_s = duration_s
        self._not_before_s = 0.0
        self._over = False

    @property
    def finished(self) -> bool:
        """Say whether the time is up and the fate of every request is known."""
        return self._over and self._unresolved == 0

    def take(self, now_s: float) -> int | None:
        """Return the next request while there is time and a connection."""
        if self.in_flight == self._connections_max or self._over or now_s < self._not_before_s:
            return None
        if now_s >= self._duration_s:
            self._over = True
            return None
        request = self._count
        self._count = self._next = request + 1
        self._unresolved += 1
        self.scheduled_s.append(now_s)
        self.sent_s.append(now_s)
        self.done_s.append(math.nan)
        self.outcomes.append(0)
        self.statuses.append(0)
        self.held.append(0)
        self.in_flight += 1
        return request

    def resolve(
        self,
        request: int,
        now_s: float,
        outcome: Outcome,
        status: int = 0,
        retry_after_s: float | None = None,
    ) -> bool:
        """Record a fate; the connection is wanted again at once."""
        if outcome == Outcome.REFUSED:
            self._not_before_s = now_s + BRAKE_S
        super().resolve(request, now_s, outcome, status, retry_after_s)
        return True

    def wake_s(self) -> float | None:
        """Return when to look again; ``None`` when all is done."""
        oldest = super().wake_s()
        if self._over:
            return oldest
        if self.in_flight < self._connections_max:
            soon = min(self._not_before_s, self._duration_s)
            return soon if oldest is None else min(oldest, soon)
        return oldest
