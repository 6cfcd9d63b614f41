"""The correctness model: how likely an answer is right, by confidence and by what the input is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seatrial.evidence.confidence import Correctness
from seatrial.gap.standins import PREFIX

Floats = NDArray[np.float64]

INVERSE_PENALTY = 1.0
"""scikit-learn's own: a handful of standardised features on hundreds of rows need no other."""

SURE = 1e-4
"""Confidence is kept this far from 0 and 1, or its log odds would outweigh everything."""

CONFIDENCE = "confidence"
COLUMNS = "columns"
"""The mean intensity of all columns of a table: one each would be more than labels can carry."""


@dataclass(frozen=True)
class Features:
    """What the model looks at, one row per described request.

    Attributes:
        names: Of the columns.
        values: Shape (n, features).
    """

    names: tuple[str, ...]
    values: Floats


def features(confidence: Floats | None, intensity: Mapping[str, Floats]) -> Features:
    """Put log odds of confidence and intensities of factors side by side.

    Args:
        confidence: Of every row, or ``None`` where it cannot be used.
        intensity: Per ledger factor, as the describer gives it online.

    >>> found = features(np.array([0.5]), {"language": np.array([0.2])})
    >>> found.names, found.values.tolist()
    (('confidence', 'language'), [[0.0, 0.2]])
    """
    columns: dict[str, Floats] = {}
    if confidence is not None:
        kept = np.clip(confidence, SURE, 1.0 - SURE)
        columns[CONFIDENCE] = np.log(kept / (1.0 - kept))
    columns |= {name: value for name, value in intensity.items() if not name.startswith(PREFIX)}
    cells = [value for name, value in intensity.items() if name.startswith(PREFIX)]
    if cells:
        columns[COLUMNS] = np.mean(cells, axis=0)
    if not columns:
        return Features((), np.empty((0, 0)))
    return Features(tuple(columns), np.stack(list(columns.values()), axis=1))


def fit(names: tuple[str, ...], values: Floats, scores: Floats, weights: Floats) -> Correctness:
    """Fit the model to reviewed rows; a feature that is the same in all of them has no part.

    Args:
        names: Of the features.
        values: Shape (n, features).
        scores: Shape (n,), in [0, 1]; both 0 and something above it must occur.
        weights: Shape (n,).
    """
    from sklearn.linear_model import LogisticRegression

    means, scales = values.mean(axis=0), values.std(axis=0)
    usable = scales > 0
    scales = np.where(usable, scales, 1.0)
    standard = np.where(usable, (values - means) / scales, 0.0)
    # A graded score is so much of a right answer and so much of a wrong one.
    right = np.r_[np.ones(scores.size), np.zeros(scores.size)]
    parts = np.r_[weights * scores, weights * (1.0 - scores)]
    kept = parts > 0
    model = LogisticRegression(C=INVERSE_PENALTY, solver="lbfgs", max_iter=500)
    both = np.concatenate([standard, standard])[kept]
    model.fit(both, right[kept], sample_weight=parts[kept] / parts[kept].mean() / 2.0)
    return Correctness(
        features=names,
        means=tuple(means.tolist()),
        scales=tuple(scales.tolist()),
        coefficients=tuple(np.where(usable, model.coef_[0], 0.0).tolist()),
        intercept=float(model.intercept_[0]),
        n=int(scores.size),
    )


def chance(model: Correctness, values: Floats) -> Floats:
    """Return the chance of being right, shape (n,), for features in the order of the model.

    >>> model = Correctness(features=("confidence",), means=(0.0,), scales=(1.0,),
    ...                     coefficients=(1.0,), intercept=0.0, n=1)
    >>> chance(model, np.array([[0.0]])).tolist()
    [0.5]
    """
    standard = (values - np.array(model.means)) / np.array(model.scales)
    logit = model.intercept + standard @ np.array(model.coefficients)
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logit, -500.0, 500.0))))
