"""Turns the flat rows of one segment into a Parquet file, in little memory.

In two steps, so that the second, which is DuckDB's, can be a process of its own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from seatrial.records import columns, engine

Convert = Callable[[Iterable[bytes], Path], int]
"""Flat rows and a target -> number of rows written; ``OSError`` where it could not."""


PART_BYTES = 2 * 2**20
GROUP_ROWS = 4_096
"""DuckDB holds what it reads of one file, and one group of what it writes. With one file for a
whole segment and groups as large as it likes it takes 130 MB more, for files a third smaller."""


class Parts(Struct, frozen=True):
    """Flat rows on the disk.

    Attributes:
        files: In the order of the rows.
        longest_bytes: Of the longest row.
    """

    files: list[Path]
    longest_bytes: int


def to_parquet(rows: Iterable[bytes], target: Path) -> int:
    """Write flat rows to a Parquet file; return how many.

    Raises:
        OSError: DuckDB could not; no partial file is left under that name.
    """
    with scratch_for(target) as scratch:
        return from_parts(divide(rows, scratch), target)


@contextmanager
def scratch_for(target: Path) -> Iterator[Path]:
    """Make a folder beside the target, where a later run finds what one that died left."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="flat-") as scratch:
        yield Path(scratch)


def divide(rows: Iterable[bytes], folder: Path) -> Parts:
    """Write rows to files in a folder, of at most ``PART_BYTES`` or one row each.

    Raises:
        OSError: The disk is full, or gone.
    """
    files: list[Path] = []
    longest = 0
    remaining = iter(rows)
    row = next(remaining, b"")
    while row or not files:
        files.append(folder / f"{len(files):06d}.ndjson")
        size = 0
        with files[-1].open("wb") as file:
            while row and (not size or size + len(row) <= PART_BYTES):
                file.write(row)
                size += len(row)
                longest = max(longest, len(row))
                row = next(remaining, b"")
    return Parts(files, longest)


def from_parts(parts: Parts, target: Path) -> int:
    """Write the rows in files to one Parquet file; return how many.

    Raises:
        OSError: DuckDB could not; no partial file is left under that name.
    """
    import duckdb

    files = f"[{', '.join(engine.path(part) for part in parts.files)}]"
    longest = max(parts.longest_bytes + 1, PART_BYTES)
    with engine.connection() as db:
        try:
            db.execute("SET threads = 1")
            db.execute(
                f"COPY (SELECT * FROM {columns.source(files, object_max_bytes=longest)}) "
                f"TO {engine.text(str(target))} "
                f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {GROUP_ROWS})"
            )
            counted: Any = db.execute(
                f"SELECT count(*) FROM read_parquet({engine.path(target)})"
            ).fetchone()
        except duckdb.Error as error:
            raise OSError(str(error).strip().splitlines()[0]) from None
    return int(counted[0])
