"""Further metrics beside the ledger's own: F1, AUC, absolute error and their like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from seatrial.evidence.gap import Metric
from seatrial.gap.accuracy import ProductionScores
from seatrial.gap.case import Answers as GivenAnswers
from seatrial.gap.case import GapCase, outputs
from seatrial.stats.metrics import CLASSIFICATION, REGRESSION, Answers, MetricValue, measure_metrics


def further_metrics(
    case: GapCase, production: ProductionScores | None, *, rng: np.random.Generator
) -> tuple[Metric, ...]:
    """Measure the case's further metrics on eval and on the labelled production rows.

    On eval the answers are those served, where they were measured. A request that was not
    answered counts as a miss of its class.
    """
    names = _names(case)
    served = case.eval.served or case.eval.variant or case.eval.original
    found = [
        _metric(one, "eval")
        for one in measure_metrics(names, _rows(served, outputs(served), case.eval.labels), rng=rng)
    ]
    rows = case.production
    if rows is None or rows.labels is None or production is None:
        return tuple(found)
    given = [
        output if fate == 0 else None
        for output, fate in zip(outputs(rows.answers), production.fate, strict=True)
    ]
    asked = replace(_rows(rows.answers, given, rows.labels), weights=production.weights)
    found += [_metric(one, "production") for one in measure_metrics(names, asked, rng=rng)]
    return tuple(found)


def _names(case: GapCase) -> Sequence[str]:
    if case.metrics is not None:
        return case.metrics
    return {"classification": CLASSIFICATION, "regression": REGRESSION}.get(case.task, ())


def _rows(answers: GivenAnswers, given: Sequence[Any], labels: Sequence[Any]) -> Answers:
    scores = [None if answer is None else answer.scores for answer in answers]
    return Answers(outputs=given, labels=labels, scores=scores)


def _metric(one: MetricValue, on: Literal["eval", "production"]) -> Metric:
    return Metric(name=one.name, on=on, value=one.value, low=one.low, high=one.high, n=one.n)
