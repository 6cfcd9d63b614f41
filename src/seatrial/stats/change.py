"""The mean change of a score over the same rows, with an interval that one may choose by."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from seatrial.stats.intervals import LEVEL, NORMAL_ROWS, Interval, tango

OTHERS = 0.5
"""Other rows, as a share of those at hand, that an interval is to hold for."""


def chosen_level(tries: int, *, level: float = LEVEL) -> float:
    """Return the level at which each of several intervals is to be drawn.

    Two things are asked of it, and the wider is taken. All intervals together hold with chance
    ``level`` (Bonferroni), so that the best of the list may be believed. And each one holds, with
    chance ``level``, what *half as many other rows* will show: whoever tries a remedy looks at
    rows whose own noise is added, which makes the difference vary by the square root of three.

    Args:
        tries: How many were looked at, those that were left out included.
        level: Chance wanted.

    >>> round(chosen_level(1), 4), round(chosen_level(50), 4)
    (0.9993, 0.9993)
    """
    together = 1.0 - (1.0 - level) / max(tries, 1)
    again = math.sqrt(1.0 + 1.0 / OTHERS) * float(stats.norm.ppf(0.5 + level / 2))
    return max(together, 2.0 * float(stats.norm.cdf(again)) - 1.0)


def change_interval(
    change: ArrayLike, *, weights: ArrayLike | None = None, level: float = LEVEL
) -> Interval:
    """Return the interval of a weighted mean of changes of score.

    Changes by -1, 0 and 1 get Tango's score interval on the effective number of rows, which has a
    width even where nothing changed; graded ones Student's.

    Args:
        change: Score after minus score before, in [-1, 1], shape (n,).
        weights: Shape (n,); default: all alike. Rows of weight 0 are left out.
        level: Probability that the interval covers the truth.

    Raises:
        ValueError: No row has a weight.

    >>> found = change_interval([1.0] * 10 + [0.0] * 90)
    >>> found.covers(0.1), found.covers(0.0)
    (True, False)
    """
    values = np.asarray(change, dtype=float)
    drawn = np.ones(values.size) if weights is None else np.asarray(weights, dtype=float)
    values, drawn = values[drawn > 0], drawn[drawn > 0]
    if not values.size:
        raise ValueError("the mean of 0 changes has no interval")
    total = float(drawn.sum())
    mean = float(np.average(values, weights=drawn))
    kish = total**2 / float(np.square(drawn).sum())
    spread = float(np.average(np.square(values - mean), weights=drawn))
    error = float(np.square(drawn * (values - mean)).sum()) / total**2
    # Where rows that weigh much change most, the rows are worth less than their weights say.
    n = min(kish, spread / error) if error > 0 else kish
    if values.size < NORMAL_ROWS or bool(np.isin(values, (-1.0, 0.0, 1.0)).all()):
        gains = float(drawn[values > 0] @ values[values > 0]) / total
        losses = float(drawn[values < 0] @ -values[values < 0]) / total
        whole = max(1, round(n))
        return tango(gains * whole, losses * whole, whole, level=level)
    half = float(stats.t.ppf(0.5 + level / 2, n - 1)) * math.sqrt(spread / (n - 1))
    return Interval(max(-1.0, mean - half), min(1.0, mean + half), level, "student, paired")
