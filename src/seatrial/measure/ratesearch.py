"""Looks for the highest rate that a service holds: which rate to try next, decided in pure code."""

from __future__ import annotations

import math

FRACTIONS = (0.25, 0.5, 0.75, 1.0)
"""Of the estimated capacity: where the curve is drawn before the break is looked for."""

GROWTH = 1.5
"""A batching server does better than its estimate, by no known factor."""

SHRINK = 0.25
UP_MAX = 6
"""Steps beyond the fractions before the search gives up."""

DOWN_MAX = 2
"""What breaks at a sixteenth of the lowest fraction does not break because of the rate."""

PRECISION = 1.1
"""Ratio of the lowest rate that broke to the highest that held at which the search is content."""

REFINEMENTS_MAX = 4


class RateSearch:
    """One search; ask ``next_rate``, try it, ``tell`` what came of it.

    A rate breaks when it was not held twice, or certainly once: one hiccup of a busy machine does
    not end the search.

    Args:
        capacity_per_s: Estimate of what the service can do.

    >>> search = RateSearch(100.0)
    >>> tried = []
    >>> while (rate := search.next_rate()) is not None:
    ...     tried.append(round(rate))
    ...     search.tell(rate, held=rate < 80, certain=True)
    >>> tried
    [25, 50, 75, 100, 87, 81]
    """

    def __init__(self, capacity_per_s: float) -> None:
        self.highest_held: float | None = None
        self.lowest_broken: float | None = None
        self._planned = [fraction * capacity_per_s for fraction in FRACTIONS]
        self._further = 0
        self._refinements = 0
        self._doubted: float | None = None

    def next_rate(self) -> float | None:
        """Return the next rate to try, or nothing when the search is over."""
        if self._doubted is not None:
            return self._doubted
        if self.lowest_broken is None:
            return self._upwards()
        if self.highest_held is None:
            return self._downwards()
        if (
            self.lowest_broken / self.highest_held <= PRECISION
            or self._refinements >= REFINEMENTS_MAX
        ):
            return None
        self._refinements += 1
        return math.sqrt(self.highest_held * self.lowest_broken)

    def tell(self, rate_per_s: float, *, held: bool, certain: bool = False) -> None:
        """Record what came of a rate.

        A rate that holds although a lower one broke changes nothing: the lower one counts.

        Args:
            rate_per_s: What was tried.
            held: Whether it held.
            certain: Whether trying again could show nothing else.
        """
        doubtful = not held and not certain and self._doubted is None
        self._doubted = rate_per_s if doubtful else None
        if doubtful:
            return
        if not held:
            broken = self.lowest_broken
            self.lowest_broken = rate_per_s if broken is None else min(broken, rate_per_s)
            if self.highest_held is not None and self.highest_held >= self.lowest_broken:
                self.highest_held = None
        elif self.lowest_broken is None or rate_per_s < self.lowest_broken:
            self.highest_held = max(self.highest_held or 0.0, rate_per_s)

    def give_up(self) -> None:
        """Take a rate that was to be tried again for broken: there is no time for a second try."""
        if self._doubted is not None:
            self.tell(self._doubted, held=False, certain=True)

    def _upwards(self) -> float | None:
        if self._planned:
            return self._planned.pop(0)
        if self._further == UP_MAX or self.highest_held is None:
            return None
        self._further += 1
        return self.highest_held * GROWTH

    def _downwards(self) -> float | None:
        if self._further == DOWN_MAX or self.lowest_broken is None:
            return None
        self._further += 1
        return self.lowest_broken * SHRINK
