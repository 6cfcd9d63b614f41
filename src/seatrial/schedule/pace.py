"""How long batches take, learnt from those that ran: a part per batch and a part per cost."""

from __future__ import annotations

OUTLIER = 10.0
"""A batch counts at most this many times what was expected: the machine may have slept."""

OUTLIERS_AFTER = 3.0
"""Batches seen before any is called an outlier."""

COST_MIN = 1e-12
"""A batch that is said to cost nothing still counts."""

SPREAD_MIN = 1e-3
"""Least relative variance of cost at which the part per batch can be told from that per cost."""


class Pace:
    """Least squares of ``seconds = per_batch + per_cost * cost``, older batches fading.

    Both parts are at least 0 and the line goes through the weighted mean, so that costs far from
    those seen are never expected to take negative time.

    Args:
        memory: How many batches count, about.

    >>> pace = Pace(memory=50)
    >>> for cost in (1, 8, 64):
    ...     pace.learn(cost, 0.4 + 0.02 * cost)
    >>> round(pace.per_batch, 3), round(pace.per_cost, 3)
    (0.4, 0.02)
    >>> round(pace.expect(100, batches=2), 1)
    2.8
    """

    __slots__ = ("_keep", "_n", "_x", "_xx", "_xy", "_y", "per_batch", "per_cost")

    def __init__(self, *, memory: float) -> None:
        self._keep = 1.0 - 1.0 / memory
        self._n = self._x = self._y = self._xx = self._xy = 0.0
        self.per_batch = 0.0
        self.per_cost = 0.0

    def learn(self, cost: float, seconds: float) -> None:
        """A batch of that cost took so long."""
        cost = max(cost, COST_MIN)
        if self._n > OUTLIERS_AFTER:
            seconds = min(seconds, OUTLIER * (self.per_batch + self.per_cost * cost))
        keep = self._keep
        self._n = n = self._n * keep + 1.0
        self._x = x = self._x * keep + cost
        self._y = y = self._y * keep + seconds
        self._xx = xx = self._xx * keep + cost * cost
        self._xy = xy = self._xy * keep + cost * seconds
        ratio = y / x
        variance = xx * n - x * x
        if variance > SPREAD_MIN * x * x:
            ratio = min(max((xy * n - x * y) / variance, 0.0), ratio)
        self.per_cost = ratio
        self.per_batch = (y - ratio * x) / n

    def rescale(self, factor: float) -> None:
        """Costs are so many times what they were."""
        self._x *= factor
        self._xx *= factor * factor
        self._xy *= factor
        self.per_cost /= factor

    def expect(self, cost: float, *, batches: float = 1.0) -> float:
        """Return the seconds that so many batches of that cost in all should take."""
        return self.per_batch * batches + self.per_cost * cost
