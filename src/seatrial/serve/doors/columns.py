"""What the columns of a record hold, and which records do not fit them.

The same table speaks to both doors and to the OpenAPI document, so that what is described is what
is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from types import NoneType
from typing import Any, Final

from msgspec import Struct

from seatrial.core.errors import InputError
from seatrial.serve.parsing import escaped

COLUMNS_SHOWN: Final = 50
"""Most columns that a message lists: tables may have thousands."""

ANY: Final = ""
"""Datatype of a column of which nobody knows what it holds."""

_NUMBER: Final = ("a number", frozenset({int, float}))
_HELD: Final[Mapping[str, tuple[str, frozenset[type]]]] = {
    "INT64": _NUMBER,
    "FP64": _NUMBER,
    "BOOL": ("true or false", frozenset({bool})),
    "BYTES": ("text", frozenset({str})),
    ANY: ("text, a number, true or false", frozenset({str, int, float, bool})),
}
_SAID: Final[Mapping[type, str]] = {
    NoneType: "null",
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "text",
}


class Column(Struct, frozen=True, gc=False):
    """One column of a table model.

    Attributes:
        name: Of the column.
        datatype: ``INT64``, ``FP64``, ``BOOL``, ``BYTES`` or :data:`ANY`.
        missing: Whether null is taken.
    """

    name: str
    datatype: str = ANY
    missing: bool = True


class Misfit(Struct, frozen=True, gc=False):
    """A record that does not fit.

    Attributes:
        row: Its place.
        column: The column that it lacks, or in which something else is.
        expected: What the column holds.
        got: What it holds here; empty where it is lacking.
    """

    row: int
    column: str
    expected: str
    got: str = ""


class Columns:
    """The columns that every record must have.

    Args:
        columns: In their order.

    >>> table = Columns([Column("rooms", "INT64", missing=False), Column("street", "BYTES")])
    >>> table.misfit([{"rooms": 2.5, "street": None, "more": 1}]) is None
    True
    >>> table.misfit([{"rooms": 2, "street": "Elm"}, {"rooms": "2", "street": "Elm"}])
    Misfit(row=1, column='rooms', expected='a number', got='text')
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = tuple(columns)
        self.names = tuple(column.name for column in columns)
        self._taken: list[tuple[str, Set[type]]] = [
            (column.name, _HELD[column.datatype][1] | ({NoneType} if column.missing else set()))
            for column in columns
        ]

    @classmethod
    def of_rows(cls, rows: Sequence[Any], *, names: Sequence[str] | None = None) -> Columns | None:
        """Return the columns that all of some rows have; ``None`` where they have none.

        Args:
            rows: Rows known to be right; what is no record says nothing.
            names: Columns that a record must have, whether a row shows them or not.
        """
        records = [row for row in rows if isinstance(row, Mapping)]
        common = dict.fromkeys(names if names is not None else records[0] if records else ())
        for record in records if names is None else ():
            common = {name: None for name in common if name in record}
        if not common:
            return None
        return cls([Column(name, _datatype_of(name, records)) for name in common])

    def __iter__(self) -> Iterator[Column]:
        """Return an iterator over the columns."""
        return iter(self.columns)

    def with_missing(self, refused: Set[str]) -> Columns:
        """Return the same columns, of which some take no null."""
        return Columns(
            [
                Column(column.name, column.datatype, column.name not in refused)
                for column in self.columns
            ]
        )

    def misfit(self, rows: Sequence[Any]) -> Misfit | None:
        """Return the first record that does not fit, with the first column that says so."""
        taken = self._taken
        for place, row in enumerate(rows):
            for name, types in taken:
                if type(row.get(name, _ABSENT)) not in types:
                    return self._why(place, row, name)
        return None

    def _why(self, place: int, row: Mapping[str, Any], name: str) -> Misfit:
        column = self.columns[self.names.index(name)]
        expected = _HELD[column.datatype][0] + (" or null" if column.missing else "")
        got = _SAID.get(type(row[name]), "a list or an object") if name in row else ""
        return Misfit(place, name, expected, got)

    def refused(self, misfit: Misfit, *, record: str) -> InputError:
        """Build the error for a record that does not fit.

        Args:
            misfit: What is wrong.
            record: JSON pointer to the record.
        """
        where = f"{record}/{escaped(misfit.column)}"
        if misfit.got:
            message = f"{where}: expected {misfit.expected}, got {misfit.got}."
        else:
            names = ", ".join(self.names[:COLUMNS_SHOWN]) + (
                ", …" if self.names[COLUMNS_SHOWN:] else ""
            )
            message = f"{record} lacks the column {misfit.column!r}; a record has all of {names}."
        return InputError(
            message,
            hint="The columns are those of the eval set; GET /openapi.json describes them.",
            details={"pointer": where, "row": misfit.row, "column": misfit.column},
        )


def datatype(value: Any) -> str:
    """Return the datatype of one cell.

    >>> datatype(True), datatype(1), datatype(1.5), datatype("x")
    ('BOOL', 'INT64', 'FP64', 'BYTES')
    """
    if isinstance(value, bool):
        return "BOOL"
    if isinstance(value, int):
        return "INT64"
    return "FP64" if isinstance(value, float) else "BYTES"


def _datatype_of(name: str, records: Sequence[Mapping[str, Any]]) -> str:
    values = [value for record in records if (value := record.get(name)) is not None]
    found = {datatype(value) for value in values}
    if any(type(value) not in _HELD[ANY][1] for value in values):
        return ANY
    if found == {"INT64", "FP64"}:
        return "FP64"
    return found.pop() if len(found) == 1 else ANY


class _Absent:
    """Its type is that of no cell."""


_ABSENT: Final = _Absent()
