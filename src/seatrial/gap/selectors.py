"""What answers may be selected by: confidence, or the correctness model, of every request."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seatrial.evidence.confidence import Correctness
from seatrial.gap.accuracy import ProductionScores
from seatrial.gap.case import ProductionRows
from seatrial.gap.correctness import chance, features
from seatrial.gap.describing import Described
from seatrial.gap.promises import Everybody, Judged, Modelled
from seatrial.gap.reviewed import Reviewed, confidences, is_probability, said
from seatrial.stats.recalibration import Said

Floats = NDArray[np.float64]

FAILED = 2
"""Fate of requests of which nobody knows whether they would be answered another time."""


class Selectors:
    """Selectors of one production sample.

    Args:
        rows: Production rows.
        scores: Their scores and fates.
        reviewed: Those with a label.
        described: What they look like.
        rng: Decides which half of the reviewed answers the correctness model is fitted to.
    """

    def __init__(
        self,
        rows: ProductionRows,
        scores: ProductionScores,
        reviewed: Reviewed,
        described: Described,
        *,
        rng: np.random.Generator,
    ) -> None:
        self._answers = rows.answers
        self._described = described
        self._every = reviewed.rows
        self._confidence = confidences(rows.answers)
        # What a fate without a label is worth is not known: it stays unanswered.
        covered = np.isin(scores.fate, np.unique(reviewed.fate)) & (scores.fate < FAILED)
        has_answer = np.array([answer is not None for answer in rows.answers], dtype=bool)
        self._answerable = covered & has_answer
        self._selector = np.where(
            self._answerable & np.isfinite(self._confidence), self._confidence, -np.inf
        )
        at = np.isfinite(reviewed.given) & self._answerable[reviewed.rows]
        self._rows, self._scores = reviewed.rows[at], reviewed.given[at]
        self._weights = reviewed.weights[at]
        self._learned = np.zeros(self._rows.size, dtype=bool)
        self._learned[rng.permutation(self._rows.size)[: self._rows.size // 2]] = True

    def judged(self) -> Judged:
        """Return the reviewed answers that came with a confidence."""
        at = np.isfinite(self._selector[self._rows])
        return Judged(self._selector[self._rows[at]], self._scores[at], self._weights[at])

    def said(self) -> Said:
        """Return confidences and scores of the same answers."""
        at = np.isfinite(self._selector[self._rows])
        return said(self._answers, self._rows[at])

    def everybody(self) -> Everybody:
        """Return all requests by confidence."""
        return Everybody(self._selector, np.ones(self._selector.size))

    def modelled(self) -> Modelled | None:
        """Return what the correctness model is fitted to; ``None`` where it cannot be."""
        found = Modelled(
            features=features(self._usable_confidence(), self._described.intensity),
            answerable=self._answerable[self._described.rows],
            requests=self._described.weights,
            reviewed=self._places(self._rows),
            scores=self._scores,
            weights=self._weights,
            learned=self._learned,
        )
        return found if found.possible else None

    def reviewed(self, model: Correctness | None) -> Floats:
        """Return the selector of every reviewed row, minus infinity where there is no answer.

        Args:
            model: The correctness model; ``None`` for confidence.
        """
        if model is None:
            return self._selector[self._every]
        values = features(self._usable_confidence(), self._described.intensity).values
        likely = chance(model, values[self._places(self._every)])
        return np.where(self._answerable[self._every], likely, -np.inf)

    def unlearned(self, model: Correctness | None) -> NDArray[np.bool_]:
        """Return the reviewed rows that a selector was not fitted to."""
        if model is None:
            return np.ones(self._every.size, dtype=bool)
        return ~np.isin(self._every, self._rows[self._learned])

    def _places(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        place = np.full(self._selector.size, -1, dtype=np.intp)
        place[self._described.rows] = np.arange(self._described.rows.size)
        return place[rows]

    def _usable_confidence(self) -> Floats | None:
        """Return confidence of the described rows; ``None`` where not every answer has a chance."""
        if not is_probability(self._confidence[self._answerable]):
            return None
        here = self._described.rows
        return np.where(self._answerable[here], self._confidence[here], 0.5)
