"""The log as one file for other tools: columns as in docs/records.md, labels joined."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from seatrial.core.errors import DataError
from seatrial.records import engine
from seatrial.records.columns import JSON_COLUMNS, RECORD_COLUMNS
from seatrial.records.files import Files
from seatrial.records.places import Places
from seatrial.records.query import condition
from seatrial.records.snapshot import Verified, opened

FORMATS = {".parquet": "parquet, COMPRESSION zstd", ".jsonl": "json", ".ndjson": "json"}
"""File name ending -> how DuckDB writes it."""


class Exported(Struct, frozen=True, kw_only=True):
    """What was written.

    Attributes:
        problems: What of the log could not be read and is missing there, in sentences.
    """

    rows: int
    file: str
    problems: tuple[str, ...] = ()


def export(
    folder: Path,
    file: Path,
    *,
    origins: Sequence[str] = ("user",),
    release: str | None = None,
    limit: int | None = None,
) -> Exported:
    """Write records to a file, oldest first, whole or not at all.

    Args:
        folder: The project folder.
        file: Where to; its ending says how.
        origins: Only these; empty: all.
        release: Only this one.
        limit: Only so many of the newest.

    Raises:
        DataError: Another ending, or the file cannot be written.
    """
    kind = FORMATS.get(file.suffix.lower())
    if kind is None:
        raise DataError(
            f"{file.name} ends in {file.suffix or 'nothing'}; written are {', '.join(FORMATS)}.",
            hint="Parquet keeps types and is small; JSON lines are read by anything.",
        )
    temporary = file.with_name(f".{file.name}.tmp")
    newest = "" if limit is None else f' DESC, id DESC, "row" DESC LIMIT {int(limit)}'
    source = f"(FROM log WHERE {condition(origins, release)} ORDER BY time{newest})"
    sql = f'SELECT {_selected(kind)} FROM {source} ORDER BY time, id, "row"'
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with opened(
            Places.of(folder), files=Files(), verified=Verified(), writable=(temporary,)
        ) as (db, problems):
            ((rows,),) = db.execute(
                f"COPY ({sql}) TO {engine.text(str(temporary))} (FORMAT {kind})"
            ).fetchall()
        temporary.replace(file)
    except OSError as error:
        raise DataError(
            f"{file} cannot be written: {error.strerror or error}.", hint="Choose another place."
        ) from None
    finally:
        temporary.unlink(missing_ok=True)
    return Exported(rows=rows, file=str(file), problems=problems)


def _selected(kind: str) -> str:
    """Return the columns; JSON lines get JSON values as what they are, Parquet as text."""
    return ", ".join(
        f"{engine.name(name)}::JSON AS {engine.name(name)}"
        if kind == "json" and name in JSON_COLUMNS
        else engine.name(name)
        for name in RECORD_COLUMNS
    )
