"""Time, passed in: nothing decides by looking at a clock of its own."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Two readings: monotonic seconds for durations, wall time for people."""

    def now_s(self) -> float:
        """Return monotonic seconds; only differences mean anything."""
        ...

    def utc(self) -> datetime:
        """Return the wall time, with its time zone (UTC)."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now_s(self) -> float:
        """Return ``time.perf_counter``: monotonic, the finest resolution there is."""
        return time.perf_counter()

    def utc(self) -> datetime:
        """Return the wall time in UTC."""
        return datetime.now(UTC)


SYSTEM = SystemClock()


class TimeBudget:
    """How long something may still take; asked, never enforced by force.

    Args:
        seconds: The whole allowance.
        clock: Where time comes from.
    """

    def __init__(self, seconds: float, *, clock: Clock = SYSTEM) -> None:
        self.seconds = seconds
        self.clock = clock
        self._started = clock.now_s()

    def left_s(self) -> float:
        """Return the seconds left, never below zero."""
        return max(0.0, self.seconds - (self.clock.now_s() - self._started))

    def spent(self) -> bool:
        """Say whether nothing is left."""
        return self.left_s() <= 0.0

    def share(self, fraction: float) -> TimeBudget:
        """Return a budget of its own for a part of the work: that fraction of what is left."""
        return TimeBudget(self.left_s() * fraction, clock=self.clock)
