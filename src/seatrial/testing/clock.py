"""A clock that moves when it is told to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 1, tzinfo=UTC)


class ManualClock:
    """Monotonic and wall time that advance together, by hand.

    >>> clock = ManualClock()
    >>> clock.advance(1.5)
    >>> clock.now_s(), clock.utc().isoformat()
    (1.5, '2026-01-01T00:00:01.500000+00:00')
    """

    def __init__(self, *, start: datetime = START) -> None:
        self._start = start
        self._now_s = 0.0

    def advance(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            ValueError: ``seconds`` is negative; this clock is monotonic too.
        """
        if seconds < 0:
            raise ValueError(f"received {seconds} s; accepted is 0 or more")
        self._now_s += seconds

    def now_s(self) -> float:
        """Return the seconds that have passed."""
        return self._now_s

    def utc(self) -> datetime:
        """Return the wall time."""
        return self._start + timedelta(seconds=self._now_s)
