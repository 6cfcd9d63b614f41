"""A release whose workers keep dying or hanging: callers are told at once instead of made to wait.

Between one worker's death and the next, an open breaker lets the server answer with an error, or
with another release, instead of holding callers until their deadlines.
"""

from __future__ import annotations

from collections import deque
from typing import Literal

FAILURES = 5
"""Deaths and hangs within the window that open a breaker."""

FAILURE_SHARE = 0.5
"""They open it only if they are this part of all batches in the window: while other workers do
their work, one caller's bad inputs shut out nobody else."""

WINDOW_S = 30.0
"""How far back failures count."""

PAUSE_S = 5.0
"""How long a breaker stays open the first time."""

PAUSE_MAX_S = 60.0
"""Longest time that it stays open before it tries again."""

PROBES = 1
"""Requests let through at a time to see whether it works again."""

BreakerState = Literal["closed", "open", "half-open"]


class Breaker:
    """Closed: all pass. Open: none do. Half-open: few pass, and what becomes of them decides.

    Attributes:
        state: Where it stands.
        since_s: Since when.

    >>> breaker = Breaker()
    >>> for at_s in range(5):
    ...     breaker.failed(at_s)
    >>> breaker.state, breaker.passes(5.0), breaker.retry_after_s(5.0)
    ('open', False, 4.0)
    >>> breaker.passes(9.0), breaker.passes(9.1)
    (True, False)
    >>> breaker.succeeded(9.2)
    >>> breaker.state
    'closed'
    """

    def __init__(self) -> None:
        self.state: BreakerState = "closed"
        self.since_s = 0.0
        self._failures: deque[float] = deque()
        self._successes: deque[tuple[float, int]] = deque()
        self._pause_s = PAUSE_S
        self._probes: deque[float] = deque()

    def passes(self, now_s: float) -> bool:
        """Say whether a request may pass, and count it as a probe if it is one."""
        if self.state == "closed":
            return True
        if self.state == "open":
            if now_s - self.since_s < self._pause_s:
                return False
            self._turn("half-open", now_s)
        # A probe that nobody reported on, say because its caller left, is not waited for forever.
        while self._probes and now_s - self._probes[0] >= self._pause_s:
            self._probes.popleft()
        if len(self._probes) >= PROBES:
            return False
        self._probes.append(now_s)
        return True

    def failed(self, now_s: float) -> None:
        """A worker died or hung."""
        if self.state == "half-open":
            self._pause_s = min(self._pause_s * 2, PAUSE_MAX_S)
            self._turn("open", now_s)
            return
        self._failures.append(now_s)
        self._forget(now_s)
        failures = len(self._failures)
        batches = failures + sum(count for _, count in self._successes)
        if self.state == "closed" and failures >= max(FAILURES, FAILURE_SHARE * batches):
            self._turn("open", now_s)

    def succeeded(self, now_s: float) -> None:
        """A batch was answered, whatever the answers."""
        if self.state == "half-open":
            self._pause_s = PAUSE_S
            self._turn("closed", now_s)
        second = now_s // 1.0
        if self._successes and self._successes[-1][0] == second:
            self._successes[-1] = (second, self._successes[-1][1] + 1)
        else:
            self._successes.append((second, 1))
            self._forget(now_s)

    def retry_after_s(self, now_s: float) -> float:
        """Return when it is worth trying again; 0 while closed."""
        if self.state == "closed":
            return 0.0
        begun_s = self.since_s if self.state == "open" else max(self._probes, default=now_s)
        return max(begun_s + self._pause_s - now_s, 0.0)

    def _turn(self, state: BreakerState, now_s: float) -> None:
        self.state, self.since_s = state, now_s
        self._failures.clear()
        self._successes.clear()
        self._probes.clear()

    def _forget(self, now_s: float) -> None:
        while self._failures and self._failures[0] <= now_s - WINDOW_S:
            self._failures.popleft()
        while self._successes and self._successes[0][0] <= now_s - WINDOW_S:
            self._successes.popleft()
