"""Selective prediction: from which confidence on answers are surely right often enough."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

TOP_SHARE = 0.75
"""Of the error allowed, what the sequence that starts among the most confident rows may spend. The
rest is for one that starts at half of all rows: where accuracy hardly depends on confidence, few
rows prove nothing and the first sequence ends at its first test."""

TOP_ROWS = 0.1
"""Share of the rows at which the first sequence starts: with fewer, its first test is a lottery."""

HALF = 0.5
"""Where the second sequence starts, and the share of the permitted misses that the first test of
the first one must be able to bear."""

STEPS = 40
"""Thresholds tried: quantiles of confidence, so that each takes 2.5 % more requests in."""

POWER = 0.8
"""Chance of success for which the labels that are wanted are planned."""

MOST_WANTED = 20_000
"""Labels beyond which nobody reviews: it is then as well to say that no number is known to do."""

FEWEST_PLANNED = 10
"""Labelled rows above a threshold from which their accuracy may be planned with."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Selection:
    """What answering only from a threshold on gives.

    Attributes:
        threshold: The lowest that surely keeps the promise; ``None`` where none does.
        share: Weighted share of the rows at or above it.
        accuracy: Weighted accuracy of these.
        bound: What that accuracy surely is at least, at the certainty asked for.
        n: How many they are.
        wanted: Without a threshold: rows with a label that would do with a chance of 80 %, as far
            as these rows tell; ``None`` where no number is known to.
    """

    threshold: float | None
    share: float = 0.0
    accuracy: float | None = None
    bound: float | None = None
    n: int = 0
    wanted: int | None = None


def lower_bound(scores: ArrayLike, *, certainty: float, weights: ArrayLike | None = None) -> float:
    """Return what a weighted mean of scores in [0, 1] surely is at least.

    Clopper and Pearson's bound (1934) on an effective number of rows (Korn and Graubard 1998): the
    smaller of Kish's ``(sum w)^2 / sum w^2`` and ``p (1 - p) / v``, where v is the linearised
    variance of the weighted mean. Rows that all weigh the same are counted as they are.

    Args:
        scores: Shape (n,), in [0, 1].
        certainty: Chance that the bound is no higher than the truth.
        weights: Shape (n,), inverse inclusion probabilities; default: all alike.

    >>> round(lower_bound([1] * 11, certainty=0.9), 3)
    0.811
    """
    values = np.asarray(scores, dtype=float)
    if not values.size:
        return 0.0
    chosen = np.ones(values.size) if weights is None else np.asarray(weights, dtype=float)
    mean, n = float(np.average(values, weights=chosen)), effective(values, chosen)
    return _beta_low(mean, n, certainty)


def effective(scores: Floats, weights: Floats) -> float:
    """Return how many equally weighted rows a weighted mean is worth; see :func:`lower_bound`."""
    total = float(weights.sum())
    kish = total**2 / float(np.square(weights).sum())
    mean = float(np.average(scores, weights=weights))
    variance = float(np.square(weights * (scores - mean)).sum()) / total**2
    return min(kish, mean * (1.0 - mean) / variance) if variance > 0 else kish


def fewest_rows(target: float, certainty: float) -> int:
    """Return how many rows prove a target while half of the misses it permits occur.

    >>> fewest_rows(0.8, 0.9)
    35
    """
    mean = 1.0 - HALF * (1.0 - target)
    low, high = 1, 2
    while _beta_low(mean, high, certainty) < target:
        low, high = high, 2 * high
    while low < high:
        middle = (low + high) // 2
        if _beta_low(mean, middle, certainty) < target:
            low = middle + 1
        else:
            high = middle
    return high


def thresholds_of(confidence: ArrayLike, *, steps: int = STEPS) -> Floats:
    """Return the thresholds to try, highest first: quantiles of confidence, the least included.

    >>> thresholds_of([0.2, 0.4, 0.6, 0.8], steps=2).tolist()
    [0.6, 0.2]
    """
    said = np.asarray(confidence, dtype=float)
    cuts = np.quantile(said, np.arange(steps)[::-1] / steps, method="higher")
    return np.asarray(np.unique(cuts)[::-1])


