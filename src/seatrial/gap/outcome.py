"""The outcome model: how the score of a row goes with the intensities of its factors."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ELSEWHERE_SD = 0.1
"""How far, a priori, production may lie from eval for no factor's reason (fraction).

Where a factor is present in every production row and in no eval row, nothing tells it from
whatever else changed; the drop then goes to the factor, whose own prior is wider."""

FACTOR_SD = 0.5
"""Effect of a factor that could not be undone, a priori: up to a coin's accuracy, rarely more."""

DOMAIN_SD = 0.25
"""The least specific factor explains only what the specific ones leave."""

RESIDUAL_OF_GAIN = 1.0
"""What undoing a factor may have left of it, per point gained, in standard deviations: a repair
that wins a point back may have missed another, and one that wins nothing has missed nothing."""

WRONG_SIGN_T = 3.0
"""A factor that seems to *help* is believed beyond this many standard errors, else held at 0."""

LEAST_VARIANCE = 0.01
"""Keeps the prior in force where nearly all rows are right."""

KNOTS = (0.0, 0.25, 0.5, 1.0)
"""Where the effect of a factor may change its slope: it need not grow evenly with intensity."""


def ramps(intensity: Floats) -> Floats:
    """Return a piecewise linear basis of an intensity, shape (n, 3): 0 before, 1 after each piece.

    With coefficients of one sign their sum is monotone (Ramsay 1988, order 1).

    >>> ramps(np.array([0.25, 0.375])).tolist()
    [[1.0, 0.0, 0.0], [1.0, 0.5, 0.0]]
    """
    pieces = [(intensity - low) / (high - low) for low, high in pairwise(KNOTS)]
    return np.clip(np.stack(pieces, axis=1), 0.0, 1.0)


@dataclass(frozen=True)
class Moments:
    """Weighted sums from which the model is solved, for many responses at once.

    Attributes:
        gram: ``X' W X``, shape (p, p); columns are 1, production, then factors.
        moment: ``X' W Y``, shape (p, views).
        variance: Weighted variance of each response, shape (views,).
    """

    gram: Floats
    moment: Floats
    variance: Floats


def moments(design: Floats, responses: Floats, weights: Floats) -> Moments:
    """Sum up weighted rows.

    Args:
        design: Shape (n, p).
        responses: Shape (n, views).
        weights: Shape (n,).
    """
    weighted = design * weights[:, None]
    total = weights.sum()
    mean = weights @ responses / total
    variance = weights @ np.square(responses) / total - np.square(mean)
    return Moments(
        weighted.T @ design, weighted.T @ responses, np.maximum(variance, LEAST_VARIANCE)
    )


def solve(
    sums: Moments, prior_sd: Floats, free: NDArray[np.bool_], *, centre: Floats | None = None
) -> Floats:
    """Return the coefficients of every response.

    Ridge regression with a prior per coefficient (Hoerl and Kennard 1970; Lindley and Smith 1972):
    minimises ``sum w (y - X b)^2 + s^2 sum (b / sd)^2``. A coefficient above 0 that is not free
    (a factor does not make a model better) is held at 0, and the others are solved again.

    Args:
        sums: From :func:`moments`.
        prior_sd: Shape (p, views); infinite for no prior, 0 to hold at 0.
        free: Which coefficients may be positive, shape (p,).
        centre: Of the prior, in its standard deviations, shape (p,); default: 0.

    Returns:
        Shape (p, views).
    """
    found = np.zeros_like(sums.moment)
    for view in range(sums.moment.shape[1]):
        prior = prior_sd[:, view]
        active = prior > 0
        while True:
            at = np.flatnonzero(active)
            penalty = sums.variance[view] / np.square(prior[at])
            system = sums.gram[np.ix_(at, at)]
            system[np.diag_indices_from(system)] += penalty + 1e-9
            moment = sums.moment[at, view]
            if centre is not None:
                known = np.where(np.isinf(prior[at]), 0.0, prior[at])
                moment = moment + penalty * centre[at] * known
            solution = np.linalg.solve(system, moment)
            wrong = at[(solution > 0) & ~free[at]]
            if not wrong.size:
                break
            active[wrong] = False
        found[at, view] = solution
    return found


def helping(sums: Moments, prior_sd: Floats, free: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which coefficients of the first response are beyond doubt above 0, or free anyway."""
    everybody = np.ones_like(free)
    first = Moments(sums.gram, sums.moment[:, :1], sums.variance[:1])
    solution = solve(first, prior_sd[:, :1], everybody)[:, 0]
    with np.errstate(divide="ignore"):
        penalty = first.variance[0] / np.square(np.maximum(prior_sd[:, 0], 1e-9))
    covariance = first.variance[0] * np.linalg.inv(
        first.gram + np.diag(np.where(np.isinf(prior_sd[:, 0]), 0.0, penalty) + 1e-9)
    )
    error = np.sqrt(np.maximum(np.diag(covariance), 1e-12))
    return np.asarray(free | (solution > WRONG_SIGN_T * error))
