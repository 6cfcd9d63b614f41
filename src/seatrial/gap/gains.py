"""What undoing each factor won back, alone and last."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seatrial.gap.material import Plan, Undone
from seatrial.gap.rescoring import Rescored

Floats = NDArray[np.float64]


def gains(plan: Plan, found: Rescored | None, correction: Floats) -> tuple[Undone, ...]:
    """Return what undoing each factor of a plan changed.

    Args:
        plan: What was to be undone.
        found: Scores of the labelled production rows in every world.
        correction: What stand-ins change by themselves, shape (n, worlds).
    """
    if found is None or plan.production is None:
        return ()
    change = found.change - correction
    whole = found.worlds.index((1 << len(plan.undoable)) - 1)
    result = []
    for bit, factor in enumerate(plan.undoable):
        rows = (plan.production.masks >> bit & 1).astype(bool) & found.asked
        alone = change[:, found.worlds.index(1 << bit)]
        rest = found.worlds.index(((1 << len(plan.undoable)) - 1) ^ (1 << bit))
        first, last = _mean_and_error(alone), _mean_and_error(change[:, whole] - change[:, rest])
        gain, error = _mean_and_error(alone[rows])
        result.append(
            Undone(
                id=factor,
                causal=factor not in plan.stood_in,
                use=plan.uses.get(factor, 1.0),
                rows=int(rows.sum()),
                gain=gain,
                gain_error=error,
                flips=float((alone[rows] != 0).mean()) if rows.any() else 0.0,
                moved=max(abs(mean) / max(error, 1e-9) for mean, error in (first, last)),
                within=2.0 * first[1],
            )
        )
    return tuple(result)


def _mean_and_error(values: Floats) -> tuple[float, float]:
    if values.size < 2:  # noqa: PLR2004  (a spread needs two)
        return (float(values.sum()), 0.0)
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(values.size))
