"""Rows of evidence as a table of texts: which columns, which headings, how a cell is said."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from rich.cells import cell_len

from seatrial.evidence.documents import Value
from seatrial.evidence.gap import Metric, Slice
from seatrial.report.characters import visible
from seatrial.report.wording import interval, known, number, percent, points

ROWS_SHOWN = 60
"""Rows of one table that a report shows; the evidence file holds them all."""

CELL_LONGEST = 160
GUTTER = 2
"""Terminal cells between two columns."""

TEXT_CELLS = 36
"""A column of longer texts is folded at this width."""

UNITS = {
    "_per_s": "/s",
    "_ms": ", ms",
    "_mib": ", MiB",
    "_points": ", points",
    "_s": ", s",
}
"""Endings of names that are units, and how a heading says them."""


class Column(Struct, frozen=True, kw_only=True):
    """One column: its heading, and whether it is aligned as numbers are."""

    heading: str
    numeric: bool


class Table(Struct, frozen=True, kw_only=True):
    """Texts in rows under headings; ``left_out`` says how many rows are not shown."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: int = 0


def blocks(table: Table, width: int) -> Iterator[Table]:
    """Break a table that is wider than a terminal into blocks that repeat its first column.

    Args:
        table: The table.
        width: Terminal cells there are.

    Yields:
        Tables of the same rows, together holding every column.
    """
    sizes = [_cells(table, index) + GUTTER for index in range(len(table.columns))]
    block, used = [0], sizes[0] if sizes else 0
    for index in range(1, len(sizes)):
        if len(block) > 1 and used + sizes[index] > width:
            yield _columns(table, block)
            block, used = [0], sizes[0]
        block.append(index)
        used += sizes[index]
    if sizes:
        yield _columns(table, block)


def _cells(table: Table, index: int) -> int:
    texts = [table.columns[index].heading, *(row[index] for row in table.rows)]
    return min(TEXT_CELLS, max(cell_len(text) for text in texts))


def _columns(table: Table, kept: Sequence[int]) -> Table:
    return Table(
        columns=tuple(table.columns[index] for index in kept),
        rows=tuple(tuple(row[index] for index in kept) for row in table.rows),
        left_out=table.left_out,
    )


def table_of(rows: Sequence[Mapping[str, Any]], *, shown: int = ROWS_SHOWN) -> Table:
    """Lay out rows of evidence; a column that holds nothing in any row is left out.

    >>> table_of([{"batch": 1, "p50_ms": 0.7634, "why": None}]).rows
    (('1', '0.763'),)
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    kept = [name for name in names if any(row.get(name) not in (None, "") for row in rows)]
    return Table(
        columns=tuple(
            Column(heading=heading(name), numeric=_numeric(row.get(name) for row in rows))
            for name in kept
        ),
        rows=tuple(tuple(cell(row.get(name)) for name in kept) for row in rows[:shown]),
        left_out=max(0, len(rows) - shown),
    )


def values_table(values: Sequence[Value]) -> Table:
    """Lay out figures: what was not measured says so, and why."""
    with_unit = ("ratio", "")
    rows = tuple(
        (
            heading(value.name).partition(",")[0] if value.unit else heading(value.name),
            number(value.value, "" if value.unit in with_unit else value.unit),
            interval_of(value.low, value.high),
            f"{value.n:,}" if value.n is not None else "",
            "; ".join(part for part in (value.method, value.note) if part),
        )
        for value in values
    )
    return _texts(rows, ("Figure", "Value", "Interval", "n", "Note"), numeric=(1, 2, 3))


def slices_table(slices: Sequence[Slice], *, shown: int = ROWS_SHOWN) -> Table:
    """Lay out slices, those of one column together, the largest first."""
    kept = sorted(sorted(slices, key=lambda row: -row.share)[:shown], key=lambda row: row.by)
    rows = tuple(
        (
            visible(row.by, longest=CELL_LONGEST),
            visible(row.value, longest=CELL_LONGEST),
            percent(row.share),
            percent(row.accuracy),
            interval(row.low, row.high, scale=100),
            f"{row.n:,}",
        )
        for row in kept
    )
    headings = ("By", "Value", "Share", "Accuracy", "Interval", "n")
    return _texts(rows, headings, numeric=(2, 3, 4, 5), left_out=len(slices) - len(kept))


def variants_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Lay out variants, the losers among them, with what speaks for or against each."""
    texts = tuple(
        (
            cell(row.get("name")),
            points(row.get("change_points")) if known(row.get("change_points")) else "",
            interval(row.get("low"), row.get("high")),
            cell(row.get("speedup")),
            cell(row.get("p50_ms")),
            cell(row.get("items_per_s")),
            cell(row.get("size_mib")),
            cell(row.get("changed_answers")),
            _verdict(row),
        )
        for row in rows
    )
    headings = (
        "Variant",
        "Accuracy, points",
        "Interval",
        "Speed, times",
        "p50, ms",
        "items/s",
        "Size, MiB",
        "Changed",
        "Result",
    )
    return _texts(texts, headings, numeric=range(1, 8))


