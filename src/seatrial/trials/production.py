"""The gap of a rig: rows asked in process and over HTTP, handed to ``gap``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from seatrial.core.clock import TimeBudget
from seatrial.core.errors import SeatrialError
from seatrial.core.settings import Settings
from seatrial.describe.describer import describer_for
from seatrial.evidence.gap import GapDocument
from seatrial.gap.case import EvalRows, Fate, GapCase, ProductionRows
from seatrial.gap.gap import measure_gap
from seatrial.models.answers import Answer
from seatrial.models.subject import Subject
from seatrial.trials.answering import Outcome, answer_all
from seatrial.trials.rig import Rig

SHARE = 0.5
"""Of the time left, that asking again with a factor undone may take."""

LEAST_S = 10.0
"""What it may take even where the measurements before it spent all."""


def measure_production(rig: Rig) -> GapDocument:
    """Measure how far production falls below eval, and explain it.

    Raises:
        DataError: Answers and labels are of different types.
        ModelError: The variant cannot answer the eval set.
    """
    rows, settings = rig.rows.eval, rig.settings
    served, served_fate = told_apart(rig.served_eval, settings)
    variant = None
    if rig.inside and settings.serving.variant != "original":
        variant = answer_all(rig.variant, rows.inputs, batch=rig.pace.batch)
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
        kind=settings.model.input,
        describer=describer_for(settings.model.input, rows.inputs),
        answer=lambda inputs: answer_all(rig.variant, inputs, batch=rig.pace.batch),
        budget=_budget(rig),
        alternatives=_alternatives(rig),
        promise_accuracy=settings.promise.accuracy,
        promise_certainty=settings.promise.certainty,
    )
    document = measure_gap(case)
    return msgspec.structs.replace(document, criticisms=(*rig.left_out, *document.criticisms))


def _alternatives(rig: Rig) -> dict[str, Callable[[list[Any]], Sequence[Answer]]]:
    """Return other versions of the model that could be served instead of the one that is."""
    if not rig.inside:
        return {}
    others = {"original": rig.original, **rig.original.variants()}
    others.pop(rig.settings.serving.variant, None)

    def asked(subject: Subject) -> Callable[[list[Any]], Sequence[Answer]]:
        return lambda inputs: answer_all(subject, inputs, batch=rig.pace.batch)

    return {name: asked(subject) for name, subject in others.items()}


def _budget(rig: Rig) -> TimeBudget:
    """Half of what is left; the last in a trial gets a little more than nothing."""
    return TimeBudget(max(LEAST_S, SHARE * rig.budget.left_s()), clock=rig.clock)


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
    rows, recorded = rig.rows.production, rig.rows.recorded
    if rows is None:
        return None
    answers: Sequence[Answer | None]
    fates: Sequence[Fate]
    if recorded is not None:
        answers, fates = recorded.answers, recorded.fates
    else:
        answers, fates = told_apart(rig.served_production, rig.settings)
    return ProductionRows(
        inputs=rows.inputs,
        answers=answers,
        labels=rows.labels,
        fate=fates,
        probabilities=rows.probabilities,
        columns=rows.columns,
    )
