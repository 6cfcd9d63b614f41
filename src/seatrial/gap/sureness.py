"""How likely an answer is right, by what the model says of itself and what eval makes of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.models.answers import Answer
from seatrial.stats.logistic import chance, fit_logistic, log_odds

Floats = NDArray[np.float64]

FEWEST = 50
"""Eval rows below which confidence is not calibrated: it then counts as not given."""

SLOPE_SD = 1.0
"""Of the slope in log odds, around 1: confidence that means what it says."""

LEVEL_SD = 2.0
"""Of the level in log odds on eval, where labels are many."""

SHIFT_SD = 0.5
"""Of the further level in production, in log odds: 12 points around a coin's accuracy, so that a
handful of labels moves it little and a hundred decide."""


@dataclass(frozen=True)
class Sureness:
    """The chance that an answer is right.

    Attributes:
        level: Log odds added to those of the confidence, times ``slope``.
        slope: 0 where no confidence is given: every answer is then as likely right.
        kinds: Different answers that eval holds; a wrong answer is any of the others.
    """

    level: float
    slope: float
    kinds: int

    @property
    def told(self) -> bool:
        """Whether it rests on what the model says of each answer."""
        return self.slope != 0

    @classmethod
    def fit(cls, answers: Sequence[Answer | None], scores: Floats) -> Sureness:
        """Calibrate confidence on eval (Platt 1999); without one, take what is usual.

        Without confidence the level is half-way between eval's accuracy and that of a guess: where
        undoing a factor changes an answer, the answer was not a sure one.
        """
        outputs = {repr(one.output) for one in answers if one is not None}
        kinds = max(len(outputs), 2)
        sure = confidences(answers)
        known = np.isfinite(sure)
        if known.sum() < FEWEST or known.mean() < 1.0:
            usual = 0.5 * (float(scores.mean()) + 1.0 / kinds)
            return cls(float(log_odds(usual)), 0.0, kinds)
        design = np.stack([np.ones(sure.size), log_odds(sure)], axis=1)
        level, slope = fit_logistic(
            design, scores, prior_mean=[0.0, 1.0], prior_sd=[LEVEL_SD, SLOPE_SD]
        )
        return cls(float(level), float(slope), kinds)

    def shifted(self, answers: Sequence[Answer | None], scores: Floats) -> Sureness:
        """Return the same with its level moved towards what labelled production rows show."""
        odds = log_odds(self.right(answers))
        known = np.isfinite(odds)
        if not known.any():
            return self
        moved = fit_logistic(
            np.ones((int(known.sum()), 1)),
            scores[known],
            prior_mean=[0.0],
            prior_sd=[SHIFT_SD],
            offset=odds[known],
        )
        return replace(self, level=self.level + float(moved[0]))

    def right(self, answers: Sequence[Answer | None]) -> Floats:
        """Return the chance that each answer is right, NaN where that cannot be told."""
        if not self.told:
            silent = np.array([one is None for one in answers], dtype=bool)
            return np.where(silent, np.nan, float(chance(self.level)))
        sure = confidences(answers)
        return chance(self.level + self.slope * log_odds(sure)) + 0.0 * sure

    def of(self, output: Any, best: Answer, right: float) -> float:
        """Return the chance that ``output`` is right where ``best`` is right with chance ``right``.

        The rest of the chance is shared as the model's scores say, or evenly.
        """
        if output == best.output:
            return right
        scores = best.scores or {}
        top = scores.get(str(best.output), 0.0)
        rest = sum(value for value in scores.values() if value > 0) - top
        own = scores.get(str(output), 0.0)
        share = own / rest if rest > 0 and own >= 0 else 1.0 / (self.kinds - 1)
        return (1.0 - right) * min(share, 1.0)


def confidences(answers: Sequence[Answer | None]) -> Floats:
    """Return the confidence of each answer, NaN where there is none."""
    given = [None if one is None else one.confidence for one in answers]
    return np.array([np.nan if one is None else one for one in given], dtype=float)
