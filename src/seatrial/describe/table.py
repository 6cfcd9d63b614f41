"""What a record looks like beside the eval set's records: one factor per column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from seatrial.core.errors import DataError, UnknownNameError
from seatrial.describe.column import Column

PREFIX = "column:"
SIGNS = ("missing", "outside", "unseen", "mistyped")

UNUSUAL = 1e-9
"""Intensity above which a cell is unusual at all."""


class TableDescriber:
    """Describes records, and arrays as records with columns "0", "1", ….

    A cell's intensity is the most of what is unusual about it: missing, out of range, new,
    of another type. A usual cell has 0, however the column drifts within its range; where in the
    range it lies is the descriptor ``position:<name>``.

    A column can be undone only where what was meant is beyond doubt (a number sent as text, a
    category in other case). Putting a typical value in place of a missing one is no undoing: the
    label still belongs to the value that nobody knows. :meth:`substitute` does that, to see
    whether the model uses the column.
    """

    def __init__(self, columns: Mapping[str, Column]) -> None:
        self.columns = dict(columns)

    @property
    def factor_ids(self) -> tuple[str, ...]:
        """One factor per column of the reference."""
        return tuple(PREFIX + name for name in self.columns)

    @classmethod
    def fit(cls, inputs: Sequence[Any]) -> Self:
        """Learn every column that occurs in the reference."""
        table = columns_of(inputs)
        return cls({name: Column.of(cells) for name, cells in table.items()})

    def describe(self, inputs: Sequence[Any]) -> dict[str, NDArray[Any]]:
        """Return the descriptors: the signs and the position of every column."""
        table = columns_of(inputs)
        described: dict[str, NDArray[Any]] = {
            "unknown_columns": _unknown(inputs, self.columns.keys())
        }
        for name, column in self.columns.items():
            cells = table.get(name) or [None] * len(inputs)
            for sign, values in column.signs(cells).items():
                described[f"{sign}:{name}"] = values
            described[f"position:{name}"] = column.positions(cells)
        return described

    def factors(self, inputs: Sequence[Any]) -> dict[str, NDArray[np.float64]]:
        """Return how unusual each column's cells are."""
        table = columns_of(inputs)
        intensities = {}
        for name, column in self.columns.items():
            signs = column.signs(table.get(name) or [None] * len(inputs))
            intensities[PREFIX + name] = np.maximum.reduce([signs[sign] for sign in SIGNS])
        return intensities

    def repair(self, factor: str, inputs: Sequence[Any]) -> list[Any] | None:
        """Return the inputs with a column's cells as they were meant.

        ``None`` where some unusual cell cannot be restored: half an undoing is none.

        >>> describer = TableDescriber.fit([{"age": age} for age in range(20, 60)])
        >>> describer.repair("column:age", [{"age": "31"}, {"age": 40}])
        [{'age': 31}, {'age': 40}]
        >>> describer.repair("column:age", [{"age": None}]) is None
        True
        """
        column = self._column(factor)
        name = factor.removeprefix(PREFIX)
        cells = columns_of(inputs).get(name) or [None] * len(inputs)
        mended = [column.restored(cell) for cell in cells]
        if any((values > UNUSUAL).any() for values in column.signs(mended).values()):
            return None
        return [
            row if new is old else with_cell(row, name, new)
            for row, old, new in zip(inputs, cells, mended, strict=True)
        ]

    def substitute(self, factor: str, inputs: Sequence[Any]) -> list[Any]:
        """Return the inputs with a column's unusual cells replaced by the reference's typical one.

        Answers that change say that the model uses the column; they are no undone fault.

        >>> describer = TableDescriber.fit([{"age": age} for age in range(20, 61)])
        >>> describer.substitute("column:age", [{"age": None}, {"age": 33}])
        [{'age': 40}, {'age': 33}]
        """
        column = self._column(factor)
        name = factor.removeprefix(PREFIX)
        odd = self.factors(inputs)[factor] > UNUSUAL
        return [
            with_cell(row, name, column.stand_in()) if replaced else row
            for row, replaced in zip(inputs, odd, strict=True)
        ]

    def _column(self, factor: str) -> Column:
        if factor not in self.factor_ids:
            raise UnknownNameError.of("factor", factor, self.factor_ids)
        return self.columns[factor.removeprefix(PREFIX)]

    def to_document(self) -> dict[str, Any]:
        """Return the frozen reference."""
        return {
            "kind": "record",
            "columns": {name: msgspec.to_builtins(part) for name, part in self.columns.items()},
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """Return what was frozen."""
        return cls(
            {name: msgspec.convert(part, Column) for name, part in document["columns"].items()}
        )


def columns_of(inputs: Sequence[Any]) -> dict[str, list[Any]]:
    """Return cells by column; a column that a record lacks is missing there.

    Args:
        inputs: Records (mappings), or arrays, lists and single numbers.

    Raises:
        DataError: An input is text, which has no columns.

    >>> columns_of([{"a": 1}, {"a": 2, "b": 3}])
    {'a': [1, 2], 'b': [None, 3]}
    >>> columns_of([[1.0, 2.0], [3.0]])
    {'0': [1.0, 3.0], '1': [2.0, None]}
    """
    rows = [_record(row) for row in inputs]
    names: dict[str, None] = {}
    for row in rows:
        names.update(dict.fromkeys(row))
    return {name: [row.get(name) for row in rows] for name in names}


def with_cell(row: Any, name: str, value: Any) -> Any:
    """Return a record or array with one cell replaced; the row itself stays.

    >>> with_cell([1, 2], "1", 9)
    [1, 9]
    """
    if isinstance(row, Mapping):
        return {**row, name: value}
    if isinstance(row, np.ndarray):
        filled = row.copy()
        filled.flat[int(name)] = value
        return filled
    if not isinstance(row, (list, tuple)):
        return value
    cells = [value if str(place) == name else cell for place, cell in enumerate(row)]
    return cells if isinstance(row, list) else tuple(cells)


def _record(row: Any) -> Mapping[str, Any]:
    if isinstance(row, Mapping):
        return row
    if isinstance(row, str):
        raise DataError(
            f"received text {row[:40]!r}; accepted is an object of columns or an array.",
            hint='Set input = "text" in [model] where one input is one text.',
        )
    if isinstance(row, np.ndarray):
        row = row.ravel().tolist()
    if isinstance(row, (list, tuple)):
        return {str(place): value for place, value in enumerate(row)}
    return {"0": row}


def _unknown(inputs: Sequence[Any], known: Any) -> NDArray[np.float64]:
    """Count the columns of each input that the reference does not have."""
    return np.array([len(_record(row).keys() - known) for row in inputs], dtype=float)
