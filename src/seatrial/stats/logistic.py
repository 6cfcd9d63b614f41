"""Logistic regression of a few coefficients, with an offset and a prior, for scores in [0, 1]."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

STEPS = 50
"""Most Newton steps; a few coefficients with a prior settle in under ten."""

SETTLED = 1e-8
"""Change of a coefficient, in log odds, that ends the steps."""

SURE = 1e-6
"""Probabilities are kept this far from 0 and 1: certainty has no log odds."""


def log_odds(probability: ArrayLike) -> Floats:
    """Return ``log(p / (1 - p))``, finite for 0 and 1 as well.

    >>> log_odds([0.5]).tolist()
    [0.0]
    """
    p = np.clip(np.asarray(probability, dtype=float), SURE, 1.0 - SURE)
    return np.asarray(np.log(p) - np.log1p(-p))


def chance(odds: ArrayLike) -> Floats:
    """Return the probability of log odds; the inverse of :func:`log_odds`.

    >>> chance([0.0]).tolist()
    [0.5]
    """
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * np.asarray(odds, dtype=float))))


def fit_logistic(
    design: Floats,
    response: Floats,
    *,
    prior_mean: ArrayLike,
    prior_sd: ArrayLike,
    offset: Floats | None = None,
) -> Floats:
    """Return the most probable coefficients, shape (p,), by Newton's method.

    Maximises ``sum y log q + (1 - y) log(1 - q) - sum ((b - mean) / sd)^2 / 2`` with ``q`` the
    chance of ``X b + offset`` (Gelman et al. 2008, eq. 1 with a normal prior).

    Args:
        design: Shape (n, p).
        response: Shape (n,), in [0, 1].
        prior_mean: Shape (p,).
        prior_sd: Shape (p,), above 0.
        offset: Log odds that are known beforehand, shape (n,).

    >>> rows = np.ones((300, 1))
    >>> found = fit_logistic(rows, np.full(300, 0.75), prior_mean=[0.0], prior_sd=[10.0])
    >>> chance(found).round(3).tolist()
    [0.75]
    """
    mean, precision = np.asarray(prior_mean, float), 1.0 / np.square(np.asarray(prior_sd, float))
    known = np.zeros(len(design)) if offset is None else offset
    found = mean.copy()
    for _ in range(STEPS):
        q = chance(design @ found + known)
        slope = design.T @ (response - q) - precision * (found - mean)
        curve = design.T @ (design * (q * (1.0 - q))[:, None]) + np.diag(precision)
        step = np.linalg.solve(curve, slope)
        # A step of more than a few log odds leaves the region where the parabola fits.
        found = found + np.clip(step, -2.0, 2.0)
        if np.abs(step).max(initial=0.0) < SETTLED:
            break
    return found
