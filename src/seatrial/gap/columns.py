"""Which columns of a table can have cost accuracy: those the model uses and that changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.gap.asking import Asker
from seatrial.gap.rescoring import Score
from seatrial.gap.standins import PREFIX, Donors, cell, replaced, shifted

Floats = NDArray[np.float64]

TRIAL_ROWS = 300
"""Labelled rows in which each changed column is replaced to see whether the model uses it."""

TRIAL_DRAWS = 2
"""Stand-ins per trial row."""

LEAST_SHARE = 0.002
"""Share of production rows in which a column must be unusual to be looked at."""

MOST_COLUMNS = 24
"""Columns that are looked at, most unusual first; each costs at least two questions per row."""


@dataclass(frozen=True)
class Column:
    """One column that changed.

    Attributes:
        factor: Its ledger id.
        use: Share of trial rows whose score changes when the column is replaced; 0: not used;
            ``None`` where the time was over before any was asked.
        unusual: Labelled production rows whose cell is missing, out of range or new.
        throughout: Whether the usual cells are distributed otherwise as well, given the label.
    """

    factor: str
    use: float | None
    unusual: NDArray[np.bool_]
    throughout: bool

    def present(self) -> NDArray[np.bool_]:
        """Return the labelled production rows in which it is to be undone."""
        return np.ones_like(self.unusual) if self.throughout else self.unusual


def changed_columns(
    donors: Donors,
    inputs: Sequence[Any],
    labels: Sequence[Any],
    intensities: Mapping[str, Floats],
    before: Mapping[str, Floats],
    *,
    ask: Asker,
    score: Score,
    rng: np.random.Generator,
) -> list[Column]:
    """Find the columns that are not as they were on eval, and whether the model uses them.

    Args:
        donors: Eval rows by label.
        inputs: Labelled production rows.
        labels: Their labels.
        intensities: Per column factor, how unusual its cell is in these rows.
        before: The same on eval rows.
        ask: The model.
        score: How answers are scored.
        rng: Decides which rows are tried.
    """
    groups = donors.group(labels)
    changed = _changed(donors, inputs, groups, intensities, before)
    trial = rng.permutation(len(inputs))[:TRIAL_ROWS]
    plain = _scores([inputs[row] for row in trial], [labels[row] for row in trial], ask, score)
    found = []
    for factor, unusual, throughout in changed:
        moved, known = np.zeros(trial.size, dtype=bool), np.zeros(trial.size, dtype=bool)
        for _ in range(TRIAL_DRAWS):
            stand_ins = donors.anybody(trial.size, rng=rng)
            asked = [
                replaced(inputs[row], donors.inputs[donor], [factor.removeprefix(PREFIX)])
                for row, donor in zip(trial, stand_ins, strict=True)
            ]
            change = _scores(asked, [labels[row] for row in trial], ask, score) - plain
            known |= ~np.isnan(change)
            moved |= np.nan_to_num(change) != 0
        use = float(moved[known].mean()) if known.any() else None
        found.append(Column(factor, use, unusual, throughout))
    return found


def _changed(
    donors: Donors,
    inputs: Sequence[Any],
    groups: NDArray[Any],
    intensities: Mapping[str, Floats],
    before: Mapping[str, Floats],
) -> list[tuple[str, NDArray[np.bool_], bool]]:
    """Return the columns that changed, most unusual first, at most :data:`MOST_COLUMNS`."""
    found = []
    for factor in sorted(name for name in intensities if name.startswith(PREFIX)):
        name = factor.removeprefix(PREFIX)
        unusual = intensities[factor] > 0
        more = float(intensities[factor].mean() - before[factor].mean())
        usual = np.flatnonzero(~unusual)
        throughout = shifted(
            [cell(row, name) for row in donors.inputs],
            donors.groups,
            [cell(inputs[int(row)], name) for row in usual],
            groups[usual],
        )
        if more >= LEAST_SHARE or throughout:
            found.append((more, factor, unusual, throughout))
    found.sort(key=lambda column: -column[0])
    return [column[1:] for column in found[:MOST_COLUMNS]]


def _scores(inputs: list[Any], labels: list[Any], ask: Asker, score: Score) -> Floats:
    """Return the score of each answer, NaN where nobody asked."""
    answers = ask(inputs)
    given = [None if answer is None else answer.output for answer in answers]
    scores = np.full(len(inputs), np.nan)
    scores[: len(given)] = score(given, labels[: len(given)])
    return scores
