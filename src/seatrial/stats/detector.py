"""Says that accuracy has fallen, soon after it has, and seldom when it has not."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Floats = NDArray[np.float64]

LOOKS = 90
"""Looks over which the false-alarm rate is stated: a quarter of a year, daily."""

ALARM_RATE = 0.05
"""Chance of any false alarm within that many looks."""

EVAL_DOUBT = 0.1
"""Chance that the lower bound of eval accuracy, which is taken for the level, lies above the truth.

The rate is proven for the level alone. Where eval was too kind by chance, production seems to have
fallen a little, and a little is seen late: simulated for levels of 55 to 98 %, 100 to 1,821 eval
rows and 20 or 100 reviews a look, at most 4.2 % of runs of 90 quiet looks raised any alarm, under
1.1 % from 400 eval rows and 20 reviews a look on. With eval accuracy itself for the level it was up
to 20 %."""

ODDS = (1.25, 1.6, 2.2, 3.5, 6.0, 12.0)
"""By how much the odds of being wrong may have grown: from 87 % these are drops to 84, 81, 75, 66,
53 and 36 %. A bet on one of them wins nearly as much where the truth lies between two."""

HIGHEST = 0.999
"""A level is held at or below this: had eval found no error at all, one would raise the alarm."""


@dataclass(frozen=True)
class DropDetector:
    """An e-detector of Shiryaev and Roberts' kind for a mean that falls below a level.

    Each look brings a batch of reviewed scores. For every alternative q it keeps ``M = (M + 1)
    prod_i (1 + (1 - q / level) / (1 - level) v_i (level - y_i))``, the last factor being what a
    bet on q wins: over one batch it is worth 1 on average as long as the mean is at least the level
    (Shin, Ramdas and Rinaldo 2024, def. 2.2 and sec. 4). The alarm is raised when the mean over the
    alternatives reaches ``looks / alarm_rate``. Since M is worth at most k after k looks, that
    happens within ``looks`` looks with at most the alarm rate's chance (Doob 1953), whatever the
    scores are distributed like, in [0, 1], and however large the batches; and on average not before
    ``looks / alarm_rate`` looks.

    Attributes:
        level: Mean score that is promised.
        looks: Looks for which the rate holds.
        alarm_rate: Chance of any false alarm in that many looks.
        seen: Looks so far.
        logs: Log of M per alternative.

    >>> detector = DropDetector(level=0.87)
    >>> for _ in range(2):
    ...     detector = detector.after([1] * 11 + [0] * 9)
    >>> detector.alarmed
    True
    """

    level: float
    looks: int = LOOKS
    alarm_rate: float = ALARM_RATE
    seen: int = 0
    logs: tuple[float, ...] = (-math.inf,) * len(ODDS)

    def __post_init__(self) -> None:
        """Refuse what is no level, rate or number of looks.

        Raises:
            ValueError: The level or the rate is not between 0 and 1, or there are no looks.
        """
        if not (0.0 < self.level < 1.0 and 0.0 < self.alarm_rate < 1.0 and self.looks > 0):
            raise ValueError(
                f"level {self.level}, alarm rate {self.alarm_rate}, {self.looks} looks; accepted "
                "are a level and a rate between 0 and 1, and at least one look"
            )

    @classmethod
    def below_eval(
        cls, correct: float, rows: int, *, looks: int = LOOKS, alarm_rate: float = ALARM_RATE
    ) -> Self:
        """Return a detector for a level that is itself estimated, from ``rows`` eval rows.

        The level is the lower Clopper-Pearson bound of eval accuracy at :data:`EVAL_DOUBT`.

        Args:
            correct: Sum of the eval scores.
            rows: How many there are.
            looks: Looks for which the rate holds.
            alarm_rate: Chance of any false alarm in that many looks if the level is right.

        Raises:
            ValueError: There are no rows, or none was right: nothing can fall.
        """
        if rows <= 0 or correct <= 0:
            raise ValueError(f"{correct:g} right of {rows} eval rows; accepted is at least 1")
        bound = float(stats.beta.ppf(EVAL_DOUBT, correct, rows - correct + 1))
        return cls(min(bound, HIGHEST), looks, alarm_rate)

    @property
    def threshold(self) -> float:
        """Evidence at which the alarm is raised."""
        return self.looks / self.alarm_rate

    @property
    def evidence(self) -> float:
        """Mean of M over the alternatives; infinite where it is too large for a number."""
        log = self._log_evidence()
        return math.exp(log) if log < math.log(np.finfo(float).max) else math.inf

    @property
    def alarmed(self) -> bool:
        """Whether the evidence has reached the threshold now."""
        return self._log_evidence() >= math.log(self.threshold)

    def after(self, scores: ArrayLike, *, weights: ArrayLike | None = None) -> Self:
        """Return the detector after one more look; a look without labels changes nothing.

        Args:
            scores: Scores in [0, 1] of the rows reviewed since the last look, shape (n,).
            weights: Inverse inclusion probabilities divided by the largest there can be, in (0, 1];
                default: 1.
        """
        values = np.asarray(scores, dtype=float)
        if not values.size:
            return self
        sizes = np.ones(values.size) if weights is None else np.asarray(weights, dtype=float)
        won = np.log1p(np.outer(self._stakes(), sizes * (self.level - values))).sum(axis=1)
        logs = np.logaddexp(np.array(self.logs), 0.0) + won
        return replace(self, seen=self.seen + 1, logs=tuple(logs.tolist()))

    def _log_evidence(self) -> float:
        return float(np.logaddexp.reduce(self.logs)) - math.log(len(self.logs))

    def _stakes(self) -> Floats:
        wrong = np.array(ODDS) * (1.0 - self.level)
        alternatives = self.level / (self.level + wrong)
        return np.asarray((1.0 - alternatives / self.level) / (1.0 - self.level))