def metrics_table(metrics: Sequence[Metric]) -> Table:
    """Lay out the further metrics."""
    rows = tuple(
        (row.name, row.on, number(row.value), interval_of(row.low, row.high), f"{row.n:,}")
        for row in metrics
    )
    return _texts(rows, ("Metric", "On", "Value", "Interval", "n"), numeric=(2, 3, 4))


def heading(name: str) -> str:
    """Say the name of a column or a figure.

    >>> heading("p50_ms"), heading("items_per_s"), heading("changed_answers")
    ('p50, ms', 'items/s', 'changed answers')
    """
    name = name.replace("p999", "p99.9")
    for ending, unit in UNITS.items():
        if name.endswith(ending):
            return f"{name.removesuffix(ending).replace('_', ' ')}{unit}"
    return name.replace("_", " ")


def cell(value: Any) -> str:
    """Say one cell; nothing is said where nothing is known."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return number(value)
    if isinstance(value, (dict, list, tuple)):
        return visible(json.dumps(value, ensure_ascii=False, default=str), longest=CELL_LONGEST)
    return visible(str(value), longest=CELL_LONGEST)


def interval_of(low: float | None, high: float | None) -> str:
    """Say an interval of a figure of any size.

    >>> interval_of(39800.0, 42400.0), interval_of(0.0123, 0.5), interval_of(None, 1.0)
    ('39,800 to 42,400', '0.0123 to 0.5', '')
    """
    return f"{number(low)} to {number(high)}" if known(low) and known(high) else ""


def _verdict(row: Mapping[str, Any]) -> str:
    """Say what was found about a variant, as far as its own figures decide it."""
    state, why = str(row.get("state", "")), cell(row.get("why"))
    if state != "measured":
        said = state.replace("_", " ")
        return f"{said}: {why}" if why else said
    if row.get("name") == "original":
        return why
    speed, high, low = row.get("speedup"), row.get("high"), row.get("low")
    parts = []
    if known(speed):
        parts.append("faster" if speed > 1 else "not faster")
    if known(high) and high < 0:
        parts.append("less accurate")
    elif known(low) and low < 0:
        parts.append("perhaps less accurate")
    return ", ".join([*parts, why] if why else parts)


def _numeric(values: Iterable[Any]) -> bool:
    given = [value for value in values if value is not None]
    return bool(given) and all(
        isinstance(value, (int, float)) and not isinstance(value, bool) for value in given
    )


def _texts(
    rows: tuple[tuple[str, ...], ...],
    headings: Sequence[str],
    *,
    numeric: Sequence[int],
    left_out: int = 0,
) -> Table:
    """Build a table of ready texts; columns that are empty throughout are left out."""
    kept = [index for index in range(len(headings)) if any(row[index] for row in rows)]
    return Table(
        columns=tuple(Column(heading=headings[index], numeric=index in numeric) for index in kept),
        rows=tuple(tuple(row[index] for index in kept) for row in rows),
        left_out=left_out,
    )
