"""Spoils tables: cells missing, noisy, moved, coarse, mixed up between rows, categories unseen.

A record is a mapping of column to cell, an array a list of cells. How much a column is spoilt is
measured by its own spread among the inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from seatrial.core.settings import InputKind
from seatrial.faults.corruption import Corrupt, Family, Rng

UNSEEN_CATEGORY = "not seen before"

Cells: TypeAlias = list[Any]
Spoil: TypeAlias = Callable[[Cells, float, Rng], Cells]
"""Changes one column's cells."""


@dataclass(frozen=True)
class Table:
    """Inputs by column, and how to make rows of them again."""

    columns: dict[Any, Cells]
    mapping: bool

    @classmethod
    def of(cls, inputs: Sequence[Any]) -> Table:
        """Read records or arrays."""
        if inputs and isinstance(inputs[0], Mapping):
            names = list(dict.fromkeys(name for row in inputs for name in row))
            return cls({name: [row.get(name) for row in inputs] for name in names}, mapping=True)
        width = max((len(row) for row in inputs), default=0)
        listed = [list(row) for row in inputs]
        return cls({place: [row[place] for row in listed] for place in range(width)}, mapping=False)

    def rows(self) -> list[Any]:
        """Return the inputs."""
        names, cells = list(self.columns), zip(*self.columns.values(), strict=True)
        if self.mapping:
            return [dict(zip(names, row, strict=True)) for row in cells]
        return [list(row) for row in cells]


def is_number(cell: Any) -> bool:
    """Say whether a cell is a finite number; truth values are categories."""
    if isinstance(cell, (bool, np.bool_)) or not isinstance(cell, (int, float, np.number)):
        return False
    return bool(np.isfinite(cell))


def is_numeric(cells: Cells) -> bool:
    """Say whether a column is measured: numbers, and more than two of them."""
    numbers = {cell for cell in cells if is_number(cell)}
    return len(numbers) > 2 and all(  # noqa: PLR2004  (two values are a category)
        is_number(cell) or absent(cell) for cell in cells
    )


def absent(cell: Any) -> bool:
    """Say whether a cell is empty."""
    return cell is None or (isinstance(cell, float) and np.isnan(cell))


def _spoiling(spoil: Spoil, *, numeric: bool | None, columns: float = 0.5) -> Corrupt:
    """Return the corruption of some columns.

    Args:
        spoil: What is done to a column.
        numeric: Only to measured columns (or only to others); ``None``: to all.
        columns: Share of the columns that fit which are spoilt.
    """

    def corrupt(inputs: Sequence[Any], severity: float, rng: Rng) -> list[Any]:
        table = Table.of(inputs)
        fit = [
            name
            for name, cells in table.columns.items()
            if numeric is None or is_numeric(cells) == numeric
        ]
        if not fit:
            return list(inputs)
        count = max(1, round(columns * len(fit)))
        for place in rng.permutation(len(fit))[:count]:
            name = fit[int(place)]
            table.columns[name] = spoil(table.columns[name], severity, rng)
        return table.rows()

    return corrupt


def _measured(change: Callable[[np.ndarray[Any, Any], float, float, Rng], Any]) -> Spoil:
    """Return what changes a column's numbers, given their spread; whole numbers stay whole."""

    def spoil(cells: Cells, severity: float, rng: Rng) -> Cells:
        here = [place for place, cell in enumerate(cells) if is_number(cell)]
        values = np.array([float(cells[place]) for place in here])
        whole = all(isinstance(cells[place], (int, np.integer)) for place in here)
        spoilt = list(cells)
        changed = change(values, float(values.std()) or 1.0, severity, rng)
        for place, value in zip(here, changed, strict=True):
            spoilt[place] = round(float(value)) if whole else float(value)
        return spoilt

    return spoil


def _emptied(cells: Cells, severity: float, rng: Rng) -> Cells:
    nothing = float("nan") if is_numeric(cells) else None
    hit = rng.random(len(cells)) < severity
    return [nothing if now else cell for cell, now in zip(cells, hit, strict=True)]


