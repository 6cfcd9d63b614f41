"""Least squares whose answers are costs, so none is negative."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

TOLERANCE = 1e-10
"""Gradient, on columns of unit length, below which a coefficient is left at zero."""


def non_negative(
    columns: FloatArray,  # (n, k)
    target: FloatArray,  # (n,)
    *,
    penalty: FloatArray | None = None,  # (k,)
) -> FloatArray:
    """Return the x ≥ 0 that minimises ½ |target - columns x|² + Σ penalty · length · x.

    The active-set method of Lawson & Hanson, *Solving Least Squares Problems* (1974), ch. 23, on
    the normal equations. ``scipy.optimize.nnls`` knows no penalty, and importing it would cost a
    server that is starting more than the fit.

    Args:
        columns: One row per observation, one column per coefficient.
        target: What was observed.
        penalty: Added to the gradient of each column scaled to unit length; zero means none.

    >>> non_negative(np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([2.0, 1.0]))
    array([1.5, 0. ])
    """
    lengths = np.sqrt((columns**2).sum(axis=0))
    scaled = columns / np.where(lengths > 0.0, lengths, 1.0)
    gram = scaled.T @ scaled
    pull = scaled.T @ target - (0.0 if penalty is None else penalty)
    found = np.zeros(len(pull))
    free = np.zeros(len(pull), dtype=bool)
    tolerance = TOLERANCE * max(float(np.abs(pull).max(initial=0.0)), 1e-300)
    for _ in range(3 * len(pull)):
        gradient = np.where(free, -np.inf, pull - gram @ found)
        at = int(np.argmax(gradient))
        if gradient[at] <= tolerance:
            break
        free[at] = True
        _settle(gram, pull, found, free)
    return found / np.where(lengths > 0.0, lengths, np.inf)


def _settle(gram: FloatArray, pull: FloatArray, found: FloatArray, free: NDArray[np.bool_]) -> None:
    """Solve for the free coefficients, fixing at zero whichever would turn negative."""
    while free.any():
        solved = np.zeros(len(pull))
        solved[free] = np.linalg.lstsq(gram[np.ix_(free, free)], pull[free], rcond=1e-12)[0]
        if (solved[free] > 0.0).all():
            found[:] = solved
            return
        sinking = free & (solved <= 0.0)
        room = found[sinking] / np.maximum(found[sinking] - solved[sinking], 1e-300)
        found += float(room.min(initial=1.0)) * (solved - found)
        free &= ~(sinking & (found <= np.abs(solved) * 1e-12 + 1e-300))
        found[~free] = 0.0
