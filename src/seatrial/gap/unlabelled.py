"""The production accuracy of a case whose rows nobody labelled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seatrial.core.clock import TimeBudget
from seatrial.evidence.gap import Production
from seatrial.evidence.labelfree import LabelFree, Robustness
from seatrial.gap.accuracy import EvalScores, ProductionScores
from seatrial.gap.asking import Asker
from seatrial.gap.case import GapCase
from seatrial.gap.describing import Described
from seatrial.gap.labelfree.looking import Look, Subject, readable, too_few
from seatrial.stats.scores import WITHIN, row_scores

KINDS = ("text", "record", "array")
"""Inputs that cheap models can read."""

LANGUAGE = "language"
PRESENT = 0.5
"""Intensity from which a row counts as being in another language, as everywhere."""

SHARE = 0.8
"""Of the time left, that stress may take; what remains is for learning from it."""


@dataclass(frozen=True)
class Unlabelled:
    """What is known without labels, and what stress showed on the way."""

    production: Production
    estimate: LabelFree | None = None
    robustness: tuple[Robustness, ...] = ()


def without_labels(
    case: GapCase,
    evals: EvalScores,
    scores: ProductionScores | None,
    described: Described | None,
    production: Production,
) -> Unlabelled:
    """Estimate production accuracy where it is unknown; where it is measured, leave it.

    Args:
        case: Holds the model and its eval rows.
        evals: What its answers to those are worth.
        scores: Of the production rows.
        described: Production rows, with what language they are in.
        production: What labels said.
    """
    if production.state != "unknown" or scores is None or described is None:
        return Unlabelled(production)
    share = float(scores.answered.mean())
    places = np.flatnonzero(scores.answered[described.rows])
    few = too_few(len(case.eval.inputs), places.size)
    if few is not None and _readable(case):
        return Unlabelled(_told(production, few, share), few)
    look = _look(case, evals)
    if look is None or case.production is None:
        return Unlabelled(production)
    rows = described.rows[places]
    found = look.estimate(
        [case.production.inputs[int(row)] for row in rows],
        [case.production.answers[int(row)] for row in rows],
        _foreign(described, places),
    )
    return Unlabelled(_told(production, found, share), found, look.robustness())


def _look(case: GapCase, evals: EvalScores) -> Look | None:
    if (
        case.kind is None
        or case.answer is None
        or (case.score is not None and case.task == "regression")
    ):
        return None
    scores = evals.original if evals.variant is None else evals.variant
    budget = None if case.budget is None else case.budget.share(SHARE)
    return Look.at(
        Subject(
            kind=case.kind,
            task=case.task,
            inputs=case.eval.inputs,
            labels=case.eval.labels,
            answers=case.eval.variant or case.eval.original,
            scores=scores,
            ask=Asker(case.answer, budget=budget),
            score=lambda given, labels: row_scores(
                given, labels, metric=case.metric, custom=case.score
            ),
            tolerance=_tolerance(case),
            seed=case.conditions.seed,
            spent=_spent(budget),
        )
    )


def _readable(case: GapCase) -> bool:
    codes = readable(case.eval.labels, task=case.task, tolerance=_tolerance(case))
    return case.kind in KINDS and case.answer is not None and codes is not None


def _tolerance(case: GapCase) -> float | None:
    within = case.task == "regression" and case.metric.startswith(WITHIN)
    return float(case.metric.removeprefix(WITHIN)) if within else None


def _spent(budget: TimeBudget | None) -> Callable[[], bool]:
    return (lambda: False) if budget is None else budget.spent


def _foreign(described: Described, places: NDArray[np.intp]) -> NDArray[np.bool_] | None:
    found = described.intensity.get(LANGUAGE)
    return None if found is None else np.asarray(found[places] >= PRESENT)


def _told(production: Production, found: LabelFree, share: float) -> Production:
    """Return production as estimated, or with what stays unknown; unanswered requests are wrong."""
    if not found.shown or found.accuracy is None or found.low is None or found.high is None:
        low, high = share * found.bound_low, share * found.bound_high
        why = (
            f"none of {production.rows:,} production rows has a label; {found.why}; accuracy lies "
            f"between {100 * low:.0f} % and {100 * high:.0f} %{_offer(found)}"
        )
        return Production(state="unknown", rows=production.rows, method="none", why=why)
    return Production(
        state="estimated",
        accuracy=share * found.accuracy,
        low=share * found.low,
        high=share * found.high,
        n=0,
        rows=production.rows,
        method=f"stress-calibrated, {100 * found.level:.0f} % interval, no labels",
        why=f"no row has a label; learnt from {found.stresses} spoilt versions of the eval rows",
    )


def _offer(found: LabelFree) -> str:
    if not found.narrowing:
        return ""
    one = found.narrowing[min(1, len(found.narrowing) - 1)]
    return f"; {one.n:,} reviews give ±{one.points:.1f} points"
