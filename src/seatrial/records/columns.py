"""The columns of a sealed file: those of the record, and where each row came from.

Values that may be any JSON (input, output, scores, descriptors, label) are kept as JSON text, so
that they come back exactly as they were written, whatever their size or shape. Times are UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import msgspec

from seatrial.records import engine
from seatrial.records.descriptions import Descriptions
from seatrial.records.record import table

DESCRIBED_ROWS = 1_000
"""Rows described in one call."""

Goes = Callable[[dict[str, Any]], bool]
"""Says of a flat row that it may not be kept."""

Redact = Callable[[list[dict[str, Any]]], None]
"""Changes flat rows in place."""

_TYPES = {"text": "VARCHAR", "whole number": "BIGINT", "number": "DOUBLE", "time": "TIMESTAMP"}
_JSON_TYPES = ("any JSON", "object")


def _kind(type_name: str) -> str:
    return type_name.removesuffix(", or unset")


JSON_COLUMNS = (*(row.name for row in table() if _kind(row.type) in _JSON_TYPES), "tags")

COLUMNS: dict[str, str] = {
    "event": "VARCHAR",
    **{row.name: _TYPES.get(_kind(row.type), "VARCHAR") for row in table()},
    "source": "VARCHAR",
    "reviewer": "VARCHAR",
    "tags": "VARCHAR",
    "skipped": "BOOLEAN",
    "count": "BIGINT",
    "segment": "VARCHAR",
    "position": "BIGINT",
}
"""Name -> DuckDB type. ``segment`` and ``position`` say which line of which segment it was."""

RECORD_COLUMNS = tuple(row.name for row in table())


OBJECT_MAX_BYTES = 1 << 28
"""Longest line that is read where nobody knows how long the longest is."""


def source(lines_file: str, *, object_max_bytes: int = OBJECT_MAX_BYTES) -> str:
    """Return the SQL that reads flat rows.

    Args:
        lines_file: Quoted name of a file, or an SQL list of them.
        object_max_bytes: Longest line; DuckDB sets aside twice as much memory.
    """
    declared = ", ".join(f"{engine.text(name)}: '{kind}'" for name, kind in COLUMNS.items())
    return (
        f"read_json({lines_file}, format='newline_delimited', columns={{{declared}}}, "
        f"maximum_object_size={object_max_bytes})"
    )


def flat_rows(
    bodies: Iterable[bytes],
    *,
    segment: str,
    descriptions: Descriptions | None = None,
    share: float = 1.0,
    goes: Goes | None = None,
    redact: Redact | None = None,
) -> Iterator[bytes]:
    """Turn the events of one segment into the rows of its sealed file.

    Args:
        bodies: JSON texts of events, in order.
        segment: Name of the segment.
        descriptions: Adds descriptors to requests whose input was kept.
        share: Part of them that get any.
        goes: Rows that are left out.
        redact: Changes what may not be kept, after inputs were described.

    Yields:
        JSON lines with a line feed each.
    """
    rows = (row for row in rows_of(bodies, segment=segment) if goes is None or not goes(row))
    while chunk := list(islice(rows, DESCRIBED_ROWS)):
        if descriptions is not None:
            descriptions.to(chunk, share=share)
        if redact is not None:
            redact(chunk)
        for row in chunk:
            yield _ENCODER.encode(row) + b"\n"


def rows_of(bodies: Iterable[bytes], *, segment: str = "") -> Iterator[dict[str, Any]]:
    """Turn events into flat rows: any JSON as text, all else as raw JSON."""
    return (_row(body, segment, place) for place, body in enumerate(bodies))


_DECODER = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENCODER = msgspec.json.Encoder()


def _row(body: bytes, segment: str, place: int) -> dict[str, Any]:
    row: dict[str, Any] = dict(_DECODER.decode(body))
    for name in JSON_COLUMNS:
        raw = row.get(name)
        if raw is not None:
            text = bytes(raw).decode()
            row[name] = None if text == "null" else text
    row.update(segment=segment, position=place)
    return row
