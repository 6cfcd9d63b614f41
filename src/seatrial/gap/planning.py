"""Decides which factors are undone in which rows, for texts and for tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.gap.asking import Asker
from seatrial.gap.case import Factors
from seatrial.gap.columns import changed_columns
from seatrial.gap.material import Plan
from seatrial.gap.rescoring import Score
from seatrial.gap.standins import PREFIX, Donors
from seatrial.gap.undoing import (
    DRAWS,
    Repaired,
    StoodIn,
    repairable,
    repaired_rows,
    wholly_repaired,
)

Floats = NDArray[np.float64]


def plan_repairs(
    describer: Factors,
    described: Plan,
    *,
    evals: Sequence[Any],
    production: Sequence[Any],
    labelled: NDArray[np.intp],
    without: frozenset[str] = frozenset(),
) -> Plan:
    """Plan to undo what the describer can repair.

    Factors that cannot be undone are described on the repaired rows, since tags are neither long
    nor foreign; domain counts only as far as the language is known, since every word of another
    language is far from eval.

    Args:
        describer: Repairs and describes.
        described: Intensities of the rows as they are.
        evals: Eval inputs.
        production: All production inputs.
        labelled: Which of them have labels.
        without: Factors whose repair is not to be used.
    """
    factors = tuple(
        name
        for name in repairable(describer, described.intensity, production)
        if name not in without
    )
    ours = repaired_rows(describer, factors, described.before, evals)
    everybody = repaired_rows(describer, factors, described.intensity, production)
    theirs = replace(
        everybody,
        inputs=[production[int(row)] for row in labelled],
        masks=everybody.masks[labelled],
    )
    return Plan(
        intensity=_specific(_redescribed(describer, everybody, described.intensity)),
        before=_specific(_redescribed(describer, ours, described.before)),
        undoable=factors,
        evals=ours,
        production=theirs,
    )


def plan_stand_ins(
    described: Plan,
    *,
    evals: Sequence[Any],
    eval_labels: Sequence[Any],
    production: Sequence[Any],
    labels: Sequence[Any],
    labelled: NDArray[np.intp],
    ask: Asker,
    score: Score,
    rng: np.random.Generator,
) -> Plan:
    """Plan to stand in for the cells of the columns that changed and that the model uses.

    Args:
        described: Intensities of the rows as they are.
        evals: Eval inputs.
        eval_labels: Their labels.
        production: Labelled production inputs.
        labels: Their labels.
        labelled: Which of all production rows they are.
        ask: The model.
        score: How answers are scored.
        rng: Source of stand-ins and of the rows tried.
    """
    donors = Donors(evals, eval_labels, rng=rng)
    columns = changed_columns(
        donors,
        production,
        labels,
        {name: values[labelled] for name, values in described.intensity.items()},
        described.before,
        ask=ask,
        score=score,
        rng=rng,
    )
    used = [column for column in columns if column.use > 0]
    factors = tuple(column.factor for column in used)
    groups = donors.group(labels)
    chosen = tuple(donors.draw(groups, own=False) for _ in range(DRAWS))
    own = tuple(donors.draw(donors.groups, own=True) for _ in range(DRAWS))
    there = _masks([column.present() for column in used], len(production))
    here = _masks([described.before[name] > 0 for name in factors], len(evals))

    def kept(values: Mapping[str, Floats]) -> dict[str, Floats]:
        return {k: v for k, v in values.items() if k in factors or not k.startswith(PREFIX)}

    return Plan(
        intensity=kept(described.intensity),
        before=kept(described.before),
        undoable=factors,
        evals=StoodIn(evals, factors, here, donors, own),
        production=StoodIn(production, factors, there, donors, chosen),
        uses={column.factor: column.use for column in used},
        stood_in=True,
        unused=tuple(column.factor for column in columns if not column.use),
    )


def _redescribed(
    describer: Factors, rows: Repaired, intensity: Mapping[str, Floats]
) -> dict[str, Floats]:
    described = {name: values.copy() for name, values in intensity.items()}
    changed = np.flatnonzero(rows.masks)
    if changed.size:
        whole = wholly_repaired(rows)
        anew = describer.factors([whole[row] for row in changed])
        for name, values in described.items():
            if name not in rows.factors:
                values[changed] = anew[name]
    return described


def _specific(intensity: dict[str, Floats]) -> dict[str, Floats]:
    if "domain" in intensity and "language" in intensity:
        intensity["domain"] = intensity["domain"] * (1.0 - intensity["language"])
    return intensity


def _masks(present: Sequence[NDArray[np.bool_]], rows: int) -> NDArray[np.int64]:
    masks = np.zeros(rows, dtype=np.int64)
    for bit, rows_with in enumerate(present):
        masks |= rows_with.astype(np.int64) << bit
    return masks
