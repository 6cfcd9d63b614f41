"""Which request goes out when, and what became of it: no clock, no socket, no sleep.

The driver is told the time and what happened, and answers what to do. The event loop of
:mod:`~seatrial.measure.load.generator` obeys it on real sockets and
:mod:`~seatrial.measure.load.simulation` on a fake clock; the figures come from here in both.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from seatrial.measure.load.arrivals import FloatArray


class Outcome(IntEnum):
    """What became of one request."""

    PENDING = 0
    ANSWERED = 1
    """A 2xx answer, complete and in time."""
    STATUS = 2
    """A complete answer with another status."""
    TIMEOUT = 3
    """The deadline passed: in flight, or (never sent) waiting for a connection."""
    REFUSED = 4
    """No connection could be made."""
    DISCONNECTED = 5
    """The connection ended before the answer was complete."""
    MALFORMED = 6
    """What came back is not HTTP/1.1."""
    DEFERRED = 7
    """A ticket (202): the answer comes later, and is asked for."""


class Driver:
    """The state of one load.

    Args:
        arrivals_s: When each request is due, sorted, shape (n,), seconds.
        deadline_s: Longest wait for one answer, counted from when the request was due.
        connections_max: Requests in flight at once (one per connection). What is due beyond that
            is held and goes out late, but its latency still counts from when it was due.
    """

    def __init__(self, arrivals_s: FloatArray, *, deadline_s: float, connections_max: int) -> None:
        self.scheduled_s: list[float] = arrivals_s.tolist()
        count = len(self.scheduled_s)
        self.sent_s = [math.nan] * count
        self.done_s = [math.nan] * count
        self.outcomes = [0] * count
        self.statuses = [0] * count
        self.held = bytearray(count)
        self.in_flight = 0
        self.deadline_s = deadline_s
        self._connections_max = connections_max
        self._count = count
        self._next = 0
        self._oldest = 0
        self._unresolved = count
        self._full_until_s = -math.inf

    @property
    def finished(self) -> bool:
        """Say whether the fate of every request is known."""
        return self._unresolved == 0

    def take(self, now_s: float) -> int | None:
        """Return a request to send at this instant, or nothing; call until it returns nothing."""
        request = self._next
        if (
            request == self._count
            or self.scheduled_s[request] > now_s
            or self.in_flight == self._connections_max
        ):
            return None
        self._next = request + 1
        self.in_flight += 1
        self.sent_s[request] = now_s
        if self.scheduled_s[request] < self._full_until_s:
            self.held[request] = 1
        return request

    def resolve(
        self,
        request: int,
        now_s: float,
        outcome: Outcome,
        status: int = 0,
        retry_after_s: float | None = None,  # noqa: ARG002  (for clients that try again)
    ) -> bool:
        """Record what became of a request that was taken.

        Args:
            request: As taken.
            now_s: When its fate was known.
            outcome: What became of it.
            status: HTTP status of its answer.
            retry_after_s: What the answer's ``Retry-After`` asked for.

        Returns:
            Whether to look at once for what is due: a connection was wanted, or all is done.
        """
        if self.outcomes[request]:
            return False
        was_full = self.in_flight == self._connections_max
        if was_full:
            self._full_until_s = now_s
        self.in_flight -= 1
        self._settle(request, now_s, outcome)
        self.statuses[request] = status
        return was_full or self._unresolved == 0

    def expire(self, now_s: float) -> list[int]:
        """Resolve what is past its deadline; return those in flight, for their wires to be cut."""
        expired = []
        while self._oldest < self._count:
            request = self._oldest
            if self.outcomes[request]:
                self._oldest += 1
                continue
            if self.scheduled_s[request] + self.deadline_s > now_s:
                break
            if self._give_up(request, now_s):
                expired.append(request)
            self._oldest += 1
        return expired

    def wake_s(self) -> float | None:
        """Return when to look again even if nothing happens; ``None`` when all is done."""
        while self._oldest < self._count and self.outcomes[self._oldest]:
            self._oldest += 1
        if self._oldest == self._count:
            return None
        deadline = self.scheduled_s[self._oldest] + self.deadline_s
        if self._next < self._count and self.in_flight < self._connections_max:
            return min(self.scheduled_s[self._next], deadline)
        return deadline

    def _give_up(self, request: int, now_s: float) -> bool:
        """Resolve a request that is past its deadline; say whether it was in flight."""
        if request < self._next:
            Driver.resolve(self, request, now_s, Outcome.TIMEOUT)
            return True
        self._next = request + 1
        self.held[request] = self.in_flight == self._connections_max
        self._settle(request, now_s, Outcome.TIMEOUT)
        return False

    def _settle(self, request: int, now_s: float, outcome: Outcome) -> None:
        self.done_s[request] = now_s
        self.outcomes[request] = int(outcome)
        self._unresolved -= 1

    def outcome_array(self) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
        """Return the outcomes so far, shape (n,)."""
        return np.array(self.outcomes, dtype=np.uint8)
