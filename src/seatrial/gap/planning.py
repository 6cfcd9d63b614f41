"""Decides which factors are undone in which rows, for texts and for tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.gap.case import Factors
from seatrial.gap.columns import Column
from seatrial.gap.describing import Described
from seatrial.gap.material import Plan
from seatrial.gap.standins import PREFIX, Donors
from seatrial.gap.undoing import DRAWS, Repaired, StoodIn, mendable, repairable

Floats = NDArray[np.float64]

MENDED_SHARE = 0.9
"""Part of a column's unusual cells that must be restored as meant for it to count as undone."""


def plan_repairs(
    describer: Factors,
    described: Described,
    *,
    evals: Sequence[Any],
    production: Sequence[Any],
    labelled: NDArray[np.intp],
    without: frozenset[str],
) -> Plan:
    """Plan to undo what the describer can repair.

    Args:
        describer: Repairs and describes.
        described: Intensities of the rows as they are.
        evals: Eval inputs.
        production: Described production inputs.
        labelled: Which of them are labelled.
        without: Factors whose repair is not to be used.
    """
    able = repairable(describer, described.intensity, production)
    factors = tuple(name for name in able if name not in without)
    ours = Repaired.find(describer, factors, described.before, evals)
    theirs = Repaired.find(describer, factors, described.intensity, production)
    return Plan(
        intensity=described.intensity,
        before=described.before,
        undoable=factors,
        evals=ours,
        production=theirs.taken(labelled),
        everybody=theirs,
    )


def plan_stand_ins(
    describer: Factors,
    described: Described,
    columns: Sequence[Column],
    donors: Donors,
    *,
    production: Sequence[Any],
    labels: Sequence[Any],
    without: frozenset[str],
    rng: np.random.Generator,
) -> Plan:
    """Plan to mend the columns that changed and that the model uses, or to stand in for them.

    Args:
        describer: Mends columns where what was meant is beyond doubt.
        described: Intensities of the rows as they are.
        columns: Columns that changed.
        donors: Eval rows.
        production: Labelled production inputs.
        labels: Their labels.
        without: Columns whose change was seen to cost nothing.
        rng: Source of stand-ins.
    """
    used = [one for one in columns if one.use and one.factor not in without]
    factors = tuple(column.factor for column in used)
    groups = donors.group(labels)
    chosen = tuple(donors.draw(groups, own=False, rng=rng) for _ in range(DRAWS))
    own = tuple(donors.draw(donors.groups, own=True, rng=rng) for _ in range(DRAWS))
    there = _masks([column.present() for column in used], len(production))
    usual = [described.before[name] > 0 for name in factors]
    here = _masks(usual, len(donors.inputs))
    mended = tuple(
        mendable(describer, one.factor, production, np.flatnonzero(one.unusual)) for one in used
    )
    restored = tuple(
        mendable(describer, name, donors.inputs, np.flatnonzero(rows))
        for name, rows in zip(factors, usual, strict=True)
    )
    stood_in = frozenset(
        one.factor
        for one, rows in zip(used, mended, strict=True)
        if len(rows) < MENDED_SHARE * one.present().sum()
    )

    def kept(values: Mapping[str, Floats]) -> dict[str, Floats]:
        return {k: v for k, v in values.items() if k in factors or not k.startswith(PREFIX)}

    return Plan(
        intensity=kept(described.intensity),
        before=kept(described.before),
        undoable=factors,
        evals=StoodIn(donors.inputs, factors, restored, here, donors, own),
        production=StoodIn(production, factors, mended, there, donors, chosen),
        uses={column.factor: column.use for column in used if column.use},
        stood_in=stood_in,
    )


def _masks(present: Sequence[NDArray[np.bool_]], rows: int) -> NDArray[np.int64]:
    masks = np.zeros(rows, dtype=np.int64)
    for bit, rows_with in enumerate(present):
        masks |= rows_with.astype(np.int64) << bit
    return masks