def _usual(cells: Cells, severity: float, rng: Rng) -> Cells:
    """Put the usual value in: what many pipelines do with what is missing."""
    held = [cell for cell in cells if not absent(cell)]
    if not held:
        return cells
    if is_numeric(cells):
        usual: Any = sorted(held)[len(held) // 2]
    else:
        usual = max(set(held), key=held.count)
    hit = rng.random(len(cells)) < severity
    return [usual if now else cell for cell, now in zip(cells, hit, strict=True)]


def _mixed(cells: Cells, severity: float, rng: Rng) -> Cells:
    """Give rows each other's cells."""
    rows = np.flatnonzero(rng.random(len(cells)) < severity)
    spoilt = list(cells)
    for place, source in zip(rows, rng.permutation(rows), strict=True):
        spoilt[int(place)] = cells[int(source)]
    return spoilt


def _unseen(cells: Cells, severity: float, rng: Rng) -> Cells:
    if not any(isinstance(cell, str) for cell in cells):
        return cells
    hit = rng.random(len(cells)) < severity
    return [UNSEEN_CATEGORY if now else cell for cell, now in zip(cells, hit, strict=True)]


def _renamed(cells: Cells, severity: float, rng: Rng) -> Cells:
    hit = rng.random(len(cells)) < severity
    return [
        cell.upper() + " " if now and isinstance(cell, str) else cell
        for cell, now in zip(cells, hit, strict=True)
    ]


TABLES: tuple[InputKind, ...] = ("record", "array")

MISSING = Family(
    "cells-missing",
    TABLES,
    {
        "some": _spoiling(_emptied, numeric=None, columns=1.0),
        "columns": _spoiling(_emptied, numeric=None, columns=0.3),
        "usual": _spoiling(_usual, numeric=None),
    },
)

NOISY = Family(
    "cells-noisy",
    TABLES,
    {
        "all": _spoiling(
            _measured(lambda v, sd, s, rng: v + rng.normal(0.0, 1.5 * s * sd, v.size)),
            numeric=True,
            columns=1.0,
        ),
        "some": _spoiling(
            _measured(lambda v, sd, s, rng: v + rng.normal(0.0, 3.0 * s * sd, v.size)),
            numeric=True,
            columns=0.3,
        ),
    },
)

MOVED = Family(
    "cells-moved",
    TABLES,
    {
        "up": _spoiling(_measured(lambda v, sd, s, _: v + 1.5 * s * sd), numeric=True),
        "down": _spoiling(_measured(lambda v, sd, s, _: v - 1.5 * s * sd), numeric=True),
        "rescaled": _spoiling(_measured(lambda v, _, s, __: v * (1.0 + 0.6 * s)), numeric=True),
        "shrunk": _spoiling(_measured(lambda v, _, s, __: v * (1.0 - 0.6 * s)), numeric=True),
    },
)

COARSE = Family(
    "cells-coarse",
    TABLES,
    {
        "rounded": _spoiling(
            _measured(lambda v, sd, s, _: np.round(v / (3.0 * s * sd)) * (3.0 * s * sd)),
            numeric=True,
            columns=1.0,
        ),
        "clipped": _spoiling(
            _measured(lambda v, _, s, __: np.clip(v, *np.quantile(v, [0.45 * s, 1.0 - 0.45 * s]))),
            numeric=True,
            columns=1.0,
        ),
    },
)

MIXED = Family(
    "cells-mixed",
    TABLES,
    {
        "some": _spoiling(_mixed, numeric=None, columns=0.3),
        "half": _spoiling(_mixed, numeric=None, columns=0.5),
        "all": _spoiling(_mixed, numeric=None, columns=1.0),
    },
)

UNSEEN = Family(
    "categories-unseen",
    TABLES,
    {
        "new": _spoiling(_unseen, numeric=False, columns=0.6),
        "renamed": _spoiling(_renamed, numeric=False, columns=0.6),
        "mixed": _spoiling(_mixed, numeric=False, columns=0.6),
    },
)
