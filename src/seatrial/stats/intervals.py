"""Intervals for proportions and means, alone and in pairs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats

LEVEL = 0.95
"""Level of every interval that seatrial prints, unless the caller asks for another."""

NORMAL_ROWS = 30
"""Rows from which a mean of scores in [0, 1] may use its own variance instead of the largest."""

FINITE_SHARE = 0.1
"""Share of a finite population below which it counts as infinite: the gain (2.5 % of the width at
a twentieth) is smaller than what the score interval falls short of its level for some counts."""

NUDGE = 1e-10
"""Step off the observed difference, where the score equation has a second root if nothing moved."""


@dataclass(frozen=True)
class Interval:
    """A confidence interval and how it was made."""

    low: float
    high: float
    level: float = LEVEL
    method: str = ""

    def covers(self, value: float) -> bool:
        """Say whether ``value`` lies inside, ends included."""
        return self.low <= value <= self.high


def wilson(
    successes: float, n: float, *, level: float = LEVEL, population: int | None = None
) -> Interval:
    """Return the score interval of a proportion.

    Formula: the p with ``|x/n - p| <= z sqrt(p (1 - p) / n)`` (Wilson 1927). With a finite
    ``population``, n is replaced by ``n (N - 1) / (N - n)``, so that a complete count is exact.

    Args:
        successes: How many of the n; need not be whole (weighted counts).
        n: Trials, or the effective number of them.
        level: Probability that the interval covers the truth.
        population: Size of the finite population that the n were drawn from without replacement.

    Raises:
        ValueError: There are no trials.

    >>> round(wilson(5, 10).low, 4), round(wilson(5, 10).high, 4)
    (0.2366, 0.7634)
    """
    if n <= 0:
        raise ValueError("a proportion of 0 trials has no interval")
    p = min(max(successes / n, 0.0), 1.0)
    if population is not None:
        if n >= population:
            return Interval(p, p, level, "complete count")
        n = n * (population - 1) / (population - n)
    z = _z(level)
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Interval(
        max(0.0, min(p, centre - half)), min(1.0, max(p, centre + half)), level, "wilson"
    )


def clopper_pearson(successes: int, n: int, *, level: float = LEVEL) -> Interval:
    """Return the exact interval of a proportion, never too short (Clopper and Pearson 1934).

    Raises:
        ValueError: There are no trials.

    >>> round(clopper_pearson(0, 10).high, 4)
    0.3085
    """
    if n <= 0:
        raise ValueError("a proportion of 0 trials has no interval")
    tail = (1 - level) / 2
    low = 0.0 if successes == 0 else float(stats.beta.ppf(tail, successes, n - successes + 1))
    high = 1.0 if successes == n else float(stats.beta.ppf(1 - tail, successes + 1, n - successes))
    return Interval(low, high, level, "clopper-pearson")


def mean_interval(
    scores: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    level: float = LEVEL,
    population: int | None = None,
) -> Interval:
    """Return the interval of the mean of scores in [0, 1], weighted or not.

    Zeros and ones get Wilson's interval on the effective number of rows (Kish 1965:
    ``(sum w)^2 / sum w^2``). Graded scores vary less than zeros and ones: from 30 rows on they
    get Student's interval; below, Wilson's, which is too wide rather than too narrow.

    Args:
        scores: Shape (n,), in [0, 1].
        weights: Shape (n,), positive: inverse inclusion probabilities.
        level: Probability that the interval covers the truth.
        population: Size of the finite population the rows were drawn from without replacement;
            used where the rows are a tenth of it or more.

    Raises:
        ValueError: There are no rows.

    >>> mean_interval([1, 0, 1, 1]).method
    'wilson'
    """
    values = np.asarray(scores, dtype=float)
    if not values.size:
        raise ValueError("the mean of 0 scores has no interval")
    chosen = np.ones(values.size) if weights is None else np.asarray(weights, dtype=float)
    effective = float(chosen.sum() ** 2 / np.square(chosen).sum())
    mean = float(np.average(values, weights=chosen))
    if population is not None and values.size < FINITE_SHARE * population:
        population = None
    binary = bool(np.isin(values, (0.0, 1.0)).all())
    if population is not None and values.size >= population:
        return Interval(mean, mean, level, "complete count")
    if binary or values.size < NORMAL_ROWS:
        return wilson(mean * effective, effective, level=level, population=population)
    variance = float(np.average(np.square(values - mean), weights=chosen)) / (effective - 1)
    if population is not None:
        variance *= 1 - effective / population
    half = float(stats.t.ppf(0.5 + level / 2, effective - 1)) * math.sqrt(max(variance, 0.0))
    return Interval(max(0.0, mean - half), min(1.0, mean + half), level, "student")


def paired_difference(before: ArrayLike, after: ArrayLike, *, level: float = LEVEL) -> Interval:
    """Return the interval of mean(after) - mean(before) over the same rows.

    Zeros and ones: the score interval of Tango (1998), which stays honest where no row or every
    row changes. Graded scores: Student's interval of the differences, from 30 rows on; below, the
    score interval with its counts replaced by sums of gains and of losses.

    Args:
        before: Scores in [0, 1], shape (n,).
        after: Scores of the same rows, shape (n,).
        level: Probability that the interval covers the truth.

    Raises:
        ValueError: There are no rows, or not the same number of them.

    >>> interval = paired_difference([1, 1, 1, 0], [1, 1, 0, 0])
    >>> interval.low < -0.25 < interval.high
    True
    """
    first, second = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    if first.shape != second.shape or not first.size:
        raise ValueError(f"pairs need equal shapes, not empty; got {first.shape}, {second.shape}")
    change = second - first
    if change.size < NORMAL_ROWS or bool(np.isin(change, (-1.0, 0.0, 1.0)).all()):
        gains, losses = float(change[change > 0].sum()), float(-change[change < 0].sum())
        return tango(gains, losses, change.size, level=level)
    mean, error = float(change.mean()), float(change.std(ddof=1) / math.sqrt(change.size))
    half = float(stats.t.ppf(0.5 + level / 2, change.size - 1)) * error
    return Interval(max(-1.0, mean - half), min(1.0, mean + half), level, "student, paired")


def tango(gains: float, losses: float, n: int, *, level: float = LEVEL) -> Interval:
    """Return the score interval of a paired difference of proportions.

    Formula: the d with ``|gains - losses - n d| <= z sqrt(n (2 q + d (1 - d)))``, where q is the
    likeliest share of losses given d (Tango 1998, Statistics in Medicine 17, eq. 3 and 4).

    Args:
        gains: Pairs that went from wrong to right.
        losses: Pairs that went from right to wrong.
        n: All pairs.
        level: Probability that the interval covers the truth.

    >>> interval = tango(0, 0, 100)
    >>> round(interval.low, 4), round(interval.high, 4)
    (-0.037, 0.037)
    """
    z, observed = _z(level), (gains - losses) / n

    def excess(delta: float, sign: float) -> float:
        linear = -gains - losses + (2 * n - gains + losses) * delta
        constant = -losses * delta * (1 - delta)
        likeliest = (math.sqrt(max(linear**2 - 8 * n * constant, 0.0)) - linear) / (4 * n)
        spread = math.sqrt(max(n * (2 * likeliest + delta * (1 - delta)), 0.0))
        return sign * (gains - losses - n * delta) - z * spread

    def edge(limit: float) -> float:
        sign = 1.0 if limit < observed else -1.0
        near = observed - sign * NUDGE
        if abs(limit - observed) <= NUDGE or excess(limit, sign) <= 0:
            return limit
        return float(optimize.brentq(excess, limit, near, args=(sign,), xtol=NUDGE))

    return Interval(edge(-1.0), edge(1.0), level, "tango score, paired")


def sample_size(
    width: float,
    *,
    share: float = 0.5,
    level: float = LEVEL,
    population: int | None = None,
    gain: float = 1.0,
) -> int:
    """Return how many labels give a Wilson interval no wider than ``width``.

    Args:
        width: From end to end, a fraction.
        share: The proportion that is expected.
        level: Probability that the interval covers the truth.
        population: Size of the finite population; never more labels than that are needed.
        gain: How many labels of a plain random sample one label is worth.

    >>> sample_size(0.132), sample_size(0.132, population=1000)
    (217, 179)
    """

    def wide(n: int) -> float:
        if population is not None and n >= population:
            return 0.0
        worth = n * gain
        if population is not None:
            worth *= (population - 1) / (population - n)
        ends = wilson(share * worth, worth, level=level)
        return ends.high - ends.low

    low, high = 1, 1
    while wide(high) > width:
        low, high = high, high * 2
    while low < high:
        middle = (low + high) // 2
        if wide(middle) > width:
            low = middle + 1
        else:
            high = middle
    return high


def _z(level: float) -> float:
    return float(stats.norm.ppf(0.5 + level / 2))
