"""Whether production inputs can be told from the eval set's: a classifier tries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from seatrial.gap.labelfree.encoding import Encoding
from seatrial.stats.intervals import Interval

Floats = NDArray[np.float64]

ROWS_MAX = 1_000
"""Rows taken from either side: the area is then known to ±0.03, and more only cost time."""

LEVEL = 0.95


def telling_apart(
    encoding: Encoding,
    ours: Sequence[Any],
    theirs: Sequence[Any],
    *,
    rng: np.random.Generator,
) -> tuple[float, Interval]:
    """Return how well held-out rows of two samples are told apart: 0.5 is not at all.

    Two classifiers, each fitted on one half of the rows, score the other half; the interval is
    Hanley and McNeil's (1982, equation 1).

    Args:
        encoding: Turns inputs into matrices.
        ours: Eval inputs.
        theirs: Production inputs.
        rng: Deals the rows.

    Returns:
        The area under the ROC curve, and its interval.
    """
    count = min(len(ours), len(theirs), ROWS_MAX)
    taken = [
        [side[int(row)] for row in rng.choice(len(side), count, replace=False)]
        for side in (ours, theirs)
    ]
    ((classifier, view),) = encoding.looks([*taken[0], *taken[1]]).items()
    origin = np.repeat([0, 1], count)
    half = np.concatenate([rng.permutation(np.arange(count) % 2) for _ in taken])
    areas = []
    for fold in (0, 1):
        fitted = _classifier(classifier).fit(view[half != fold], origin[half != fold])
        # Scores of different classifiers do not compare: each half has an area of its own.
        scores = fitted.predict_proba(view[half == fold])[:, 1]
        areas.append(_area(scores, origin[half == fold]))
    area = float(np.mean(areas))
    return area, _interval(area, count)


def values_apart(ours: Floats, theirs: Floats) -> tuple[float, Interval]:
    """Return how well one number alone tells two samples apart, in either direction."""
    used = [side[np.isfinite(side)] for side in (ours, theirs)]
    if not all(side.size for side in used):
        return 0.5, Interval(0.5, 0.5, LEVEL, "no values")
    origin = np.repeat([0, 1], [side.size for side in used])
    area = _area(np.concatenate(used), origin)
    area = max(area, 1.0 - area)
    return area, _interval(area, min(side.size for side in used))


def _classifier(name: str) -> Any:
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.linear_model import LogisticRegression

    if name == "trees":
        return ExtraTreesClassifier(100, min_samples_leaf=5, random_state=0)
    return LogisticRegression(C=1.0, max_iter=200)


def _area(scores: Floats, origin: NDArray[np.int64]) -> float:
    ranks = stats.rankdata(scores)
    ours, theirs = int((origin == 0).sum()), int((origin == 1).sum())
    above = float(ranks[origin == 1].sum()) - theirs * (theirs + 1) / 2
    return above / max(1, ours * theirs)


def _interval(area: float, count: int) -> Interval:
    first, second = area / (2.0 - area), 2.0 * area**2 / (1.0 + area)
    variance = area * (1.0 - area) + (count - 1) * (first + second - 2.0 * area**2)
    reach = float(stats.norm.ppf(0.5 + LEVEL / 2.0)) * np.sqrt(max(variance, 0.0)) / count
    return Interval(max(0.0, area - reach), min(1.0, area + reach), LEVEL, "Hanley-McNeil")
