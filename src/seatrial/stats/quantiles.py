"""Exact percentiles by a stated rule, with intervals that assume no shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from seatrial.stats.intervals import LEVEL, Interval

FAR_TAIL = 0.99
"""Quantiles beyond this one are unknown until ten observations are expected to lie beyond them."""

BEYOND = 10
"""Observations wanted beyond a far quantile: p99.9 needs 10,000."""


@dataclass(frozen=True)
class Quantile:
    """One percentile; ``value`` is ``None`` where too few observations were made.

    ``low`` and ``high`` are ``None`` where no observation bounds that side at the level.
    """

    q: float
    value: float | None
    low: float | None
    high: float | None
    n: int
    why: str = ""


def exact_quantile(values: ArrayLike, q: float) -> float:
    """Return the smallest value that at least the share ``q`` does not exceed.

    Formula: ``x[ceil(q n)]`` of the sorted values, counted from 1 (type 1 of Hyndman and Fan
    1996): always a value that occurred, never one between two.

    Raises:
        ValueError: There are no values, or ``q`` is not in (0, 1].

    >>> exact_quantile([4, 1, 3, 2], 0.5), exact_quantile([4, 1, 3, 2], 0.51)
    (2.0, 3.0)
    """
    ordered = np.sort(np.asarray(values, dtype=float).ravel())
    if not ordered.size or not 0 < q <= 1:
        raise ValueError(f"a quantile needs values and 0 < q <= 1; got {ordered.size}, {q}")
    return float(ordered[rank(q, ordered.size) - 1])


def rank(q: float, n: int) -> int:
    """Return which of n sorted values, counted from 1, is the q-quantile.

    >>> rank(0.99, 100), rank(0.07 * 10, 10)
    (99, 7)
    """
    # 0.07 * 10 is 0.7000000000000001 in binary: without the allowance its rank would be 8.
    return max(1, min(n, math.ceil(q * n - 1e-9)))


def quantile_interval(values: ArrayLike, q: float, *, level: float = LEVEL) -> Interval | None:
    """Return the interval between two observed values that covers the true quantile.

    The number of observations below the true quantile is binomial(n, q) whatever the
    distribution (David and Nagaraja 2003, section 7.1). ``None`` where n is too small for one.
    """
    ordered = np.sort(np.asarray(values, dtype=float).ravel())
    low, high = _ranks(q, ordered.size, level)
    if low < 1 or high > ordered.size:
        return None
    return Interval(float(ordered[low - 1]), float(ordered[high - 1]), level, "order statistics")


def quantiles(
    values: ArrayLike, qs: Sequence[float], *, level: float = LEVEL
) -> tuple[Quantile, ...]:
    """Return several percentiles of the same values, each with its interval.

    Beyond p99 a percentile is unknown until ten values are expected beyond it.

    >>> p50, p999 = quantiles(range(1, 1001), [0.5, 0.999])
    >>> p50.value, p999.value, p999.why
    (500.0, None, '1,000 values; p99.9 needs 10,000')
    """
    ordered = np.sort(np.asarray(values, dtype=float).ravel())
    return tuple(_quantile(ordered, q, level) for q in qs)


def least_values(q: float) -> int:
    """Return how many values the q-quantile needs before it is shown.

    >>> least_values(0.5), least_values(0.999)
    (1, 10000)
    """
    return 1 if q <= FAR_TAIL else math.ceil(BEYOND / (1 - q) - 1e-6)


def _quantile(
    ordered: np.ndarray[tuple[int], np.dtype[np.float64]], q: float, level: float
) -> Quantile:
    n = ordered.size
    if n < least_values(q):
        why = f"{n:,} values; p{100 * q:g} needs {least_values(q):,}"
        return Quantile(q, None, None, None, n, why)
    low, high = _ranks(q, n, level)
    return Quantile(
        q,
        float(ordered[rank(q, n) - 1]),
        float(ordered[low - 1]) if low >= 1 else None,
        float(ordered[high - 1]) if high <= n else None,
        n,
    )


def _ranks(q: float, n: int, level: float) -> tuple[int, int]:
    tail = (1 - level) / 2
    low = int(stats.binom.ppf(tail, n, q))
    high = int(stats.binom.ppf(1 - tail, n, q)) + 1
    return low, high
