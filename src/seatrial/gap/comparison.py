"""Rows that have a factor beside rows that lack it: how much less often they are right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seatrial.gap.accuracy import EvalScores, ProductionScores
from seatrial.gap.describing import Described
from seatrial.gap.material import Undone
from seatrial.gap.outcome import ELSEWHERE_SD, LEAST_VARIANCE

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

PRESENT = 0.5
"""Intensity from which a row has a factor."""

LEAST_ROWS = 10
"""Labelled production rows that must have a factor before its cost is spoken of."""

TOGETHER = 0.9
"""Part of the rows with a factor that have another one too, from which the two cannot be told
apart: digits put for letters, say, look like another form as well."""


@dataclass(frozen=True)
class Effect:
    """What goes with having a factor, others held.

    Attributes:
        effect: Change of the mean score, as a fraction; a loss is negative.
        error: Its standard error.
        n: Labelled production rows that have it.
        accuracy: Of these rows.
    """

    effect: float
    error: float
    n: int
    accuracy: float


def compared(
    names: Sequence[str],
    evals: EvalScores,
    seen: ProductionScores,
    described: Described,
    *,
    settled: Mapping[str, Undone],
) -> dict[str, Effect]:
    """Regress the score on having each factor, eval and labelled production rows together.

    Least squares on 0/1 columns with a column for production, held near 0 as in the ledger, so
    that a factor in every production row is still compared with eval; errors are robust to unequal
    variance (White 1980). What a settled factor cost is given back to the rows that have it, so
    that it is not charged to whatever comes with it.

    Args:
        names: Factors.
        evals: Scores of the eval rows.
        seen: Scores of the described production rows.
        described: What the rows look like.
        settled: Factors whose effect is known from undoing them.
    """
    judged = seen.judged
    had = {name: (described.intensity[name] >= PRESENT) & judged for name in names}
    rank = {name: _rank(name, rows, described, settled) for name, rows in had.items()}
    names = [
        name
        for name in names
        if name not in settled and had[name].sum() >= LEAST_ROWS and _apart(name, had, rank)
    ]
    if not names:
        return {}
    before = {name: described.before[name] >= PRESENT for name in had}
    ours, theirs = evals.reached.size, int(judged.sum())
    design = np.ones((ours + theirs, 2 + len(names)))
    design[:ours, 1] = 0.0
    right = np.concatenate([evals.reached, seen.given[judged]])
    for name, one in settled.items():
        right += one.gain * np.concatenate([before[name], had[name][judged]])
    for place, name in enumerate(names, start=2):
        design[:, place] = np.concatenate([before[name], had[name][judged]])
    drawn = seen.weights[judged]
    weights = np.concatenate([np.ones(ours), drawn / drawn.mean()])
    effects, errors = _least_squares(design, right, weights)
    return {
        name: Effect(
            float(effects[place]),
            float(errors[place]),
            int(had[name].sum()),
            float(np.average(seen.given[had[name]], weights=seen.weights[had[name]])),
        )
        for place, name in enumerate(names, start=2)
    }


def _rank(
    name: str, rows: Mask, described: Described, settled: Mapping[str, Undone]
) -> tuple[float, float, float]:
    """Order factors: what surely cost something first, what did not last, else what is commoner."""
    known = 0.0
    if name in settled:
        known = 1.0 if settled[name].matters else -1.0
    return known, float(rows.sum()), float(described.intensity[name][rows].sum())


def _apart(name: str, had: Mapping[str, Mask], rank: Mapping[str, tuple[float, ...]]) -> bool:
    """Say whether enough rows have this factor without another one that ranks before it."""
    mine = had[name]
    return not any(
        (mine & rows).sum() > TOGETHER * mine.sum() and rank[other] > rank[name]
        for other, rows in had.items()
        if other != name
    )


def _least_squares(design: Floats, right: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return coefficients and their robust standard errors."""
    weighted = design * weights[:, None]
    mean = float(np.average(right, weights=weights))
    variance = max(float(np.average(np.square(right - mean), weights=weights)), LEAST_VARIANCE)
    penalty = np.zeros(design.shape[1])
    penalty[1] = variance / ELSEWHERE_SD**2
    inverse = np.linalg.pinv(weighted.T @ design + np.diag(penalty))
    effects = inverse @ (weighted.T @ right)
    left = weighted * (right - design @ effects)[:, None]
    spread = inverse @ (left.T @ left + np.diag(penalty * variance)) @ inverse
    return effects, np.sqrt(np.maximum(np.diag(spread), 1e-12))
