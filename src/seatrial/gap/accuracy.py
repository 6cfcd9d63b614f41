"""Three accuracies with their intervals: on eval, as served, and of all production requests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seatrial.core.errors import DataError
from seatrial.evidence.gap import Answered, Estimate, Production
from seatrial.gap.case import Answers, GapCase, fate_codes, outputs
from seatrial.stats.intervals import Interval, mean_interval, sample_size, wilson
from seatrial.stats.ppi import ReviewedMean, reviewed_mean
from seatrial.stats.scores import row_scores

Floats = NDArray[np.float64]

REVIEWS_OFFERED = (200, 1000)
"""Label counts whose interval widths are shown where accuracy is unknown."""


@dataclass(frozen=True)
class EvalScores:
    """Per-row scores of the eval rows, shape (n,) each.

    ``served`` counts what users would get. ``reached`` is the same with abstentions undone (the
    answer that was withheld, or else the variant's): the level from which production is explained,
    so that the ledger's abstentions are all in one step.
    """

    original: Floats
    variant: Floats | None
    served: Floats | None
    reached: Floats


@dataclass(frozen=True)
class ProductionScores:
    """Per-row scores of the production rows, shape (n,) each.

    Attributes:
        fate: Codes of :data:`seatrial.gap.case.FATES`.
        given: Score of the answer that was given or withheld; NaN without label or answer.
        labelled: Whether the row has a label.
        weights: Inverse inclusion probabilities, mean 1 over labelled rows.
        confidence: Of the answer, NaN where it has none; ``None`` where none has.
    """

    fate: NDArray[np.int64]
    given: Floats
    labelled: NDArray[np.bool_]
    weights: Floats
    confidence: Floats | None = None

    def taken(self, rows: NDArray[np.intp]) -> ProductionScores:
        """Return the same for some of the rows."""
        confidence = None if self.confidence is None else self.confidence[rows]
        return ProductionScores(
            self.fate[rows], self.given[rows], self.labelled[rows], self.weights[rows], confidence
        )

    @property
    def answered(self) -> NDArray[np.bool_]:
        """Rows whose answer reached the user."""
        return np.asarray(self.fate == 0)

    @property
    def judged(self) -> NDArray[np.bool_]:
        """Rows that were answered and have a label: they decide the accuracy."""
        return self.answered & self.labelled

    def counted(self) -> Floats:
        """Return what each request counts: 0 where it was not answered, NaN where unknown."""
        return np.where(self.answered, np.where(self.labelled, self.given, np.nan), 0.0)


def score_eval(case: GapCase) -> EvalScores:
    """Score original, variant and served answers to the eval rows.

    Raises:
        DataError: Labels are missing, or of another type than the answers.
    """
    rows, labels = case.eval, list(case.eval.labels)

    def scored(answers: list[object]) -> Floats:
        return row_scores(answers, labels, metric=case.metric, custom=case.score)

    original = scored(outputs(rows.original))
    if np.isnan(original).any():
        first = int(np.flatnonzero(np.isnan(original))[0])
        raise DataError(
            f"eval row {first} has no label; accepted is a label for every eval row.",
            hint="Drop the rows without a label from the eval file.",
            details={"row": first},
        )
    variant = None if rows.variant is None else scored(outputs(rows.variant))
    in_process = original if variant is None else variant
    if rows.served is None:
        return EvalScores(original, variant, None, in_process)
    fate = fate_codes(rows.served_fate, len(labels))
    given = outputs(rows.served)
    heard = scored([None if code else value for code, value in zip(fate, given, strict=True)])
    withheld = scored(given)
    has_answer = np.array([value is not None for value in given], dtype=bool)
    reached = np.where((fate == 1) & ~has_answer, in_process, np.where(fate == 1, withheld, heard))
    return EvalScores(original, variant, heard, reached)


def score_production(case: GapCase) -> ProductionScores | None:
    """Score the production answers; ``None`` where there are no production rows."""
    rows = case.production
    if rows is None or not len(rows.inputs):
        return None
    n = len(rows.inputs)
    fate = fate_codes(rows.fate, n)
    given = outputs(rows.answers)
    labels = [None] * n if rows.labels is None else list(rows.labels)
    # An answered row without an answer is a failure that nobody has named.
    fate = np.where((fate == 0) & np.array([value is None for value in given]), 2, fate)
    scores = row_scores(given, labels, metric=case.metric, custom=case.score)
    labelled = ~np.isnan(scores)
    no_answer = np.array([value is None for value in given], dtype=bool)
    weights = np.ones(n)
    if rows.probabilities is not None:
        weights = _inverse(np.asarray(rows.probabilities, dtype=float), labelled)
    given_scores = np.where(no_answer, np.nan, scores)
    return ProductionScores(fate, given_scores, labelled, weights, _confidences(rows.answers))


def estimate(scores: Floats) -> Estimate:
    """Return the mean of fully known scores with its interval."""
    ends = mean_interval(scores)
    return Estimate(
        accuracy=float(scores.mean()),
        low=ends.low,
        high=ends.high,
        n=int(scores.size),
        method=ends.method,
    )


def production_accuracy(
    scores: ProductionScores | None, *, guess: float, sample: ReviewedMean | None = None
) -> Production:
    """Return the share of *all* requests answered right, or why it is unknown.

    Requests that were not answered are wrong and need no label; answered ones are known from
    their labels, or from a labelled sample of them (see :mod:`seatrial.stats.ppi`).

    Args:
        scores: Scores of the rows, or ``None`` without production rows.
        guess: Accuracy assumed in order to say how many reviews give which width.
        sample: What the labelled ones say about all answered rows; default: what they say by
            themselves, without strata or confidence.
    """
    if scores is None:
        return Production(state="unknown", why="no production rows were supplied", method="none")
    rows, judged = scores.fate.size, scores.judged
    answered = int(scores.answered.sum())
    if answered and not judged.any():
        return Production(state="unknown", rows=rows, method="none", why=_wanted(rows, guess))
    share = answered / rows
    if judged.sum() == answered:
        counted = scores.counted()
        ends = mean_interval(counted)
        why = "every request is labelled or was not answered"
        return _measured(float(counted.mean()), ends, n=rows, rows=rows, why=why)
    if sample is None:
        given = np.where(judged, scores.given, np.nan)[scores.answered]
        sample = reviewed_mean(given, weights=scores.weights[scores.answered])
    ends = sample.interval
    ends = Interval(share * ends.low, share * ends.high, ends.level, f"{ends.method}, sample")
    why = f"{judged.sum():,} of {answered:,} answered requests are labelled"
    return _measured(share * sample.mean, ends, n=int(judged.sum()), rows=rows, why=why)


def answered_pair(scores: ProductionScores | None, production: Production) -> Answered | None:
    """Return share answered, accuracy of what was answered, and correct of all."""
    if scores is None:
        return None
    judged = scores.judged
    accuracy = None
    if judged.any():
        accuracy = float(np.average(scores.given[judged], weights=scores.weights[judged]))
    return Answered(
        share=float(scores.answered.mean()),
        accuracy=accuracy,
        correct_of_all=production.accuracy,
    )


def _measured(accuracy: float, ends: Interval, *, n: int, rows: int, why: str) -> Production:
    return Production(
        state="measured",
        accuracy=accuracy,
        low=min(ends.low, accuracy),
        high=max(ends.high, accuracy),
        n=n,
        rows=rows,
        method=ends.method,
        why=why,
    )


def _wanted(rows: int, guess: float) -> str:
    offers = []
    for labels in REVIEWS_OFFERED:
        if labels < rows:
            ends = wilson(guess * labels, labels, population=rows)
            offers.append(f"{labels:,} reviews give ±{50 * (ends.high - ends.low):.1f} points")
    if not offers:
        offers.append(f"all {rows:,} reviewed give it exactly")
    wanted = sample_size(0.1, share=guess)
    return (
        f"none of {rows:,} production rows has a label; {', '.join(offers)}; "
        f"±5 points need about {min(wanted, rows):,}"
    )


def _confidences(answers: Answers) -> Floats | None:
    given = [None if answer is None else answer.confidence for answer in answers]
    if all(one is None for one in given):
        return None
    return np.array([np.nan if one is None else one for one in given])


def _inverse(probabilities: Floats, labelled: NDArray[np.bool_]) -> Floats:
    used = probabilities[labelled]
    if used.size and not (np.isfinite(used).all() and (used > 0).all() and (used <= 1).all()):
        bad = used[~((used > 0) & (used <= 1))][0]
        raise DataError(
            f"an inclusion probability is {bad}; accepted is above 0, at most 1.",
            hint="Log the probability with which each labelled row was drawn.",
        )
    weights = np.where(labelled, 1.0 / np.where(labelled, probabilities, 1.0), 0.0)
    return weights / weights[labelled].mean() if used.size else np.ones(probabilities.size)
