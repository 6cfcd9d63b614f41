"""One stratum: its mean score, from its labelled rows and what predictions say of all its rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_SPREAD = 1e-12
"""Variance of predictions inside a stratum below which they are all the same."""

LEAST_WEIGHT = 0.25
"""Least part of its weight that a labelled row keeps when predictions correct the sample
(Deville and Saerndal 1992 bound weights for the same reason: no row may count against itself)."""


@dataclass(frozen=True)
class Part:
    """One stratum: its mean, the variance of that, its labelled rows' weights, and its slope.

    ``centre`` is the mean prediction of all its rows; ``parameters`` counts what was fitted.
    """

    mean: float
    variance: float
    weights: Floats
    slope: float
    centre: float
    parameters: float


def estimated(
    scores: Floats, drawn: Floats, predictions: Floats, *, centre: float, size: float
) -> Part:
    """Estimate one stratum from its labelled rows.

    Args:
        scores: Of the labelled rows, at least four.
        drawn: Their inverse inclusion probabilities, up to a factor.
        predictions: Theirs.
        centre: Mean prediction of all rows of the stratum.
        size: How many these are.
    """
    n = scores.size
    share = drawn / drawn.sum()
    off = predictions - share @ predictions
    spread = float(share @ off**2)
    mean = float(share @ scores)
    slope = trust = 0.0
    weights = share
    if spread > LEAST_SPREAD:
        slope = float(share @ (off * (scores - mean))) / spread
        trust = _trust(scores - mean - slope * off, slope, spread)
        pull = (centre - float(share @ predictions)) / spread
        most = float(np.max(-pull * off))
        trust = min(trust, (1.0 - LEAST_WEIGHT) / most) if most > 0 else trust
        weights = share * (1.0 + trust * pull * off)
    slope *= trust
    residual = scores - mean - slope * off
    # A mean, perhaps a slope, and one more: what gains is kept after a look at the same labels.
    parameters = 3.0 if trust > 0 else 2.0
    left = max(1.0 - n / size, 0.0)
    variance = left * n / (n - parameters) * float(weights**2 @ residual**2)
    return Part(float(weights @ scores), variance, weights, slope, centre, parameters)


def _trust(residual: Floats, slope: float, spread: float) -> float:
    """Return how much of a slope is kept: none that chance alone would give."""
    if slope == 0:
        return 0.0
    noise = float(np.mean(residual**2)) / (max(residual.size - 2, 1) * spread)
    return max(0.0, 1.0 - noise / slope**2)
