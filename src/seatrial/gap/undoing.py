"""Undoing factors in rows: by the describer's repairs, or by stand-ins for a column's cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from seatrial.gap.case import Factors
from seatrial.gap.standins import PREFIX, Donors, replaced

FIRST = ("format", "tampering")
"""Undone in this order before anything else: tags hide words, and damaged words hide language."""

DRAWS = 3
"""Stand-ins per row: their mean has a third of one draw's variance, at three times its cost."""

Mask = NDArray[np.int64]


class Undoing(Protocol):
    """Rows of one side (eval or production) and how to undo factors in them."""

    @property
    def masks(self) -> Mask:
        """The factors present in each row, as bits."""
        ...

    @property
    def draws(self) -> int:
        """How many ways there are to undo a factor in a row."""
        ...

    def undo(self, rows: NDArray[np.intp], pattern: int, draw: int) -> list[Any]:
        """Return those rows with the factors of ``pattern`` undone."""
        ...


@dataclass(frozen=True)
class Repaired:
    """Rows whose factors the describer undoes."""

    inputs: Sequence[Any]
    factors: tuple[str, ...]
    masks: Mask
    describer: Factors
    draws: int = 1

    def undo(self, rows: NDArray[np.intp], pattern: int, draw: int) -> list[Any]:
        """Apply the repairs one after another; see :class:`Undoing`."""
        del draw
        values = [self.inputs[row] for row in rows]
        for bit, factor in enumerate(self.factors):
            if pattern >> bit & 1:
                values = self.describer.repair(factor, values) or values
        return values


@dataclass(frozen=True)
class StoodIn:
    """Rows whose columns are filled from donors."""

    inputs: Sequence[Any]
    factors: tuple[str, ...]
    masks: Mask
    donors: Donors
    chosen: tuple[NDArray[np.intp], ...]

    @property
    def draws(self) -> int:
        """How many donors each row has."""
        return len(self.chosen)

    def undo(self, rows: NDArray[np.intp], pattern: int, draw: int) -> list[Any]:
        """Take the columns of the pattern from the row's donor; see :class:`Undoing`."""
        columns = [
            factor.removeprefix(PREFIX)
            for bit, factor in enumerate(self.factors)
            if pattern >> bit & 1
        ]
        donors = self.chosen[draw][rows]
        return [
            replaced(self.inputs[row], self.donors.inputs[donor], columns)
            for row, donor in zip(rows, donors, strict=True)
        ]


def repairable(
    describer: Factors, intensities: Mapping[str, NDArray[np.float64]], inputs: Sequence[Any]
) -> tuple[str, ...]:
    """Return the factors that the describer can undo and that some row has, in repair order."""
    present = [name for name, values in intensities.items() if (values > 0).any()]
    present.sort(key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
    return tuple(
        name
        for name in present
        if not name.startswith(PREFIX) and describer.repair(name, list(inputs[:1])) is not None
    )


def repaired_rows(
    describer: Factors,
    factors: tuple[str, ...],
    intensities: Mapping[str, NDArray[np.float64]],
    inputs: Sequence[Any],
) -> Repaired:
    """Find the rows in which each repair changes something.

    A row has a factor where its intensity is above nought and the repair gives another input.
    """
    masks = np.zeros(len(inputs), dtype=np.int64)
    for bit, factor in enumerate(factors):
        rows = np.flatnonzero(intensities[factor] > 0)
        before = [inputs[int(row)] for row in rows]
        after = describer.repair(factor, before) or before
        changed = [row for row, a, b in zip(rows, before, after, strict=True) if a != b]
        masks[changed] |= 1 << bit
    return Repaired(inputs, factors, masks, describer)


def wholly_repaired(rows: Repaired) -> list[Any]:
    """Return every row with all factors undone that can be."""
    values = list(rows.inputs)
    for pattern in np.unique(rows.masks[rows.masks > 0]):
        at = np.flatnonzero(rows.masks == pattern)
        for row, value in zip(at, rows.undo(at, int(pattern), 0), strict=True):
            values[row] = value
    return values
