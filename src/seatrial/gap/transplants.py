"""What faulty cells cost, tried on eval rows: cells of production put into rows that were right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.gap.asking import Asker
from seatrial.gap.forecast import Forecast
from seatrial.gap.rescoring import Score
from seatrial.gap.standins import PREFIX, replaced
from seatrial.gap.undoing import StoodIn

Floats = NDArray[np.float64]
Mask = NDArray[np.int64]

ROWS = 1_200
"""Eval rows that are given faulty cells, over all combinations of columns."""

LEAST_ROWS = 20
"""Of one combination; rarer ones are forecast to change nothing, and labels say what they did."""


def transplanted(
    undoing: StoodIn,
    worlds: tuple[int, ...],
    intensity: Mapping[str, Floats],
    labels: Sequence[Any],
    eval_labels: Sequence[Any],
    *,
    ask: Asker,
    score: Score,
    rng: np.random.Generator,
) -> Forecast | None:
    """Forecast what undoing columns changes, from what doing it to eval rows changes.

    Each labelled production row gives its faulty cells to eval rows of the same label, so that a
    cell says as much about the label as it does in production. How often a combination of faulty
    columns occurs is known from all described rows.

    Args:
        undoing: The labelled production rows and their faulty columns.
        worlds: Sets of columns, as bits.
        intensity: How unusual each column's cell is, in all described rows.
        labels: Of the labelled production rows.
        eval_labels: Of the eval rows.
        ask: The model.
        score: How answers are scored.
        rng: Decides which cells go where.

    Returns:
        ``None`` where there was no time.
    """
    masks = _everywhere(undoing, intensity)
    found, counts = np.unique(masks[masks > 0], return_counts=True)
    gain, changed = np.zeros((masks.size, len(worlds))), np.zeros((masks.size, len(worlds)))
    for mask, count in zip(found.tolist(), counts.tolist(), strict=True):
        rows = int(ROWS * count / counts.sum())
        givers = np.flatnonzero(undoing.masks == mask)
        if rows < LEAST_ROWS or not givers.size:
            continue
        givers = givers[rng.integers(0, givers.size, rows)]
        groups = undoing.donors.group([labels[int(row)] for row in givers])
        takers = undoing.donors.draw(groups, own=False, rng=rng)
        scores = {
            left: _scored(undoing, givers, takers, left, eval_labels, ask=ask, score=score)
            for left in sorted({mask & ~world for world in worlds})
        }
        if ask.cut:
            return None
        here = masks == mask
        for place, world in enumerate(worlds):
            change = scores[mask & ~world] - scores[mask]
            gain[here, place] = change.mean()
            changed[here, place] = (change != 0).mean()
    return Forecast(gain, changed, np.ones(masks.size, dtype=bool))


def _everywhere(undoing: StoodIn, intensity: Mapping[str, Floats]) -> Mask:
    """Return which columns are to be undone in each described row, as bits."""
    rows = len(next(iter(intensity.values())))
    masks = np.zeros(rows, dtype=np.int64)
    for bit, factor in enumerate(undoing.factors):
        throughout = bool((undoing.masks >> bit & 1).all())
        masks |= ((intensity[factor] > 0) | throughout).astype(np.int64) << bit
    return masks


def _scored(
    undoing: StoodIn,
    givers: NDArray[np.intp],
    takers: NDArray[np.intp],
    left: int,
    eval_labels: Sequence[Any],
    *,
    ask: Asker,
    score: Score,
) -> Floats:
    """Return the scores of eval rows with some columns from production rows; 0 without answer."""
    columns = [
        name.removeprefix(PREFIX) for bit, name in enumerate(undoing.factors) if left >> bit & 1
    ]
    inputs = [
        replaced(undoing.donors.inputs[int(taker)], undoing.inputs[int(giver)], columns)
        for giver, taker in zip(givers, takers, strict=True)
    ]
    answers = ask(inputs)
    outputs = [None if answer is None else answer.output for answer in answers]
    found = np.zeros(len(inputs))
    found[: len(answers)] = score(
        outputs, [eval_labels[int(row)] for row in takers[: len(answers)]]
    )
    return found
