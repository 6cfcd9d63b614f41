"""The bootstrap: how a figure would vary had other rows been drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from seatrial.stats.intervals import LEVEL, Interval

REPLICATES = 400
"""Resamples: the 2.5 % ends then rest on ten draws each, which moves them by a tenth of a width."""

JACKKNIFE_GROUPS = 200
"""Most leave-out groups for the acceleration: it is a third moment and needs no more."""

Weights = NDArray[np.float64]


def resampled_weights(
    n: int, *, rng: np.random.Generator, replicates: int = REPLICATES
) -> Iterator[Weights]:
    """Yield how often each of n rows is drawn, for each resample (Efron 1979); each sums to n.

    >>> float(next(resampled_weights(5, rng=np.random.default_rng(0))).sum())
    5.0
    """
    for _ in range(replicates):
        yield np.bincount(rng.integers(0, n, n), minlength=n).astype(float)


def percentile_interval(replicates: ArrayLike, *, level: float = LEVEL) -> Interval:
    """Return the middle ``level`` of the replicates (Efron 1981); NaN are left out.

    Raises:
        ValueError: No replicate is a number.
    """
    values = np.asarray(replicates, dtype=float)
    values = values[np.isfinite(values)]
    if not values.size:
        raise ValueError("an interval needs at least one finite replicate")
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level, "bootstrap, percentile")


def basic_interval(estimate: float, replicates: ArrayLike, *, level: float = LEVEL) -> Interval:
    """Return the percentile interval mirrored at the estimate, which takes bias out once.

    Formula: ``[2 t - q(high), 2 t - q(low)]`` (Davison and Hinkley 1997, eq. 5.6).

    >>> basic_interval(1.0, [1.0, 2.0, 3.0], level=1.0)
    Interval(low=-1.0, high=1.0, level=1.0, method='bootstrap, basic')
    """
    raw = percentile_interval(replicates, level=level)
    return Interval(2 * estimate - raw.high, 2 * estimate - raw.low, level, "bootstrap, basic")


def bootstrap(
    statistic: Callable[[Weights], float],
    n: int,
    *,
    rng: np.random.Generator,
    replicates: int = REPLICATES,
    level: float = LEVEL,
) -> Interval:
    """Return the percentile interval of a statistic of weighted rows.

    Args:
        statistic: Given one weight per row (how often it was drawn), returns the figure; NaN
            where it has none.
        n: Number of rows.
        rng: Source of the draws.
        replicates: How many resamples.
        level: Probability that the interval covers the truth.

    >>> rows = np.arange(100) / 100
    >>> ends = bootstrap(lambda w: float(np.average(rows, weights=w)), 100,
    ...                  rng=np.random.default_rng(1))
    >>> ends.covers(0.495)
    True
    """
    draws = [statistic(w) for w in resampled_weights(n, rng=rng, replicates=replicates)]
    return percentile_interval(draws, level=level)


def bca(
    statistic: Callable[[Weights], float],
    n: int,
    *,
    rng: np.random.Generator,
    replicates: int = REPLICATES,
    level: float = LEVEL,
) -> Interval:
    """Return the bias-corrected and accelerated interval (Efron 1987); see :func:`bootstrap`.

    The acceleration comes from leaving out one group of rows after another.
    """
    estimate = statistic(np.ones(n))
    draws = np.array([statistic(w) for w in resampled_weights(n, rng=rng, replicates=replicates)])
    draws = draws[np.isfinite(draws)]
    if not draws.size:
        raise ValueError("an interval needs at least one finite replicate")
    below = (np.sum(draws < estimate) + 0.5 * np.sum(draws == estimate)) / draws.size
    if not 0 < below < 1:
        return percentile_interval(draws, level=level)
    bias = float(stats.norm.ppf(below))
    acceleration = _acceleration(statistic, n)
    ends = []
    for z in stats.norm.ppf([(1 - level) / 2, (1 + level) / 2]):
        shifted = bias + (bias + z) / (1 - acceleration * (bias + z))
        ends.append(float(np.quantile(draws, stats.norm.cdf(shifted))))
    return Interval(ends[0], ends[1], level, "bootstrap, BCa")


def _acceleration(statistic: Callable[[Weights], float], n: int) -> float:
    groups = np.arange(n) % min(n, JACKKNIFE_GROUPS)
    left_out = np.array([statistic((groups != g).astype(float)) for g in range(groups.max() + 1)])
    centred = left_out.mean() - left_out
    scale = float(np.sum(centred**2) ** 1.5)
    return float(np.sum(centred**3) / (6 * scale)) if scale > 0 else 0.0
