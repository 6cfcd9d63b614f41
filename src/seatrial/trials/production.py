"""The gap of a rig: rows asked in process and over HTTP, handed to ``gap``."""

from __future__ import annotations

from collections.abc import Sequence

from seatrial.core.errors import SeatrialError
from seatrial.core.settings import Settings
from seatrial.describe.describer import describer_for
from seatrial.evidence.gap import GapDocument
from seatrial.gap.case import EvalRows, Fate, GapCase, ProductionRows
from seatrial.gap.gap import measure_gap
from seatrial.models.answers import Answer
from seatrial.trials.answering import Outcome, answer_all
from seatrial.trials.rig import BATCH, Rig


def measure_production(rig: Rig) -> GapDocument:
    """Measure how far production falls below eval, and explain it.

    Raises:
        DataError: Answers and labels are of different types.
        ModelError: The variant cannot answer the eval set.
    """
    rows, settings = rig.supplied.eval, rig.settings
    served, served_fate = told_apart(rig.served_eval, settings)
    variant = None
    if rig.inside and settings.serving.variant != "original":
        variant = answer_all(rig.variant, rows.inputs, batch=BATCH)
    case = GapCase(
        eval=EvalRows(
            inputs=rows.inputs,
            labels=rows.labels or [],
            original=rig.eval_answers,
            variant=variant,
            served=served,
            served_fate=served_fate,
        ),
        production=_production(rig),
        conditions=rig.at,
        metric=settings.eval.metric,
        score=rig.score,
        task=settings.model.task,
        describer=describer_for(settings.model.input, rows.inputs),
        answer=lambda inputs: rig.variant.answer(inputs).answers,
    )
    return measure_gap(case)


def told_apart(
    outcomes: Sequence[Outcome], settings: Settings
) -> tuple[list[Answer | None], list[Fate]]:
    """Split outcomes into answers and fates; below the confidence threshold is an abstention."""
    answers: list[Answer | None] = []
    fates: list[Fate] = []
    for outcome in outcomes:
        if isinstance(outcome, SeatrialError):
            answers.append(None)
            fates.append("failed")
            continue
        answers.append(outcome)
        confidence = 1.0 if outcome.confidence is None else outcome.confidence
        fates.append("abstained" if confidence < settings.serving.confidence_min else "answered")
    return answers, fates


def _production(rig: Rig) -> ProductionRows | None:
    rows, recorded = rig.supplied.production, rig.supplied.recorded
    if rows is None:
        return None
    answers: Sequence[Answer | None]
    fates: Sequence[Fate]
    if recorded is not None:
        answers, fates = recorded.answers, recorded.fates
    else:
        answers, fates = told_apart(rig.served_production, rig.settings)
    return ProductionRows(
        inputs=rows.inputs, answers=answers, labels=rows.labels, fate=fates, columns=rows.columns
    )
