"""Agreement on the line: models that agree less elsewhere are right less, and by the same line."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

EDGE = 0.005
"""Nearest that an agreement may come to 0 or 1: beyond, the normal scale runs off."""

STEEPEST = 2.0
"""Slope beyond which the line is noise: members that all agree alike give no line."""


def agreements(answers: Floats, *, tolerance: float | None = None) -> Floats:
    """Return how often each two of the models agree, shape (models, models).

    Args:
        answers: Codes or numbers, shape (n, models).
        tolerance: How far numbers may differ and still agree; ``None``: they must be equal.

    >>> agreements(np.array([[1, 1], [0, 1]]))
    array([[1. , 0.5],
           [0.5, 1. ]])
    """
    apart = np.abs(answers[:, :, None] - answers[:, None, :])
    return np.asarray((apart <= (tolerance or 0.0)).mean(axis=0), dtype=float)


def on_the_line(accuracy: float, before: Floats, after: Floats) -> float:
    """Return a model's accuracy on other rows, by the line on which agreements lie.

    On the normal scale the agreements of pairs of models, here and elsewhere, lie on a line; where
    they do, accuracies lie on the same one (Baek et al. 2022, ALine-S).

    Args:
        accuracy: The model's own, on the rows of ``before``.
        before: Agreements of all pairs on eval rows, shape (models, models).
        after: The same on the other rows.
    """
    pairs = np.triu_indices(len(before), 1)
    x, y = _scaled(before[pairs]), _scaled(after[pairs])
    slope, level = line(x, y)
    return float(stats.norm.cdf(level + slope * (_scaled(accuracy) - x.mean())))


def line(x: Floats, y: Floats) -> tuple[float, float]:
    """Return the slope of the least-squares line, and its height above the mean of ``x``.

    >>> line(np.array([0.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0]))
    (1.0, 2.0)
    """
    away = x - x.mean()
    spread = float(away @ away)
    slope = float(away @ (y - y.mean())) / spread if spread > 0.0 else 1.0
    return float(np.clip(slope, 0.0, STEEPEST)), float(y.mean())


def _scaled(share: Any) -> Any:
    return stats.norm.ppf(np.clip(share, EDGE, 1.0 - EDGE))
