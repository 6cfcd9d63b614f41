"""What undoing factors changes in rows that nobody labelled: which answers, and for the better?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seatrial.gap.asking import Asker
from seatrial.gap.rescoring import TOGETHER
from seatrial.gap.sureness import Sureness
from seatrial.gap.undoing import Undoing
from seatrial.models.answers import Answer

Floats = NDArray[np.float64]

LEAST_ROWS = 200
"""Unlabelled rows that must be asked: with fewer the labelled ones say as much."""

GAIN_SD = 0.2
"""How far the mean gain per changed answer may lie from the forecast (fraction)."""


@dataclass(frozen=True)
class Forecast:
    """What is expected of described production rows, labelled or not.

    An answer that does not change leaves the score as it is, whatever the label: that much is
    certain. Where it changes, the chance that the new answer is right, and the old one, is that of
    the answer to the whole row repaired.

    Attributes:
        gain: Expected change of each row's score in each world, shape (n, worlds).
        changed: Share of answers that change, shape (n, worlds).
        known: Rows that were asked, or have nothing to undo, shape (n,).
    """

    gain: Floats
    changed: Floats
    known: NDArray[np.bool_]

    @property
    def noise(self) -> Floats:
        """Variance of the change of a row's score around the expected one, shape (n, worlds)."""
        return np.maximum(self.changed - np.square(self.gain), 0.0)


def forecast(
    undoing: Undoing,
    worlds: tuple[int, ...],
    labelled: NDArray[np.intp],
    scores: Floats,
    *,
    sureness: Sureness,
    ask: Asker,
    limit: int,
    rng: np.random.Generator,
) -> Forecast | None:
    """Ask about all rows with their factors undone, and tell what that will have changed.

    Args:
        undoing: All described production rows, and how to undo factors in them.
        worlds: Sets of factors, as bits.
        labelled: Which rows are labelled; these are asked first.
        scores: Their scores with everything undone.
        sureness: Fitted on eval.
        ask: The model.
        limit: Most questions.
        rng: Decides the order of the unlabelled rows.

    Returns:
        ``None`` where too few unlabelled rows were asked to be of use.
    """
    masks = undoing.masks
    order = _order(masks, labelled, rng)
    asked = _ask(undoing, worlds, order, ask=ask, limit=limit)
    known = (masks == 0) | asked.known
    others = np.ones(masks.size, dtype=bool)
    others[labelled] = False
    if (known & others).sum() < LEAST_ROWS:
        return None
    tried = [place for place in range(labelled.size) if asked.known[labelled[place]]]
    best = [asked.answer(int(labelled[place]), int(masks[labelled[place]])) for place in tried]
    settled = sureness.shifted(best, scores[tried])
    gain, changed = np.zeros((masks.size, len(worlds))), np.zeros((masks.size, len(worlds)))
    for row in np.flatnonzero(asked.known):
        whole = asked.answer(int(row), int(masks[row]))
        plain = asked.answer(int(row), 0)
        right = float(settled.right([whole])[0])
        for place, world in enumerate(worlds):
            undone = asked.answer(int(row), int(masks[row]) & world)
            if undone.output != plain.output:
                changed[row, place] = 1.0
                gain[row, place] = settled.of(undone.output, whole, right)
                gain[row, place] -= settled.of(plain.output, whole, right)
    return Forecast(gain, changed, known)


class _Asked:
    """Answers by row and pattern."""

    def __init__(self, rows: int) -> None:
        self._answers: dict[tuple[int, int], Answer] = {}
        self.known = np.zeros(rows, dtype=bool)

    def answer(self, row: int, pattern: int) -> Answer:
        return self._answers[row, pattern]

    def learn(self, keys: Sequence[tuple[int, int]], answers: Sequence[Answer | None]) -> None:
        """Keep the answers of rows of which every one was given."""
        given = dict(zip(keys, answers, strict=False))
        rows = {row for row, _ in keys}
        silent = {row for row, pattern in keys if given.get((row, pattern)) is None}
        for row in rows - silent:
            self.known[row] = True
        for key, answer in given.items():
            if answer is not None:
                self._answers[key] = answer


def _order(
    masks: NDArray[np.int64], labelled: NDArray[np.intp], rng: np.random.Generator
) -> NDArray[np.intp]:
    first = np.zeros(masks.size, dtype=bool)
    first[labelled] = True
    order = rng.permutation(masks.size)
    order = np.concatenate([order[first[order]], order[~first[order]]])
    return np.asarray(order[masks[order] > 0])


def _ask(
    undoing: Undoing,
    worlds: tuple[int, ...],
    order: NDArray[np.intp],
    *,
    ask: Asker,
    limit: int,
) -> _Asked:
    asked = _Asked(undoing.masks.size)
    for start in range(0, order.size, TOGETHER):
        rows = order[start : start + TOGETHER]
        patterns = np.unique(undoing.masks[rows][:, None] & np.array(worlds, dtype=np.int64)[None])
        keys: list[tuple[int, int]] = []
        inputs = []
        for pattern in (0, *patterns[patterns > 0].tolist()):
            held = undoing.masks[rows][:, None] & np.array(worlds, dtype=np.int64)[None] == pattern
            at = rows if pattern == 0 else rows[held.any(axis=1)]
            inputs += undoing.undo(at, pattern, 0)
            keys += [(int(row), pattern) for row in at]
        if len(keys) > limit:
            break
        limit -= len(keys)
        asked.learn(keys, ask(inputs))
        if ask.cut:
            break
    return asked
