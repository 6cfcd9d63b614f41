"""This model's accuracy on rows nobody labelled, learnt from what stress does to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seatrial.gap.labelfree.agreement import on_the_line
from seatrial.gap.labelfree.chances import Chances, family_weights
from seatrial.gap.labelfree.signals import Signals
from seatrial.gap.labelfree.stress import Ground, Stressed

Floats = NDArray[np.float64]

STEEPNESS_MAX = 2.0
"""Most that a loss is taken to be larger than the signals say, whatever left-out families say."""

SETS_MIN = 12
"""Stressed sets below which nothing can be learnt."""

FAMILIES_MIN = 4
"""Families below which leaving one out says nothing of the next."""

STRANGENESS = 1.5
"""How much further a real shift lies from the suite than its families lie from each other. Fixed on
the development half of the targets in ``benchmarks/gap``, before the other half was looked at."""

LEVEL = 0.9


@dataclass(frozen=True)
class Guess:
    """What the signals of some rows say of their accuracy.

    Attributes:
        parts: Estimates by name: ``rows`` from the chances of each row, ``agreement`` on the line
            of the cheap models, ``confidence`` above the threshold that eval sets (Garg et al.
            2022, ATC).
        loss: Their mean loss against eval, each at least 0.
        accuracy: Eval accuracy less the loss, steepened, and no worse than guessing.
        spread: Largest difference between the parts' steepened estimates.
        chance: Accuracy of answers that have nothing to do with the labels.
    """

    parts: dict[str, float]
    loss: float
    accuracy: float
    spread: float
    chance: float


class Estimator:
    """Learns how losses show, and by how much what shows falls short of them.

    Every family of corruptions is left out once: how much larger its losses are than what the
    others foretell gives the steepness; what is left over gives the width.

    Args:
        ground: The eval rows.
        stressed: The same, spoilt.
    """

    def __init__(self, ground: Ground, stressed: Sequence[Stressed]) -> None:
        self._ground = ground
        self.stressed = list(stressed)
        self.families = list(dict.fromkeys(one.family for one in self.stressed))
        self._chances = self._fitted("")
        losses, foretold, sizes = self._left_out()
        self.steepness = steepness(losses, foretold)
        self.error = _error(losses - self.steepness * foretold, self._accuracies(), sizes)
        self.worst = float(losses.max(initial=0.0))
        self.least_support = min((one.seen.support for one in self.stressed), default=1.0)

    def guess(self, seen: Sequence[Signals]) -> Guess:
        """Return what the signals say, those of each fold of the pool averaged."""
        return self._guess(seen, self._chances, self.steepness)

    def half_width(self, guess: Guess, n: int, *, strangeness: float = STRANGENESS) -> float:
        """Return half the width of the interval of an estimate for n rows.

        Args:
            guess: The estimate.
            n: How many rows it is of.
            strangeness: How far the rows lie from the suite.
        """
        p, z = guess.accuracy, 1.6449
        eval_p = self._ground.accuracy
        chance = p * (1 - p) / max(1, n) + eval_p * (1 - eval_p) / self._ground.scores.size
        model = strangeness * max(self.error, guess.spread / 2.0)
        return float(np.hypot(model, z * np.sqrt(chance)))

    def _accuracies(self) -> Floats:
        return np.array([one.scores.mean() for one in self.stressed])

    def _fitted(self, without: str) -> Chances:
        sets = [("", self._ground.seen.rows, self._ground.scores)]
        sets += [
            (one.family, one.seen.rows, one.scores)
            for one in self.stressed
            if one.family != without
        ]
        sizes = [len(scores) for _, _, scores in sets]
        weights = family_weights([name for name, _, _ in sets], sizes)
        return Chances(
            np.vstack([rows for _, rows, _ in sets]),
            np.concatenate([scores for _, _, scores in sets]),
            np.repeat(weights, sizes),
        )

    def _left_out(self) -> tuple[Floats, Floats, Floats]:
        """Return losses, what models that never saw the family foretell, and sizes."""
        known = {name: self._fitted(name) for name in self.families}
        losses = [float(one.before.mean() - one.scores.mean()) for one in self.stressed]
        foretold = [self._guess([one.seen], known[one.family], 1.0).loss for one in self.stressed]
        sizes = [one.scores.size for one in self.stressed]
        return np.array(losses), np.array(foretold), np.array(sizes, dtype=float)

    def _guess(self, seen: Sequence[Signals], chances: Chances, steep: float) -> Guess:
        ground, accuracy = self._ground, self._ground.accuracy
        parts = {
            "rows": accuracy
            + float(np.mean([chances(one.rows).mean() for one in seen]))
            - float(chances(ground.seen.rows).mean()),
            "agreement": float(
                np.mean(
                    [on_the_line(accuracy, ground.seen.agreement, one.agreement) for one in seen]
                )
            ),
        }
        if np.isfinite(ground.seen.confidence).all() and np.ptp(ground.seen.confidence) > 0.0:
            parts["confidence"] = above_threshold(
                accuracy, ground.seen.confidence, seen[0].confidence
            )
        # What is strange is not easier: a gain in one signal takes nothing off another's loss.
        losses = np.array([max(0.0, accuracy - part) for part in parts.values()])
        loss = float(losses.mean())
        chance = self._chance(seen[0])
        return Guess(
            parts=parts,
            loss=loss,
            accuracy=max(min(accuracy, chance), accuracy - steep * loss),
            spread=float(steep * np.ptp(losses)),
            chance=chance,
        )

    def _chance(self, seen: Signals) -> float:
        """Return how often answers would be right by chance; 0 for numbers."""
        if not seen.shares.size:
            return 0.0
        labels = self._ground.codes.codes(self._ground.labels).astype(int) + 1
        usual = np.bincount(labels, minlength=seen.shares.size) / labels.size
        return float(usual @ seen.shares)


def steepness(losses: Floats, foretold: Floats) -> float:
    """Return the slope through the origin of losses on what was foretold, from 1 to its most.

    >>> round(steepness(np.array([0.1, 0.3]), np.array([0.08, 0.2])), 2)
    1.47
    """
    squares = float(foretold @ foretold)
    slope = float(losses @ foretold) / squares if squares > 0.0 else 1.0
    return float(np.clip(slope, 1.0, STEEPNESS_MAX))


def above_threshold(accuracy: float, before: Floats, after: Floats) -> float:
    """Return the share of rows above the confidence above which accuracy's share of eval rows is.

    Args:
        accuracy: On eval.
        before: Confidences of the eval rows.
        after: Those of the others; NaN counts as below.

    >>> above_threshold(0.5, np.array([0.6, 0.7, 0.8, 0.9]), np.array([0.5, 0.85]))
    0.5
    """
    threshold = np.quantile(before, 1.0 - accuracy)
    return float((np.nan_to_num(after, nan=-1.0) >= threshold).mean())


def _error(residuals: Floats, accuracies: Floats, sizes: Floats) -> float:
    """Return the 90 % quantile of what is left over, less what so few rows scatter by chance."""
    if not residuals.size:
        return 1.0
    reach = float(np.quantile(np.abs(residuals), LEVEL))
    chance = float(np.mean(accuracies * (1.0 - accuracies) / sizes)) / 2.0
    return float(np.sqrt(max(reach**2 - 1.6449**2 * chance, (reach / 2.0) ** 2)))
