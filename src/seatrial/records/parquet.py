"""Parquet files, through DuckDB."""

from __future__ import annotations

import base64
import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from seatrial.core.errors import DataError
from seatrial.records import engine
from seatrial.records.json_lines import JsonLinesFile

FETCHED_ROWS = 50_000
"""Rows taken from DuckDB at once: few calls, and no second copy of a large file in memory."""

_PLAIN = frozenset(
    {"boolean", "tinyint", "smallint", "integer", "bigint", "hugeint", "utinyint", "usmallint"}
    | {"uinteger", "ubigint", "uhugeint", "varchar", "enum"}
)
"""DuckDB types whose Python values are already what JSON knows."""


class ParquetFile:
    """One Parquet file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._source = f"read_parquet({engine.path(path)}, hive_partitioning=false)"
        with engine.connection() as db:
            self._types = {
                column[0]: column[1]
                for column in self._run(db, f"SELECT * FROM {self._source} LIMIT 0").description
            }

    def names(self) -> list[str]:
        """Return the column names."""
        return list(self._types)

    def read(self, wanted: Sequence[str], *, as_text: Sequence[str] = ()) -> dict[str, list[Any]]:  # noqa: ARG002 - Parquet knows its types
        """Return the wanted columns."""
        selected = ", ".join(self._expression(name) for name in wanted)
        with engine.connection() as db:
            cursor = self._run(db, f"SELECT {selected} FROM {self._source}")
            try:
                columns = fetch(cursor, wanted)
            except Exception as error:  # noqa: BLE001 - DuckDB's own tree, named only once loaded
                raise unreadable(self.path, error) from None
        for name in wanted:
            convert = _converter(self._types[name])
            if convert is not None:
                columns[name] = [convert(value) for value in columns[name]]
        return columns

    def _expression(self, name: str) -> str:
        # DuckDB needs another library to hand zoned times to Python; as text it needs none.
        if self._types[name].id == "timestamp with time zone":
            return f"strftime({engine.name(name)}, '%Y-%m-%dT%H:%M:%S.%fZ')"
        return engine.name(name)

    def _run(self, db: Any, sql: str) -> Any:
        import duckdb

        try:
            return db.execute(sql)
        except duckdb.Error as error:
            raise unreadable(self.path, error) from None

    @staticmethod
    def write(path: Path, columns: Mapping[str, Sequence[Any]]) -> None:
        """Write columns of one type each.

        Raises:
            DataError: A column mixes types, or holds what a Parquet column cannot.
        """
        kinds = {name: _column_type(name, values) for name, values in columns.items()}
        declared = ", ".join(
            f"{engine.text(f'c{place}')}: {engine.text(kind)}"
            for place, kind in enumerate(kinds.values())
        )
        selected = ", ".join(f"c{place} AS {engine.name(n)}" for place, n in enumerate(kinds))
        with tempfile.TemporaryDirectory() as folder, engine.connection() as db:
            lines = Path(folder) / "rows.jsonl"
            JsonLinesFile.write(
                lines, {f"c{place}": values for place, values in enumerate(columns.values())}
            )
            db.execute(
                f"COPY (SELECT {selected} FROM read_json({engine.path(lines)}, "
                f"format='newline_delimited', columns={{{declared}}}, "
                f"maximum_object_size={max(lines.stat().st_size, 1024)})) "
                f"TO {engine.text(str(path))} (FORMAT parquet, COMPRESSION zstd)"
            )


def fetch(cursor: Any, names: Sequence[str]) -> dict[str, list[Any]]:
    """Take all rows of a query as columns."""
    columns: list[list[Any]] = [[] for _ in names]
    while rows := cursor.fetchmany(FETCHED_ROWS):
        for column, values in zip(columns, zip(*rows, strict=True), strict=True):
            column.extend(values)
    return dict(zip(names, columns, strict=True))


def unreadable(path: Path, error: Exception) -> DataError:
    """Return the error for a file that DuckDB refuses, with the first line of its reason."""
    reason = str(error).strip().splitlines()[0].rstrip(".")
    return DataError(
        f"{path} cannot be read: {reason}.", hint="Write the file again from its source."
    )


def plain(value: Any) -> Any:
    """Turn a value that DuckDB hands out into what JSON knows.

    >>> plain(Decimal("2")), plain(Decimal("2.50")), plain(date(2026, 1, 2)), plain(float("nan"))
    (2, 2.5, '2026-01-02', None)
    """
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return None if math.isnan(value) else value
    for kind, convert in _CONVERSIONS:
        if isinstance(value, kind):
            return convert(value)
    return str(value)


def _decimal(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() and _scale(value) >= 0 else float(value)


def _scale(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


_CONVERSIONS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (Decimal, _decimal),
    ((datetime, date, time), lambda value: value.isoformat()),
    ((bytes, bytearray), lambda value: base64.b64encode(value).decode("ascii")),
    ((list, tuple), lambda value: [plain(item) for item in value]),
    (dict, lambda value: {str(key): plain(item) for key, item in value.items()}),
)


def _converter(kind: Any) -> Callable[[Any], Any] | None:
    if kind.id in _PLAIN or kind.id == "timestamp with time zone":
        return None
    # A list of numbers is an array: it is passed as it came, NaN included, and fast.
    if kind.id == "list" and kind.children[0][1].id in _PLAIN | {"float", "double"}:
        return None
    return plain


_SCALARS = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", str: "VARCHAR"}


def _column_type(name: str, values: Sequence[Any]) -> str:
    kinds: set[str] = set()
    for value in values:
        kinds |= _value_types(value)
    kinds.discard("")
    if kinds == {"BIGINT", "DOUBLE"}:
        return "DOUBLE"
    if kinds and {kind.rstrip("[]") for kind in kinds} == {"BIGINT", "DOUBLE"}:
        depths = {kind.count("[") for kind in kinds}
        if len(depths) == 1:
            return "DOUBLE" + "[]" * depths.pop()
    if len(kinds) > 1 or "?" in kinds:
        shown = ", ".join(sorted(kinds - {"?"}) or ["objects"])
        raise DataError(
            f"column {name!r} mixes or holds what Parquet columns cannot ({shown}); accepted is "
            "one type of text, number, boolean or lists of these.",
            hint="Write a .jsonl file instead, or make the column one type.",
        )
    return kinds.pop() if kinds else "VARCHAR"


def _value_types(value: Any) -> set[str]:
    if value is None:
        return set()
    if isinstance(value, (list, tuple)):
        inner: set[str] = set()
        for item in value:
            inner |= _value_types(item)
        return {f"{kind}[]" if kind != "?" else "?" for kind in inner}
    return {_SCALARS.get(type(value), "?")}
