"""Measures the gap: eval accuracy, production accuracy, and the ledger between them."""

from __future__ import annotations

import numpy as np

from seatrial.evidence.gap import GapDocument, Slice, Step
from seatrial.evidence.patterns import Patterns
from seatrial.evidence.risks import Risk
from seatrial.gap.accuracy import (
    EvalScores,
    answered_pair,
    estimate,
    production_accuracy,
    score_eval,
    score_production,
)
from seatrial.gap.case import GapCase
from seatrial.gap.closing import confidence_and_closing
from seatrial.gap.criticisms import criticisms
from seatrial.gap.describing import Described, describe_rows
from seatrial.gap.further import further_metrics
from seatrial.gap.gathering import Gatherer
from seatrial.gap.ledger import draw_up
from seatrial.gap.material import Material
from seatrial.gap.patterns import find_patterns
from seatrial.gap.reviewing import review_evidence, reviewed, weighed
from seatrial.gap.risks import risks
from seatrial.gap.slices import slices
from seatrial.gap.steps import factor_steps, path_steps, unknown_factors
from seatrial.gap.unlabelled import without_labels


def measure_gap(case: GapCase) -> GapDocument:
    """Measure how good the model is on eval and for users, and what lies between.

    The steps sum to 100 x (production - eval) exactly: what no factor explains is the remainder.
    Where production accuracy is unknown, so are the steps.

    Args:
        case: Rows, answers, describer and model.

    Raises:
        DataError: Rows, labels and answers do not fit together.
        UsageError: The metric does not exist or is not a number from 0 to 1.
    """
    clock = case.conditions.clock
    started, begun_s = clock.utc().isoformat(timespec="seconds"), clock.now_s()
    rng = np.random.default_rng(case.conditions.seed)
    evals = score_eval(case)
    scores = score_production(case)
    on_eval = estimate(evals.original)
    served = None if evals.served is None else estimate(evals.served)
    guess = float(evals.reached.mean())
    material: Material | None = None
    steps: tuple[Step, ...] | None = None
    beside: tuple[Slice, ...] = ()
    failing: Patterns | None = None
    at_risk: tuple[Risk, ...] = ()
    described: Described | None = None
    if case.production is not None and scores is not None:
        described = describe_rows(case, case.production, scores, rng=rng)
    sample = reviewed(scores, described)
    production = production_accuracy(scores, guess=guess, sample=sample)
    counted = scores if scores is None else weighed(scores, sample)
    if case.production is not None and scores and counted and described:
        if production.accuracy is not None:
            material = Gatherer(case, case.production, evals, counted, described, rng=rng).gather()
            steps = _steps(material, evals, 100.0 * (production.accuracy - on_eval.accuracy), rng)
            beside = slices(case.production, counted, described)
        failing = find_patterns(case.production, scores, described, rng=rng)
        undone = None if material is None else material.undone
        at_risk = risks(case, case.production, evals, scores, described, undone=undone, rng=rng)
    confidence, closing = confidence_and_closing(case, evals, scores, described, material)
    blind = without_labels(case, evals, scores, described, production)
    production = blind.production
    return GapDocument(
        metric=case.metric,
        release=case.conditions.release,
        machine=case.conditions.machine,
        started=started,
        duration_s=round(clock.now_s() - begun_s, 3),
        seed=case.conditions.seed,
        eval=on_eval,
        served=served,
        production=production,
        steps=steps,
        unknown=() if material is None else unknown_factors(material),
        slices=beside,
        answered=answered_pair(counted, production),
        reviews=review_evidence(scores, sample, described, guess=guess),
        metrics=further_metrics(case, scores, rng=rng),
        criticisms=criticisms(case, scores, production, material, steps),
        confidence=confidence,
        closing=closing,
        patterns=failing,
        risks=at_risk,
        estimate=blind.estimate,
        robustness=blind.robustness,
    )


def _steps(
    material: Material, evals: EvalScores, drop_points: float, rng: np.random.Generator
) -> tuple[Step, ...]:
    path = path_steps(evals)
    # The rest of the drop is what the path leaves, so that every step's points sum to it.
    ledger = draw_up(material, drop_points - sum(step.points for step in path), rng=rng)
    return (*path, *factor_steps(ledger, material))
