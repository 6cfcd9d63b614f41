"""How much faster one way is than another, from pairs measured side by side.

A busy machine slows both halves of a pair alike, so their ratio stays; the median over pairs and
its order-statistic interval (Conover 1999, *Practical Nonparametric Statistics*, section 3.2)
need no assumption about the noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct

from seatrial.core.clock import TimeBudget

PAIRS_MIN, PAIRS_MAX = 6, 25
"""Six pairs are the fewest whose extremes hold the median with 95 % confidence."""

PAIRS_FEW = 3
"""With fewer than this there is no interval at all."""

LEVEL = 0.95
_T_QUANTILE = {3: 4.303, 4: 3.182, 5: 2.776}
"""0.975 quantiles of Student's t for 2, 3 and 4 degrees of freedom."""


class Ratio(Struct, frozen=True):
    """A ratio with its interval; all ``None`` where too few pairs could be measured."""

    value: float | None
    low: float | None
    high: float | None
    pairs: int


def paired_ratio(
    first: Callable[[], float],
    second: Callable[[], float],
    *,
    budget: TimeBudget,
    settled: Callable[[Ratio], bool] = lambda _: False,
    pairs_max: int = PAIRS_MAX,
) -> Ratio:
    """Return how many times longer ``first`` takes than ``second``.

    Args:
        first: Runs one way and returns the seconds it took.
        second: Runs the other way on the same work.
        budget: When to stop.
        settled: Says of a ratio over at least six pairs that no more are needed.
        pairs_max: When to stop in any case.
    """
    logs: list[float] = []
    longest_s = 0.0
    while len(logs) < pairs_max:
        # A few pairs that are short are worth more than a budget kept to the millisecond.
        if budget.spent() and (len(logs) >= PAIRS_FEW or longest_s >= budget.seconds):
            break
        if len(logs) % 2:
            after, before = second(), first()
        else:
            before, after = first(), second()
        longest_s = max(longest_s, before + after)
        logs.append(math.log(max(before, 1e-9) / max(after, 1e-9)))
        if len(logs) >= PAIRS_MIN and settled(interval(logs)):
            break
    return interval(logs)


def interval(logs: Sequence[float]) -> Ratio:
    """Return the median ratio of logarithms of ratios, with its 95 % interval.

    >>> ratio = interval([0.0] * 6)
    >>> ratio.low, ratio.value, ratio.high
    (1.0, 1.0, 1.0)
    """
    count = len(logs)
    if count < PAIRS_FEW:
        return Ratio(None, None, None, count)
    ordered = sorted(logs)
    middle = float(np.median(ordered))
    if count < PAIRS_MIN:
        reach = _T_QUANTILE[count] * float(np.std(ordered, ddof=1)) / math.sqrt(count)
        centre = float(np.mean(ordered))
        return Ratio(math.exp(middle), math.exp(centre - reach), math.exp(centre + reach), count)
    rank = _rank(count)
    return Ratio(
        math.exp(middle), math.exp(ordered[rank]), math.exp(ordered[count - 1 - rank]), count
    )


def _rank(count: int) -> int:
    """Return how many extremes on each side an interval of the median may drop."""
    tail, rank = 0.0, 0
    for dropped in range(count // 2):
        tail += math.comb(count, dropped) / 2.0**count
        if tail > (1.0 - LEVEL) / 2.0:
            break
        rank = dropped
    return rank
