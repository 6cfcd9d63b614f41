"""Intervals that hold whenever one looks: after every label, every day, until one has seen enough.

A confidence sequence is a row of intervals, one per label, that with the stated probability hold
the truth *all at once* (Darling and Robbins 1967). So looking as often as one likes, and stopping
when the interval pleases, costs nothing. The price is width: about 1.6 times that of an interval
for one look.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from seatrial.stats.intervals import LEVEL, Interval

Floats = NDArray[np.float64]

PLANNED_LABELS = 200
"""Labels at which the interval is as narrow as it can be; elsewhere it is nearly so."""

CONCENTRATION = 24.0
"""What the bets are worth as labels seen before. For the normal mixture, to which this comes near,
``n / (-W(-a^2 / e) - 1)`` is best at n labels (Howard et al. 2021, sec. 3.5): for 5 %, n / 8.2."""

SPREADS = (1.0, 9.0)
"""Bets on graded scores, which vary less than zeros and ones, must also be larger: by the second of
these their variance is."""

BETS = 200
"""Bets from 0 to 1, closer at the ends; a grid, which is a valid mixture however coarse it is."""

DISTINCT = 2_000
"""Distinct scores above which they are rounded (away from what is tested, so that the interval only
grows): each costs a row of bets."""

GRID = 1_000
"""Steps from 0 to 1 to which they are rounded."""

LEAST_WON = -1.0 + 1e-12
"""A bet never loses quite all, which keeps its log finite; what it holds back wins nothing."""

EDGE = 1e-9
"""How near to 0 and 1 a mean is looked for."""


def anytime_proportion(
    successes: float, n: float, *, level: float = LEVEL, population: int | None = None
) -> Interval:
    """Return the interval of a proportion that holds at every n at once.

    Formula: the p whose wealth ``B(r p + x, r (1 - p) + n - x) / B(r p, r (1 - p)) / (p^x (1 -
    p)^(n - x))`` has stayed below ``1 / (1 - level)``: bets that are a Beta mixture around p, r
    being :data:`CONCENTRATION` (Robbins 1970; Howard, Ramdas, McAuliffe and Sekhon 2021, prop. 7).
    Wealth is a martingale if p is true, so it ever reaches that limit with at most that
    probability (Ville 1939). For scores in [0, 1] summed up it is a supermartingale: valid, and
    too wide.

    With a finite ``population`` of which the n were drawn without replacement, ``p^x (1 -
    p)^(n - x)`` becomes the chance of that draw (Waudby-Smith and Ramdas 2020); a complete count is
    exact. The population must not grow between looks.

    Args:
        successes: How many of the n, or the sum of scores.
        n: Labels so far; 0 gives the whole range.
        level: Probability that every interval of the sequence covers the truth.
        population: Rows there are in all, if they are fixed.

    >>> ends = anytime_proportion(126, 200)
    >>> round(ends.low, 3), round(ends.high, 3)
    (0.524, 0.729)
    """
    if n <= 0:
        return Interval(0.0, 1.0, level, "beta-binomial confidence sequence")
    limit = -math.log1p(-level)
    mean = min(max(successes / n, 0.0), 1.0)
    least, most = 0.0, 1.0
    if population is not None:
        if n >= population:
            return Interval(mean, mean, level, "complete count")
        least, most = successes / population, 1.0 - (n - successes) / population

    def wealth(p: float) -> float:
        first, second = CONCENTRATION * p, CONCENTRATION * (1.0 - p)
        bets = special.betaln(first + successes, second + n - successes)
        bets -= special.betaln(first, second)
        if population is None:
            chance = special.xlogy(successes, p) + special.xlog1py(n - successes, -p)
        else:
            chance = _drawn(p * population, population, successes, n)
        return float(bets - chance) - limit

    low = _edge(wealth, least, mean)
    high = _edge(wealth, most, mean)
    return Interval(low, high, level, "beta-binomial confidence sequence")


def anytime_mean(
    scores: ArrayLike, *, weights: ArrayLike | None = None, level: float = LEVEL
) -> Interval:
    """Return the interval of the mean of scores in [0, 1] that holds at every n at once.

    Zeros and ones of equal weight: :func:`anytime_proportion`. Otherwise, the m against which no
    mixture of bets has won ``1 / (1 - level)`` times its stake (Waudby-Smith and Ramdas 2024, sec.
    4; weights as in Waudby-Smith et al. 2022)::

        wealth(m) = mean over q of prod_i (1 + (q - m) / (m (1 - m)) v_i (y_i - m))

    with v the weights divided by their largest and q from Beta(r m, r (1 - m)) on a grid, two r.
    For zeros and ones of equal weight each factor is q / m or (1 - q) / (1 - m), which is the
    mixture above; for scores that vary less the larger bets win, and the interval is narrower.
    The order of the rows does not matter. Rows drawn by strata in proportion, and rows whose means
    differ, are allowed at the end of each batch: a mean of factors is at least their geometric one.

    Args:
        scores: Shape (n,), in [0, 1].
        weights: Shape (n,), positive: inverse inclusion probabilities, up to a factor. The largest
            is taken to be known beforehand, as it is where a sample is planned by strata.
        level: Probability that every interval of the sequence covers the truth.

    >>> narrow, wide = anytime_mean([0.4, 0.6] * 100), anytime_mean([0.0, 1.0] * 100)
    >>> narrow.high - narrow.low < (wide.high - wide.low) / 2
    True
    """
    values = np.asarray(scores, dtype=float)
    if not values.size:
        return anytime_proportion(0, 0, level=level)
    chosen = np.ones(values.size) if weights is None else np.asarray(weights, dtype=float)
    sizes = chosen / chosen.max()
    if bool((sizes == 1.0).all()) and bool(np.isin(values, (0.0, 1.0)).all()):
        return anytime_proportion(float(values.sum()), values.size, level=level)
    mean = float(np.average(values, weights=sizes))
    ends = []
    for end, rounded in ((0.0, np.floor), (1.0, np.ceil)):
        kept, factors, times = _grouped(values, sizes, rounded)
        centre = float(np.average(kept, weights=factors * times))
        wealth = _wealth(kept, factors, times, -math.log1p(-level))
        ends.append(_edge(wealth, end, centre))
    return Interval(min(ends[0], mean), max(ends[1], mean), level, "betting confidence sequence")


def anytime_sample_size(width: float, *, share: float = 0.5, level: float = LEVEL) -> int:
    """Return how many labels give an anytime interval of a proportion no wider than ``width``.

    >>> anytime_sample_size(0.2)
    228
    """
    low, high = 1, 1
    while _width(share, high, level) > width:
        low, high = high, high * 2
    while low < high:
        middle = (low + high) // 2
        if _width(share, middle, level) > width:
            low = middle + 1
        else:
            high = middle
    return high


def _width(share: float, n: int, level: float) -> float:
    ends = anytime_proportion(share * n, n, level=level)
    return ends.high - ends.low


def _drawn(successes_in_all: float, population: int, successes: float, n: float) -> float:
    """Return the log chance of one order of draws without replacement."""
    right, wrong = successes_in_all, population - successes_in_all
    return float(
        _falling(right, successes) + _falling(wrong, n - successes) - _falling(population, n)
    )


def _falling(start: float, steps: float) -> float:
    """Return the log of ``start (start - 1) ...``, so many factors."""
    return float(special.gammaln(start + 1.0) - special.gammaln(max(start - steps, 0.0) + 1.0))


def _edge(wealth: Callable[[float], float], end: float, centre: float) -> float:
    """Return where wealth crosses 0 between an end of the range and a mean that is not refuted."""
    inside = min(max(end, EDGE), 1.0 - EDGE)
    if abs(centre - inside) <= EDGE or wealth(inside) < 0.0:
        return end
    return float(optimize.brentq(wealth, inside, min(max(centre, EDGE), 1.0 - EDGE), xtol=1e-9))


def _grouped(
    values: Floats, sizes: Floats, rounded: Callable[[Floats], Floats]
) -> tuple[Floats, Floats, Floats]:
    """Return distinct pairs of score and weight, and how often each occurs."""
    pairs, times = np.unique(np.stack([values, sizes]), axis=1, return_counts=True)
    if pairs.shape[1] > DISTINCT:
        coarse = np.stack([rounded(values * GRID) / GRID, sizes])
        pairs, times = np.unique(coarse, axis=1, return_counts=True)
    return pairs[0], pairs[1], times.astype(float)


def _wealth(values: Floats, sizes: Floats, times: Floats, limit: float) -> Callable[[float], float]:
    angles = (np.arange(BETS) + 0.5) * math.pi / 2.0 / BETS
    bets = np.sin(angles) ** 2

    def wealth(m: float) -> float:
        stakes = (bets - m) / (m * (1.0 - m))
        won = np.log1p(np.maximum(np.outer(stakes, sizes * (values - m)), LEAST_WON)) @ times
        shares = np.logaddexp.reduce([_shares(bets, m, wide) for wide in SPREADS])
        return float(special.logsumexp(won + shares) - math.log(len(SPREADS))) - limit

    return wealth


def _shares(bets: Floats, m: float, wide: float) -> Floats:
    """Return the log share of the stake on each bet: a Beta density around m on their grid."""
    first, second = CONCENTRATION * m / wide, CONCENTRATION * (1.0 - m) / wide
    density = (first - 0.5) * np.log(bets) + (second - 0.5) * np.log1p(-bets)
    return np.asarray(density - special.logsumexp(density))
