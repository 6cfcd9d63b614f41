"""What a record looks like beside the eval set's records: one factor per column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from seatrial.core.errors import UnknownNameError


class TableDescriber:
    """Describes records and arrays; see :class:`seatrial.describe.describer.Describer`."""

    def __init__(self, columns: dict[str, Any]) -> None:
        self.columns = columns

    @property
    def factor_ids(self) -> tuple[str, ...]:
        """One factor per column of the reference."""
        return tuple(f"column:{name}" for name in self.columns)

    @classmethod
    def fit(cls, inputs: Sequence[Any]) -> Self:
        """Learn the reference."""
        names = {name for row in inputs for name in cells(row)}
        return cls({name: [cells(row).get(name) for row in inputs] for name in sorted(names)})

    def describe(self, inputs: Sequence[Any]) -> dict[str, NDArray[Any]]:
        """Return the descriptors."""
        return {}

    def factors(self, inputs: Sequence[Any]) -> dict[str, NDArray[np.float64]]:
        """Return the intensities."""
        return {
            f"column:{name}": np.array([float(cells(row).get(name) is None) for row in inputs])
            for name in self.columns
        }

    def repair(self, factor: str, inputs: Sequence[Any]) -> list[Any] | None:
        """Undo nothing yet."""
        if factor not in self.factor_ids:
            raise UnknownNameError.of("factor", factor, self.factor_ids)
        return None

    def to_document(self) -> dict[str, Any]:
        """Return the frozen reference."""
        return {"kind": "record", "columns": self.columns}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """Return what was frozen."""
        return cls(document["columns"])


def cells(row: Any) -> Mapping[str, Any]:
    """Return a record, or an array's numbers by position."""
    if isinstance(row, Mapping):
        return row
    return {str(index): value for index, value in enumerate(np.ravel(np.asarray(row, object)))}
