"""Adds to the material what the model's answers say of rows that nobody labelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from seatrial.gap.asking import Asker
from seatrial.gap.case import GapCase
from seatrial.gap.forecast import LEAST_ROWS, forecast
from seatrial.gap.material import Material, Plan
from seatrial.gap.rescoring import Score
from seatrial.gap.sureness import Sureness
from seatrial.gap.transplants import transplanted
from seatrial.gap.undoing import StoodIn
from seatrial.models.answers import Answer
from seatrial.stats.scores import ACCURACY


def foreseen(
    material: Material,
    plan: Plan,
    case: GapCase,
    rows: NDArray[np.intp],
    *,
    ask: Asker | None,
    score: Score,
    rng: np.random.Generator,
) -> Material:
    """Forecast what undoing changes in all described rows.

    Only where unlabelled rows are at least as many as labelled ones: fewer of them add nothing
    that labels do not say. Texts are asked again; cells of tables, whose stand-ins need a label,
    are tried on eval rows.

    Args:
        material: What was gathered from the labelled rows.
        plan: How factors are undone.
        case: Holds answers and eval rows.
        rows: Which production rows are described.
        ask: The model; ``None`` where it cannot be asked.
        score: How answers are scored.
        rng: Decides which of many rows are asked.
    """
    unlabelled = len(material.fate) - material.labelled.size
    if unlabelled < max(LEAST_ROWS, material.labelled.size) or case.production is None:
        return material
    if ask is not None and plan.undoable and isinstance(plan.production, StoodIn):
        if material.unasked:
            return material
        labels = case.production.labels or []
        found = transplanted(
            plan.production,
            material.worlds,
            plan.intensity,
            [labels[int(row)] for row in rows[material.labelled]],
            case.eval.labels,
            ask=ask,
            score=score,
            rng=rng,
        )
        return replace(material, forecast=found)
    if case.metric != ACCURACY or case.score is not None:
        return material
    if ask is None or plan.everybody is None or not plan.undoable or material.unasked:
        return material
    whole = material.worlds.index((1 << len(plan.undoable)) - 1)
    on_eval: Sequence[Answer | None] = case.eval.served or case.eval.variant or case.eval.original
    sureness = Sureness.fit(on_eval, material.eval_scores[:, material.worlds.index(0)])
    found = forecast(
        plan.everybody,
        material.worlds,
        material.labelled,
        material.scores[:, whole],
        sureness=sureness,
        ask=ask,
        limit=case.rescored_rows - ask.asked,
        rng=rng,
    )
    return replace(material, forecast=found)
