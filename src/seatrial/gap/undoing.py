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
Rows = NDArray[np.intp]


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

    def undo(self, rows: Rows, pattern: int, draw: int) -> list[Any]:
        """Return those rows with the factors of ``pattern`` undone."""
        ...


@dataclass(frozen=True)
class Repaired:
    """Rows whose factors the describer undoes.

    Attributes:
        inputs: The rows.
        factors: What is undone, in the order of the bits.
        masks: Which row has what.
        single: Per factor, the rows that have it and what they become.
        describer: Undoes further factors in these.
    """

    inputs: Sequence[Any]
    factors: tuple[str, ...]
    masks: Mask
    single: tuple[Mapping[int, Any], ...]
    describer: Factors
    draws: int = 1

    @classmethod
    def find(
        cls,
        describer: Factors,
        factors: tuple[str, ...],
        intensity: Mapping[str, NDArray[np.float64]],
        inputs: Sequence[Any],
    ) -> Repaired:
        """Find the rows in which each repair changes something.

        A row has a factor where its intensity is above nought and the repair gives another input.
        """
        masks = np.zeros(len(inputs), dtype=np.int64)
        single = []
        for bit, factor in enumerate(factors):
            rows = np.flatnonzero(intensity[factor] > 0)
            before = [inputs[int(row)] for row in rows]
            after = describer.repair(factor, before) or before
            changed = {
                int(row): new
                for row, old, new in zip(rows, before, after, strict=True)
                if old != new
            }
            masks[list(changed)] |= 1 << bit
            single.append(changed)
        return cls(inputs, factors, masks, tuple(single), describer)

    def undo(self, rows: Rows, pattern: int, draw: int) -> list[Any]:
        """Apply the repairs one after another; see :class:`Undoing`."""
        del draw
        values = [self.inputs[int(row)] for row in rows]
        first = True
        for bit, factor in enumerate(self.factors):
            if not pattern >> bit & 1:
                continue
            if first:
                known = self.single[bit]
                values = [known.get(int(row), self.inputs[int(row)]) for row in rows]
            else:
                values = self.describer.repair(factor, values) or values
            first = False
        return values

    def without(self, names: frozenset[str]) -> list[Any]:
        """Return every row with those of the named factors undone that it has."""
        wanted = sum(1 << bit for bit, name in enumerate(self.factors) if name in names)
        masks = self.masks & wanted
        values = list(self.inputs)
        for pattern in np.unique(masks[masks > 0]):
            at = np.flatnonzero(masks == pattern)
            for row, value in zip(at, self.undo(at, int(pattern), 0), strict=True):
                values[row] = value
        return values

    def taken(self, rows: Rows) -> Repaired:
        """Return the same for some of the rows."""
        place = {int(row): index for index, row in enumerate(rows)}
        return Repaired(
            [self.inputs[int(row)] for row in rows],
            self.factors,
            self.masks[rows],
            tuple({place[r]: v for r, v in known.items() if r in place} for known in self.single),
            self.describer,
        )


@dataclass(frozen=True)
class StoodIn:
    """Rows whose columns are mended where that is possible, and filled from donors elsewhere.

    Attributes:
        inputs: The rows.
        factors: Columns to undo, in the order of the bits.
        mended: Per column, rows that the describer restores as they were meant.
        masks: Which row has what.
        donors: Where cells come from.
        chosen: The donor of each row, per draw.
    """

    inputs: Sequence[Any]
    factors: tuple[str, ...]
    mended: tuple[Mapping[int, Any], ...]
    masks: Mask
    donors: Donors
    chosen: tuple[Rows, ...]

    @property
    def draws(self) -> int:
        """How many donors each row has."""
        return len(self.chosen)

    def undo(self, rows: Rows, pattern: int, draw: int) -> list[Any]:
        """Mend columns, or take them from the row's donor; see :class:`Undoing`."""
        wanted = [bit for bit in range(len(self.factors)) if pattern >> bit & 1]
        donors = self.chosen[draw]
        values = []
        for row in rows.tolist():
            value, donor = self.inputs[row], self.donors.inputs[int(donors[row])]
            for bit in wanted:
                column = self.factors[bit].removeprefix(PREFIX)
                value = replaced(value, self.mended[bit].get(row, donor), [column])
            values.append(value)
        return values

    def stood_in(self) -> Mask:
        """Return, per row, the factors that a stand-in undoes, as bits."""
        masks = self.masks.copy()
        for bit, rows in enumerate(self.mended):
            masks[list(rows)] &= ~(1 << bit)
        return masks


def mendable(describer: Factors, factor: str, inputs: Sequence[Any], rows: Rows) -> dict[int, Any]:
    """Return those rows that the describer restores as they were meant, restored."""
    restored = {int(row): describer.repair(factor, [inputs[int(row)]]) for row in rows}
    return {row: one[0] for row, one in restored.items() if one and one[0] != inputs[row]}


def repairable(
    describer: Factors, intensity: Mapping[str, NDArray[np.float64]], inputs: Sequence[Any]
) -> tuple[str, ...]:
    """Return the factors that the describer can undo and that some row has, in repair order."""
    present = [name for name, values in intensity.items() if (values > 0).any()]
    present.sort(key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
    return tuple(name for name in present if describer.repair(name, list(inputs[:1])) is not None)
