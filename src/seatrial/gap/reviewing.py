"""What reviewed production rows say about all of them, at one look and at every look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from seatrial.evidence.reviews import (
    ReviewInterval,
    ReviewNeed,
    ReviewPlan,
    Reviews,
    ReviewStratum,
)
from seatrial.gap.accuracy import ProductionScores
from seatrial.gap.describing import Described
from seatrial.stats.intervals import LEVEL, sample_size, wilson
from seatrial.stats.ppi import PLAIN_BELOW, ReviewedMean, reviewed_mean
from seatrial.stats.sequences import anytime_mean, anytime_proportion, anytime_sample_size
from seatrial.stats.strata import confidence_strata

Floats = NDArray[np.float64]
Groups = NDArray[np.int64]

UNLIKE = 0.5
"""Intensity from which a row counts as having a factor, as in the slices."""

LANGUAGE = "language"
COLUMN = "column:"

OFFERED = (50, 100, 200, 500, 1000, 2000)
"""Numbers of reviews whose interval is foretold."""

WANTED_POINTS = (5.0, 3.0, 2.0, 1.0)
"""Half-widths for which the number of reviews is foretold, in points."""


def reviewed(scores: ProductionScores | None, described: Described | None) -> ReviewedMean | None:
    """Estimate the mean score of all answered rows from those that were reviewed.

    Strata are quartiles of confidence among rows that are like eval and among others: in another
    language, or, for tables, with an unusual column. The prediction is the model's confidence.

    Args:
        scores: Of all production rows.
        described: Some or all production rows, every labelled one among them.

    Returns:
        The estimate with weights of shape (production rows,); ``None`` where no answered row is
        labelled, or every one is.
    """
    if scores is None or described is None:
        return None
    judged, answered = int(scores.judged.sum()), int(scores.answered.sum())
    if judged in (0, answered):
        return None
    here = scores.answered[described.rows]
    rows = described.rows[here]
    labelled = scores.judged[rows]
    counts = np.where(labelled, 1.0, described.weights[here])
    counts[~labelled] *= (answered - judged) / counts[~labelled].sum()
    confidence = _confidence(scores)[rows]
    found = reviewed_mean(
        np.where(labelled, scores.given[rows], np.nan),
        predictions=confidence,
        strata=confidence_strata(confidence, unlike_eval(described)[here]),
        weights=scores.weights[rows],
        counts=counts,
    )
    weights = np.zeros(scores.fate.size)
    weights[rows] = found.weights
    codes = np.full(scores.fate.size, -1, dtype=np.int64)
    codes[rows] = found.codes
    return replace(found, weights=weights, codes=codes)


def unlike_eval(described: Described) -> Groups:
    """Return 1 for rows in a language (or with a cell) that eval does not have, else 0."""
    intensity = described.intensity
    chosen = [LANGUAGE] if LANGUAGE in intensity else [n for n in intensity if n.startswith(COLUMN)]
    unlike = np.zeros(described.rows.size, dtype=np.int64)
    for name in chosen:
        unlike |= np.asarray(intensity[name]) >= UNLIKE
    return unlike


def weighed(scores: ProductionScores, sample: ReviewedMean | None) -> ProductionScores:
    """Return scores whose weights give the estimate exactly, so that every sum agrees with it."""
    if sample is None:
        return scores
    judged = scores.judged
    usual = float(scores.weights[judged].sum())
    return replace(scores, weights=np.where(judged, usual * sample.weights, scores.weights))


def review_evidence(
    scores: ProductionScores | None,
    sample: ReviewedMean | None,
    described: Described | None,
    *,
    guess: float,
) -> Reviews | None:
    """Say what is known from reviews, how often one may look at it, and what more would tell.

    Args:
        scores: Of all production rows, with the weights that the rows were drawn with.
        sample: The estimate; ``None`` where there is none.
        described: The rows that it rests on.
        guess: Accuracy assumed where nothing is labelled.

    Returns:
        ``None`` where there is nothing to review: no answered rows, or all of them labelled.
    """
    if scores is None:
        return None
    judged, answered = int(scores.judged.sum()), int(scores.answered.sum())
    if judged == answered or (judged and sample is None):
        return None
    share = answered / scores.fate.size
    mean = guess if sample is None else sample.mean
    gain = 1.0 if sample is None or judged < PLAIN_BELOW else sample.gain
    return Reviews(
        labelled=judged,
        answered=answered,
        gain=None if sample is None or judged < PLAIN_BELOW else sample.gain,
        intervals=() if sample is None else _intervals(scores, sample, share),
        strata=() if sample is None or described is None else _strata(scores, sample, described),
        plans=tuple(_plans(mean, answered, share=share, gain=gain)),
        needs=tuple(_needs(mean, answered, share=share, gain=gain)),
    )


def _intervals(
    scores: ProductionScores, sample: ReviewedMean, share: float
) -> tuple[ReviewInterval, ...]:
    judged = scores.judged
    once = sample.interval
    always = anytime_mean(scores.given[judged], weights=scores.weights[judged], level=once.level)
    return (
        ReviewInterval(
            valid="one declared look",
            low=share * min(once.low, sample.mean),
            high=share * max(once.high, sample.mean),
            level=once.level,
            method=once.method,
        ),
        ReviewInterval(
            valid="whenever you look",
            low=share * min(always.low, sample.mean),
            high=share * max(always.high, sample.mean),
            level=always.level,
            method=always.method,
        ),
    )


def _strata(
    scores: ProductionScores, sample: ReviewedMean, described: Described
) -> tuple[ReviewStratum, ...]:
    if len(sample.strata) < 2:  # noqa: PLR2004  (one stratum is the whole)
        return ()
    unlike = unlike_eval(described)
    codes = sample.codes[described.rows]
    confidence = _confidence(scores)[described.rows]
    named = any(name == LANGUAGE for name in described.intensity)
    return tuple(
        ReviewStratum(
            name=_named(unlike[codes == one.code], confidence[codes == one.code], language=named),
            share=one.share,
            n=one.labels,
            accuracy=one.mean,
        )
        for one in sample.strata
    )


def _named(unlike: Groups, confidence: Floats, *, language: bool) -> str:
    words = ("language of eval", "other language") if language else ("as on eval", "unusual")
    share = float(unlike.mean())
    kind = words[round(share)] if share in (0.0, 1.0) else f"{words[0]} or {words[1]}"
    known = confidence[np.isfinite(confidence)]
    if not known.size:
        return f"{kind}, no confidence"
    return f"{kind}, confidence {known.min():.2f} to {known.max():.2f}"


def _plans(mean: float, answered: int, *, share: float, gain: float) -> Iterator[ReviewPlan]:
    for reviews in OFFERED:
        if reviews >= answered:
            return
        worth = reviews * (gain if reviews >= PLAIN_BELOW else 1.0)
        worth *= (answered - 1) / (answered - reviews)
        once = wilson(mean * worth, worth)
        always = anytime_proportion(mean * reviews, reviews)
        yield ReviewPlan(
            reviews=reviews,
            declared_points=50.0 * share * (once.high - once.low),
            anytime_points=50.0 * share * (always.high - always.low),
        )


def _needs(mean: float, answered: int, *, share: float, gain: float) -> Iterator[ReviewNeed]:
    for points in WANTED_POINTS:
        width = points / 50.0 / max(share, 1e-9)
        if width >= 1.0:
            continue
        always = anytime_sample_size(width, share=mean, level=LEVEL)
        yield ReviewNeed(
            points=points,
            declared=sample_size(width, share=mean, population=answered, gain=gain),
            anytime=always if always < answered else None,
        )


def _confidence(scores: ProductionScores) -> Floats:
    if scores.confidence is None:
        return np.full(scores.fate.size, np.nan)
    return scores.confidence
