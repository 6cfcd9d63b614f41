"""The reviewed rows as a sample of all requests: what each counts, and how sure its answer was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seatrial.gap.accuracy import ProductionScores
from seatrial.gap.case import FATES, Answers, GapCase, outputs
from seatrial.stats.recalibration import Said, said_of

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Reviewed:
    """Production rows that have a label, whatever became of them.

    Attributes:
        rows: Which production rows these are, shape (n,).
        fate: Codes of their fates.
        given: Score of the answer that was given or withheld; NaN where there was none.
        weights: Share of all requests that each stands for. They sum to less than 1 only where a
            fate has requests and no label.
    """

    rows: NDArray[np.intp]
    fate: NDArray[np.int64]
    given: Floats
    weights: Floats

    @property
    def counted(self) -> Floats:
        """What each counts now: 0 where it was not answered."""
        return np.where(self.fate == 0, np.nan_to_num(self.given), 0.0)


def reviewed_of(scores: ProductionScores) -> Reviewed:
    """Return the reviewed rows; those of each fate together count what the fate does."""
    rows = np.flatnonzero(scores.labelled)
    fate, drawn = scores.fate[rows], scores.weights[rows]
    weights = np.zeros(rows.size)
    for code in range(len(FATES)):
        here = fate == code
        if here.any():
            share = float((scores.fate == code).mean())
            weights[here] = drawn[here] / drawn[here].sum() * share
    return Reviewed(rows, fate, scores.given[rows], weights)


def eval_answers(case: GapCase) -> Answers:
    """Return the answers to the eval rows that come nearest to what users get."""
    return case.eval.served or case.eval.variant or case.eval.original


def confidences(answers: Answers) -> Floats:
    """Return how sure each answer was, NaN where nobody said.

    >>> from seatrial.models.answers import Answer
    >>> confidences([Answer("a", 0.5), None]).tolist()
    [0.5, nan]
    """
    return np.array(
        [
            np.nan if answer is None or answer.confidence is None else answer.confidence
            for answer in answers
        ],
        dtype=float,
    )


def said(answers: Answers, rows: NDArray[np.intp]) -> Said:
    """Return confidences and scores of some rows, all of which were answered."""
    chosen = [answers[int(row)] for row in rows]
    scores = [None if answer is None else answer.scores for answer in chosen]
    return said_of(confidences(chosen), scores, outputs(chosen))


def is_probability(confidence: Floats) -> bool:
    """Say whether these can be read as chances of being right."""
    return bool(confidence.size and (confidence >= 0).all() and (confidence <= 1).all())
