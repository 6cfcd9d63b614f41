"""CSV: the delimiter found from the header, the types from every cell of a column.

Rules, so that nothing changes silently:

- A column is *whole numbers* where every cell is one and none has a leading zero or sign ``+``
  (``007`` and ``+49170`` are texts) or more than 64 bits; *numbers* where every cell reads as a
  JSON-like number; *booleans* where every cell is ``true`` or ``false`` in any case; else *text*.
  Dates stay texts.
- In a column of numbers or booleans an empty cell, ``NA``, ``N/A``, ``NaN``, ``null`` and
  ``None`` are missing values. In a column of texts they are texts, and only the unquoted empty
  cell is missing (``""`` is the empty text).
- The delimiter is the one of ``,`` ``;`` tab ``|`` that splits the header into most columns.
  The first line names the columns. UTF-8, with or without a byte order mark.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seatrial.core.errors import DataError
from seatrial.records import engine
from seatrial.records.parquet import fetch

DELIMITERS = (",", ";", "\t", "|")
LONGEST_LINE_BYTES = 16 * 2**20
"""Longest row accepted: twice the default request body."""

MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None")
_MARKS = f"({', '.join(engine.text(mark) for mark in MISSING)})"
_WHOLE = r"-?(0|[1-9][0-9]*)"
_NUMBER = r"-?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
_BOOLEAN = r"true|false"

# How DuckDB words what is wrong, and where.
_REASON = re.compile(r"^(Expected Number|Value with|Maximum line).*$", re.MULTILINE)
_FIRST_LINE = re.compile(r"^.*$", re.MULTILINE)
_LINE = re.compile(r"on Line: (\d+)")


class DelimitedFile:
    """One CSV or TSV file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._delimiter, self._names = self._header()

    def names(self) -> list[str]:
        """Return the column names, without surrounding spaces."""
        return list(self._names)

    def read(self, wanted: Sequence[str], *, as_text: Sequence[str] = ()) -> dict[str, list[Any]]:
        """Return the wanted columns, each of the type that all of its cells have."""
        import duckdb

        places = {name: f"c{self._names.index(name)}" for name in wanted}
        # A file of one column has no other way to hold a blank line than as a row.
        rows = self._source() + (" WHERE c0 IS NOT NULL" if len(self._names) == 1 else "")
        with engine.connection() as db:
            try:
                kinds = {
                    name: "text" if name in as_text else _kind(db, column, rows)
                    for name, column in places.items()
                }
                selected = ", ".join(_cast(places[name], kinds[name]) for name in wanted)
                return fetch(db.execute(f"SELECT {selected} FROM {rows}"), wanted)
            except duckdb.Error as error:
                raise self._unreadable(str(error)) from None

    def _source(self) -> str:
        declared = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(len(self._names)))
        return (
            f"read_csv({engine.path(self.path)}, auto_detect=false, header=true, "
            f"delim={engine.text(self._delimiter)}, quote='\"', escape='\"', "
            f"columns={{{declared}}}, allow_quoted_nulls=false, hive_partitioning=false, "
            f"max_line_size={LONGEST_LINE_BYTES})"
        )

    def _header(self) -> tuple[str, list[str]]:
        candidates = ("\t",) if self.path.suffix.lower() == ".tsv" else DELIMITERS
        found = [(delimiter, self._first_row(delimiter)) for delimiter in candidates]
        delimiter, names = max(found, key=lambda pair: len(pair[1]))
        if not any(names):
            raise DataError(
                f"{self.path} has no header; accepted is a first line that names the columns.",
                hint='Begin the file with a line such as: "text,label"',
            )
        return delimiter, [name.strip() for name in names]

    def _first_row(self, delimiter: str) -> list[str]:
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                return next(csv.reader(file, delimiter=delimiter), [])
        except (UnicodeDecodeError, csv.Error) as error:
            raise self._unreadable(str(error)) from None

    def _unreadable(self, reason: str) -> DataError:
        if "utf-8" in reason.lower():
            what, hint = "it is not UTF-8", "Save it as UTF-8 (in a spreadsheet: CSV UTF-8)."
        else:
            told = _REASON.search(reason) or _FIRST_LINE.search(reason)
            what = told[0].strip().rstrip(".") if told else "unknown reason"
            hint = "Quote texts that hold the delimiter, quotes or line breaks."
        line = _LINE.search(reason)
        where = f", line {line[1]}," if line else ""
        return DataError(f"{self.path}{where} cannot be read as CSV: {what}.", hint=hint)


def _kind(db: Any, column: str, rows: str) -> str:
    """Decide the type of one column from every cell of it."""
    cell = f"trim({column})"
    missing = f"({cell} IN {_MARKS})"
    fits = f"TRY_CAST({cell} AS BIGINT) IS NOT NULL"
    whole = f"regexp_full_match({cell}, '{_WHOLE}')"
    number = f"(regexp_full_match({cell}, '{_NUMBER}') AND isfinite(TRY_CAST({cell} AS DOUBLE)))"
    counts = db.execute(
        f"SELECT count(*), count(*) FILTER ({whole} AND {fits}), "
        f"count(*) FILTER ({number} AND ({fits} OR NOT {whole})), "
        f"count(*) FILTER (regexp_full_match({cell}, '{_BOOLEAN}', 'i')) "
        f"FROM {rows}{' AND' if ' WHERE ' in rows else ' WHERE'} NOT {missing}"
    ).fetchone()
    total, wholes, numbers, booleans = counts
    if not total:
        return "text"
    kinds = {"whole": wholes, "number": numbers, "boolean": booleans}
    return next((kind for kind, count in kinds.items() if count == total), "text")


def _cast(column: str, kind: str) -> str:
    types = {"whole": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN"}
    if kind not in types:
        return column
    return (
        f"CASE WHEN trim({column}) NOT IN {_MARKS} THEN CAST(trim({column}) AS {types[kind]}) END"
    )
