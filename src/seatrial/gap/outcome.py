"""The outcome model: how the score of a row goes with the intensities of its factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ELSEWHERE_SD = 0.05
"""How far, a priori, production may lie from eval for no factor's reason (fraction).

Where a factor is present in every production row and in no eval row, nothing tells it from
whatever else changed; the drop then goes to the factor, whose own prior is wider."""

FACTOR_SD = 0.5
"""Effect of a factor that could not be undone, a priori: up to a coin's accuracy, rarely more."""

DOMAIN_SD = 0.25
"""The least specific factor explains only what the specific ones leave."""

LEFT_SD = 0.03
"""What undoing may have left of a factor: a repair does not see what it does not know."""

WRONG_SIGN_T = 3.0
"""A factor that seems to *help* is believed beyond this many standard errors, else held at 0."""

UNLIKE_SD = 0.2
"""How far the effect of a factor in production may lie from its effect on eval: a sentence that is
short by nature is no torso, and a language that eval holds as well may be another one."""

LEAST_VARIANCE = 0.01
"""Keeps the prior in force where nearly all rows are right."""

PRESENT = 0.5
"""Intensity from which a row has a factor: its effect may jump there, and need not grow evenly."""


def ramps(intensity: Floats) -> Floats:
    """Return a monotone basis of an intensity, shape (n, 3): up to "present", the step, beyond it.

    With coefficients of one sign their sum is monotone (Ramsay 1988, order 1, and a step).

    >>> ramps(np.array([0.25, 0.5, 0.75])).tolist()
    [[0.5, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 1.0, 0.5]]
    """
    below = np.clip(intensity / PRESENT, 0.0, 1.0)
    beyond = np.clip((intensity - PRESENT) / (1.0 - PRESENT), 0.0, 1.0)
    return np.stack([below, (intensity >= PRESENT).astype(float), beyond], axis=1)


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

    def of(self, views: NDArray[np.intp]) -> Moments:
        """Return the same for some of the responses."""
        return Moments(self.gram, self.moment[:, views], self.variance[views])


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


@dataclass(frozen=True)
class Prior:
    """A normal prior of the coefficients of one response.

    Attributes:
        precision: Inverse covariance, shape (p, p); 0 for a coefficient without a prior.
        held: Coefficients that are 0 for certain, shape (p,).
        root: Turns standard normal draws into draws around 0, shape (p, p).
    """

    precision: Floats
    held: NDArray[np.bool_]
    root: Floats

    @classmethod
    def of(cls, sd: Floats, twins: Mapping[int, tuple[int, float]] | None = None) -> Prior:
        """Return independent coefficients, but for those that resemble an earlier one.

        Args:
            sd: Shape (p,); infinite for no prior, 0 to hold at 0.
            twins: Coefficient -> which other one it resembles, and by how much it may differ (a
                standard deviation); its own entry of ``sd`` is not used.
        """
        precision, root = np.zeros((sd.size, sd.size)), np.zeros((sd.size, sd.size))
        for place, own in enumerate(sd.tolist()):
            if np.isfinite(own) and own > 0 and place not in (twins or {}):
                precision[place, place] += own**-2.0
                root[place, place] = own
        for place, (other, apart) in (twins or {}).items():
            precision[np.ix_([place, other], [place, other])] += apart**-2.0 * TWINS
            root[place] = root[other]
            root[place, place] = apart
        return cls(precision, sd == 0, root)


TWINS = np.array([[1.0, -1.0], [-1.0, 1.0]])
"""Precision of a difference."""


def solve(
    sums: Moments,
    priors: Sequence[Prior],
    free: NDArray[np.bool_],
    *,
    centres: Sequence[Floats] | None = None,
) -> Floats:
    """Return the coefficients of every response.

    Ridge regression with a prior per response (Hoerl and Kennard 1970; Lindley and Smith 1972):
    minimises ``sum w (y - X b)^2 + s^2 (b - c)' P (b - c)``. A coefficient above 0 that is not free
    (a factor does not make a model better) is held at 0, and the others are solved again.

    Args:
        sums: From :func:`moments`.
        priors: One per response.
        free: Which coefficients may be positive, shape (p,).
        centres: Of the priors, shape (p,) each; default: 0.

    Returns:
        Shape (p, views).
    """
    found = np.zeros_like(sums.moment)
    for view, prior in enumerate(priors):
        active = ~prior.held
        penalty = sums.variance[view] * prior.precision
        moment = sums.moment[:, view]
        if centres is not None:
            moment = moment + penalty @ centres[view]
        system = sums.gram + penalty
        system[np.diag_indices_from(system)] += 1e-9
        while True:
            at = np.flatnonzero(active)
            solution = np.linalg.solve(system[np.ix_(at, at)], moment[at])
            wrong = at[(solution > 0) & ~free[at]]
            if not wrong.size:
                break
            active[wrong] = False
        found[at, view] = solution
    return found


def helping(sums: Moments, prior: Prior, free: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which coefficients of the first response are beyond doubt above 0, or free anyway."""
    everybody = np.ones_like(free)
    first = Moments(sums.gram, sums.moment[:, :1], sums.variance[:1])
    solution = solve(first, [prior], everybody)[:, 0]
    system = first.gram + first.variance[0] * prior.precision
    covariance = first.variance[0] * np.linalg.inv(system + 1e-9 * np.eye(free.size))
    error = np.sqrt(np.maximum(np.diag(covariance), 1e-12))
    return np.asarray(free | ((solution > WRONG_SIGN_T * error) & ~prior.held))
