"""What confidence is worth: calibration, and promises on eval, in production and from reviews."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from seatrial.evidence.confidence import Confidence, Error, Mending, Sure
from seatrial.evidence.documents import Evidence, Value
from seatrial.evidence.gap import GapDocument
from seatrial.gap.accuracy import EvalScores
from seatrial.gap.case import GapCase
from seatrial.gap.promises import Judged, Target, delivered, earned, promised
from seatrial.gap.reviewed import confidences, eval_answers, is_probability, said
from seatrial.gap.selectors import Selectors
from seatrial.stats.calibration import calibration
from seatrial.stats.change import change_interval
from seatrial.stats.intervals import LEVEL, mean_interval, wilson
from seatrial.stats.recalibration import Said, recalibrate

Floats = NDArray[np.float64]
On = Literal["eval", "production"]

KIND = "confidence"

SALT = 9
"""Of the random choices made here, so that they leave those of the ledger as they are."""

LEAST_ROWS = 20
"""Rows with confidence and label below which nothing is said about either."""

SURE = 0.9
"""Confidence from which an answer is taken for sure: nine in ten of these ought to be right."""

SILENT = "the model gives no confidence with its answers"
STRANGE = "confidence is not a number from 0 to 1: thresholds can be tried, calibration cannot"
UNREVIEWED = "no production answer has a label: what the promise delivers is not known"


def measure_confidence(case: GapCase, evals: EvalScores, selectors: Selectors | None) -> Confidence:
    """Measure calibration, and what can be promised of answers above a threshold.

    Args:
        case: Eval rows and answers, and the promise that is wanted.
        evals: Scores of the eval rows.
        selectors: Of the production answers; ``None`` where none has a label.
    """
    rng = np.random.default_rng([case.conditions.seed, SALT])
    found = _on_eval(case, evals, rng)
    if selectors is None:
        return replace(found, why=_joined(found.why, UNREVIEWED))
    return _in_production(found, selectors, rng)


def confidence_evidence(gap: GapDocument) -> Evidence | None:
    """Return what confidence is worth, and who was answered, as evidence to be judged.

    ``None`` where neither is known.
    """
    values = [*_confidence_values(gap), *_answered_values(gap)]
    if not values:
        return None
    return Evidence(
        kind=KIND,
        release=gap.release,
        machine=gap.machine,
        started=gap.started,
        duration_s=gap.duration_s,
        seed=gap.seed,
        values=tuple(values),
    )


def _confidence_values(gap: GapDocument) -> Iterator[Value]:
    found = gap.confidence or Confidence(target=0.0, certainty=0.0)
    for one in found.mendings:
        yield Value(
            name=f"excess_{one.on}",
            value=one.excess,
            unit="share",
            n=one.n,
            low=one.excess_low,
            high=one.excess_high,
            level=LEVEL,
            method="mean confidence minus accuracy",
        )
        if one.temperature is not None:
            yield Value(name=f"temperature_{one.on}", value=one.temperature, n=one.n)
    for sure in found.sure:
        yield Value(name=f"sure_said_{sure.on}", value=sure.said, unit="share", n=sure.n)
        yield Value(
            name=f"sure_accuracy_{sure.on}",
            value=sure.accuracy,
            unit="share",
            n=sure.n,
            low=sure.low,
            high=sure.high,
            level=LEVEL,
            method=f"answers given with a confidence of {sure.least:g} or more",
        )


def _answered_values(gap: GapDocument) -> Iterator[Value]:
    answered, now = gap.answered, None if gap.closing is None else gap.closing.now
    if answered is None or now is None or now.accuracy is None or not gap.production.rows:
        return
    rows = gap.production.rows
    ends = wilson(answered.share * rows, rows)
    yield Value(
        name="answered_share",
        value=answered.share,
        unit="share",
        n=rows,
        low=ends.low,
        high=ends.high,
        level=LEVEL,
    )
    yield Value(
        name="accuracy_answered",
        value=now.accuracy,
        unit="share",
        n=gap.production.n,
        low=now.low,
        high=now.high,
        level=LEVEL,
    )
    yield Value(name="correct_of_all", value=gap.production.accuracy, unit="share", n=rows)


def _on_eval(case: GapCase, evals: EvalScores, rng: np.random.Generator) -> Confidence:
    target = Target(case.promise_accuracy, case.promise_certainty)
    found = Confidence(target=target.accuracy, certainty=target.certainty)
    answers = eval_answers(case)
    confidence = confidences(answers)
    scores = evals.reached if evals.served is None else evals.served
    known = np.flatnonzero(np.isfinite(confidence))
    if known.size < LEAST_ROWS:
        return replace(found, why=SILENT)
    judged = Judged(confidence[known], scores[known], np.ones(known.size))
    found = replace(found, promised=promised(judged, target))
    if not is_probability(judged.selector):
        return replace(found, why=STRANGE)
    mended = _mending("eval", said(answers, known), judged, rng)
    return replace(found, mendings=(mended,), sure=_sure("eval", judged))


def _in_production(found: Confidence, rows: Selectors, rng: np.random.Generator) -> Confidence:
    target = Target(found.target, found.certainty)
    judged, everybody, modelled = rows.judged(), rows.everybody(), rows.modelled()
    enough = judged.scores.size >= LEAST_ROWS
    if not enough and modelled is None:
        few = f"{judged.scores.size} reviewed answers came with a confidence: too few to judge it"
        return replace(found, why=_joined(found.why, few))
    first = found.promised
    if enough and first is not None and first.threshold is not None:
        found = replace(found, delivered=delivered(first.threshold, judged, everybody, target))
    third, correctness = earned(
        judged if enough else None, everybody if enough else None, modelled, target
    )
    found = replace(found, earned=third, correctness=correctness)
    if not enough or not is_probability(judged.selector):
        return found
    mended = _mending("production", rows.said(), judged, rng)
    sure = _sure("production", judged)
    return replace(found, mendings=(*found.mendings, mended), sure=(*found.sure, *sure))


def _mending(on: On, confidence: Said, rows: Judged, rng: np.random.Generator) -> Mending:
    mended = recalibrate(confidence, rows.scores, rng=rng, weights=rows.weights)
    excess = rows.selector - rows.scores
    ends = change_interval(excess, weights=rows.weights)
    return Mending(
        on=on,
        n=int(rows.scores.size),
        before=_error(rows.selector, rows, rng),
        after=_error(mended.confidence, rows, rng),
        excess=float(np.average(excess, weights=rows.weights)),
        excess_low=ends.low,
        excess_high=ends.high,
        method=mended.map.method,
        temperature=mended.map.temperature,
        points=mended.map.points,
    )


def _sure(on: On, rows: Judged) -> tuple[Sure, ...]:
    above = rows.above(SURE)
    if above.scores.size < LEAST_ROWS:
        return ()
    accuracy = float(np.average(above.scores, weights=above.weights))
    ends = mean_interval(above.scores, weights=above.weights)
    found = Sure(
        on=on,
        least=SURE,
        n=int(above.scores.size),
        said=float(np.average(above.selector, weights=above.weights)),
        accuracy=accuracy,
        low=min(ends.low, accuracy),
        high=max(ends.high, accuracy),
    )
    return (found,)


def _error(confidence: Floats, rows: Judged, rng: np.random.Generator) -> Error:
    found = calibration(confidence, rows.scores, rng=rng, weights=rows.weights)
    return Error(value=found.error, low=found.low, high=found.high, floor=found.floor)


def _joined(*sentences: str) -> str:
    return "; ".join(dict.fromkeys(one for one in sentences if one))
