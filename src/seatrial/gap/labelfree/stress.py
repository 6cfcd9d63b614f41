"""The model under stress: what its answers to spoilt eval rows are worth, and how they look."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.faults.corruption import Corruption
from seatrial.gap.asking import Asker
from seatrial.gap.case import Answers, outputs
from seatrial.gap.labelfree.pool import Pool, Votes
from seatrial.gap.labelfree.signals import Labels, Signals, confidences, signals

Floats = NDArray[np.float64]
Score = Callable[[list[Any], list[Any]], Floats]

SET_ROWS = 250
"""Eval rows that each corruption is tried on: its loss is then known to about ±3 points, and all of
a hundred corruptions are asked in seconds."""

FAILED_MAX = 0.2
"""Share of spoilt rows that the model cannot answer from which a set says nothing."""


@dataclass(frozen=True)
class Stressed:
    """Some eval rows, spoilt in one way.

    Attributes:
        family: Name of the corruption's family.
        name: The corruption's id.
        rows: Which eval rows, shape (n,).
        scores: What the model's answers are worth, shape (n,).
        before: What its answers to the same rows unspoilt are worth, shape (n,).
        seen: What can be seen of them without a label.
    """

    family: str
    name: str
    rows: NDArray[np.intp]
    scores: Floats
    before: Floats
    seen: Signals


@dataclass(frozen=True)
class Ground:
    """What stress is applied to: the eval rows, and how the model answers them unspoilt.

    Attributes:
        inputs: Eval inputs.
        labels: What is right about them.
        codes: How labels and answers become numbers.
        scores: What the model's answers are worth, shape (n,).
        seen: What can be seen of them; the pool was asked out of fold.
        votes: Those of the pool on them, out of fold.
        pool: Fitted on the same rows.
        score: Scores answers against labels.
        tolerance: How far numbers may differ and still agree; ``None``: classes.
    """

    inputs: Sequence[Any]
    labels: Sequence[Any]
    codes: Labels
    scores: Floats
    seen: Signals
    votes: Votes
    pool: Pool
    score: Score
    tolerance: float | None

    @property
    def accuracy(self) -> float:
        """Return the model's accuracy on eval."""
        return float(self.scores.mean())


def lay_ground(
    inputs: Sequence[Any],
    labels: Sequence[Any],
    answers: Answers,
    scores: Floats,
    *,
    codes: Labels,
    pool: Pool,
    score: Score,
    tolerance: float | None,
) -> Ground:
    """Return the eval rows with what can be seen of the model's answers to them."""
    votes = pool.held_out(inputs, np.arange(len(inputs)))
    seen = signals(codes.codes(outputs(answers)), confidences(answers), votes, tolerance=tolerance)
    return Ground(inputs, labels, codes, scores, seen, votes, pool, score, tolerance)


def under_stress(
    ground: Ground,
    suite: Sequence[Corruption],
    ask: Asker,
    *,
    seed: int,
    spent: Callable[[], bool] = lambda: False,
) -> Iterator[Stressed]:
    """Spoil eval rows in every way of the suite, ask the model, and look at its answers.

    Args:
        ground: The eval rows.
        suite: Corruptions, those that matter most first.
        ask: The model.
        seed: Decides rows and spoiling.
        spent: Says whether the time is over.
    """
    rng = np.random.default_rng(seed)
    n = len(ground.inputs)
    for corruption in suite:
        if spent() or ask.cut:
            return
        rows = np.sort(rng.choice(n, min(n, SET_ROWS), replace=False))
        plain = [ground.inputs[row] for row in rows]
        spoilt = corruption.applied(plain, seed=seed)
        changed = [old is not new and old != new for old, new in zip(plain, spoilt, strict=True)]
        if not any(changed):
            continue
        answers = ask(spoilt)
        given = np.array([answer is not None for answer in answers], dtype=bool)
        if len(answers) < len(spoilt) or given.mean() < 1.0 - FAILED_MAX:
            continue
        yield _stressed(ground, corruption, rows, spoilt, answers)


def _stressed(
    ground: Ground,
    corruption: Corruption,
    rows: NDArray[np.intp],
    spoilt: list[Any],
    answers: Answers,
) -> Stressed:
    given = outputs(answers)
    scores = ground.score(given, [ground.labels[row] for row in rows])
    seen = signals(
        ground.codes.codes(given),
        confidences(answers),
        ground.pool.held_out(spoilt, rows),
        tolerance=ground.tolerance,
    )
    return Stressed(corruption.family, corruption.id, rows, scores, ground.scores[rows], seen)
