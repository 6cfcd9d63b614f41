"""When a worker that died is replaced: at once, then after growing pauses."""

from __future__ import annotations

PAUSE_FIRST_S = 0.1
"""Pause after the second death in a row; the first is answered at once."""

PAUSE_MAX_S = 15.0
"""Longest pause: a model that cannot live is tried four times a minute."""

HEALTHY_S = 30.0
"""A worker that lived this long ends the row of deaths."""


class Restarts:
    """Counts deaths in a row and says how long to wait before the next start.

    >>> restarts = Restarts()
    >>> [restarts.pause_s(lived_s=0.5) for _ in range(4)]
    [0.0, 0.1, 0.2, 0.4]
    >>> restarts.pause_s(lived_s=60.0)
    0.0
    """

    def __init__(self) -> None:
        self.deaths = 0

    def pause_s(self, *, lived_s: float) -> float:
        """Return the pause before the next start, after a worker that lived so long died."""
        self.deaths = 1 if lived_s >= HEALTHY_S else self.deaths + 1
        if self.deaths == 1:
            return 0.0
        return min(PAUSE_FIRST_S * 2.0 ** min(self.deaths - 2, 30), PAUSE_MAX_S)