def fixed_sequence(
    confidence: ArrayLike,
    scores: ArrayLike,
    *,
    thresholds: ArrayLike,
    target: float,
    certainty: float,
    weights: ArrayLike | None = None,
) -> Selection:
    """Return the lowest threshold from which on answers are surely right often enough.

    Thresholds are tested from the highest down, each at the full level, and the first that fails
    ends the sequence: whatever was passed before holds with the certainty asked for (fixed sequence
    testing; Angelopoulos et al. 2021, Learn then Test, section 4.2). Two sequences share the level,
    one from the most confident tenth on and one from half of the rows on. Where each starts is
    decided by how many rows there are, never by how they were answered.

    Args:
        confidence: Shape (n,).
        scores: Shape (n,), in [0, 1].
        thresholds: Those to try; fixed without a look at the scores.
        target: Accuracy that is promised.
        certainty: Chance that the promise is kept.
        weights: Inverse inclusion probabilities, shape (n,); default: all alike.

    >>> said = np.linspace(0, 1, 1000)
    >>> found = fixed_sequence(said, said > 0.4, thresholds=thresholds_of(said), target=0.8,
    ...                        certainty=0.9)
    >>> bool(0.25 < found.threshold < 0.35), bool(found.bound >= 0.8)
    (True, True)
    """
    said = np.asarray(confidence, dtype=float)
    drawn = np.ones(said.size) if weights is None else np.asarray(weights, dtype=float)
    rows = _Rows(said, np.asarray(scores, dtype=float), drawn)
    ordered = np.sort(np.asarray(thresholds, dtype=float))[::-1]
    error = 1.0 - certainty
    levels = (1.0 - TOP_SHARE * error, TOP_ROWS), (1.0 - (1.0 - TOP_SHARE) * error, HALF)
    ends = [_walk(rows, ordered, target, level, share) for level, share in levels]
    passed = [one for one in ends if one is not None]
    if passed:
        return _selection(min(passed), rows, certainty)
    return Selection(None, wanted=_wanted(rows, ordered, target, levels[0][0]))


def rows_to_tell(mean: float, target: float, *, certainty: float) -> float:
    """Return how many rows tell an accuracy from a target with a chance of 80 %; may be infinite.

    Formula: ``((z_c sqrt(t (1 - t)) + z_80 sqrt(p (1 - p))) / (p - t))^2``, the usual sample size
    of a one-sided test of one proportion.

    >>> round(rows_to_tell(0.9, 0.8, certainty=0.9))
    59
    """
    if mean == target:
        return math.inf
    spread = math.sqrt(target * (1 - target)), math.sqrt(max(mean * (1 - mean), 0.0))
    z = _z(certainty) * spread[0] + _z(POWER) * spread[1]
    return (z / (mean - target)) ** 2


@dataclass(frozen=True)
class _Rows:
    said: Floats
    true: Floats
    weights: Floats

    def above(self, threshold: float) -> _Rows:
        at = self.said >= threshold
        return _Rows(self.said[at], self.true[at], self.weights[at])

    @property
    def mean(self) -> float:
        return float(np.average(self.true, weights=self.weights))


def _walk(
    rows: _Rows, thresholds: Floats, target: float, certainty: float, share: float
) -> float | None:
    start = max(float(fewest_rows(target, certainty)), share * rows.said.size)
    passed = None
    for threshold in thresholds:
        above = rows.above(float(threshold))
        if above.said.size < start:
            continue
        if lower_bound(above.true, weights=above.weights, certainty=certainty) < target:
            break
        passed = float(threshold)
    return passed


def _wanted(rows: _Rows, thresholds: Floats, target: float, certainty: float) -> int | None:
    """Return how many labels would prove the target with a chance of 80 %; ``None``: unknown.

    For each threshold the usual sample size of a test of one proportion, with the accuracy seen
    there (one right and one wrong row added), divided by the share of rows above it.
    """
    best = math.inf
    for threshold in thresholds:
        above = rows.above(float(threshold))
        if above.said.size < FEWEST_PLANNED:
            continue
        n = effective(above.true, above.weights)
        mean = (above.mean * n + 1.0) / (n + 2.0)
        if mean > target:
            # Of all labels, this many lie above and count for one.
            each = rows.said.size / n
            best = min(best, each * rows_to_tell(mean, target, certainty=certainty))
    # These rows were not enough: fewer than twice as many would be luck.
    wanted = max(best, 2.0 * rows.said.size)
    return math.ceil(wanted) if wanted <= MOST_WANTED else None


def _selection(threshold: float, rows: _Rows, certainty: float) -> Selection:
    above = rows.above(threshold)
    return Selection(
        threshold=threshold,
        share=float(above.weights.sum() / rows.weights.sum()),
        accuracy=above.mean,
        bound=lower_bound(above.true, weights=above.weights, certainty=certainty),
        n=above.said.size,
    )


def _beta_low(mean: float, n: float, certainty: float) -> float:
    right = mean * n
    if right <= 0:
        return 0.0
    return float(stats.beta.ppf(1.0 - certainty, right, n - right + 1.0))


def _z(level: float) -> float:
    return float(stats.norm.ppf(level))
