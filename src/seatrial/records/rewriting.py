"""Writes sealed files anew, some of their rows left out, several put together, inputs forgotten.

The new file is written under a temporary name, synced, renamed into ``sealed``; then one manifest
lists it in the place of the old ones and names those as retired (the commit); then they are
removed, once nobody reads them. A run that dies at any moment leaves every row that stays exactly
once, and a row that goes either there or gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Any

import msgspec
from msgspec import Struct

from seatrial.core import digests
from seatrial.records import columns, engine, manifest
from seatrial.records.files import Files
from seatrial.records.maintenance import Maintenance
from seatrial.records.manifest import LINEAGE_KEY, Lineage, Sealed
from seatrial.records.places import SEALED_SUFFIX, Places

GROUP_ROWS = 65_536
"""Rows in a group of a file that was written anew: questions read few large groups faster than
many small ones, and whoever writes anew is a process of its own that may take the memory."""


class Change(Struct, frozen=True):
    """What becomes of the rows of sealed files, as SQL over one row.

    Attributes:
        keep: Which rows stay.
        forget: Which of them lose their input.
    """

    keep: str = "true"
    forget: str = "false"


UNCHANGED = Change()


class Rewriting(Maintenance):
    """A run that writes sealed files anew.

    Args:
        places: The log.
        files: The file system.
        patience_s: How long to wait for another run, and for readers.

    Attributes:
        rows_gone: Rows left out so far.
        inputs_gone: Inputs forgotten so far.
    """

    def __init__(self, places: Places, files: Files, *, patience_s: float = 0.0) -> None:
        super().__init__(places, files, patience_s=patience_s)
        self.rows_gone = 0
        self.inputs_gone = 0

    def sound(self, entries: Sequence[Sealed]) -> list[Sealed]:
        """Return the files that may be written anew; damaged ones are set aside, never copied."""
        good = []
        for entry in self.settled(entries):
            why = manifest.damage(entry, self.places)
            if why:
                self.quarantine(self.places.sealed / entry.name, why, rows=entry.rows)
            else:
                good.append(entry)
        return good

    def settled(self, entries: Sequence[Sealed]) -> list[Sealed]:
        """Return the files none of whose segments still lies beside them."""
        waiting = {*self.files.names(self.places.open), *self.files.names(self.places.closed)}
        return [entry for entry in entries if waiting.isdisjoint(entry.covers)]

    def rewrite(self, entries: Sequence[Sealed], change: Change = UNCHANGED) -> Sealed:
        """Write several files as one.

        Raises:
            OSError: It could not be; the old ones still count.
        """
        generation = self.manifest.generation + 1
        segments = tuple(name for entry in entries for name in entry.covers)
        stem = PurePath(entries[0].segment).stem
        target = self.places.sealed / f"{stem}.{generation}{SEALED_SUFFIX}"
        temporary = target.with_suffix(".tmp")
        before = sum(entry.rows for entry in entries)
        try:
            rows, forgotten = self._copy(entries, change, temporary, Lineage(segments, generation))
            self.files.sync_path(temporary)
        except OSError:
            self._tidy(temporary)
            raise
        entry = Sealed(
            name=target.name,
            segment=segments[0],
            segments=segments,
            generation=generation,
            rows=rows,
            size_bytes=temporary.stat().st_size,
            sha256=digests.of_file(temporary),
            torn=sum(one.torn for one in entries),
            corrupt=sum(one.corrupt for one in entries),
        )
        self.files.rename(temporary, target)
        self.files.sync_path(self.places.sealed)
        self.commit(self.manifest.with_replaced(entries, entry))
        self.rows_gone += before - rows
        self.inputs_gone += forgotten
        return entry

    def drop(self, entries: Sequence[Sealed]) -> None:
        """Let whole files go."""
        self.commit(self.manifest.with_replaced(entries, None))
        self.rows_gone += sum(entry.rows for entry in entries)

    def paths(self, entries: Sequence[Sealed]) -> str:
        """Return the SQL list of their files."""
        return f"[{', '.join(engine.path(self.places.sealed / one.name) for one in entries)}]"

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask DuckDB.

        Raises:
            OSError: It could not answer.
        """
        import duckdb

        with engine.connection() as db:
            try:
                answer: list[tuple[Any, ...]] = db.execute(sql).fetchall()
            except duckdb.Error as error:
                raise OSError(0, str(error).strip().splitlines()[0]) from None
        return answer

    def _copy(
        self, entries: Sequence[Sealed], change: Change, target: Path, lineage: Lineage
    ) -> tuple[int, int]:
        """Write the new file; return how many rows it has and how many inputs were forgotten."""
        listed = self.paths(entries)
        source = f"({declared()} UNION ALL BY NAME FROM read_parquet({listed}, union_by_name=true))"
        told = engine.text(msgspec.json.encode(lineage).decode())
        forget = f"coalesce(({change.forget}), false)"
        kept = f"coalesce(({change.keep}), true)"
        ((wanted, forgotten),) = self.ask(
            f"SELECT count(*) FILTER ({kept}), "
            f"count(*) FILTER ({kept} AND {forget} AND input IS NOT NULL) FROM {source}"
        )
        self.ask(
            f"COPY (SELECT * REPLACE (CASE WHEN {forget} THEN NULL ELSE input END AS input) "
            f"FROM {source} WHERE {kept}) TO {engine.text(str(target))} "
            f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {GROUP_ROWS}, "
            f"KV_METADATA {{{LINEAGE_KEY}: {told}}})"
        )
        ((rows,),) = self.ask(f"SELECT count(*) FROM read_parquet({engine.path(target)})")
        if rows != wanted:
            raise OSError(0, f"{rows} of {wanted} rows came out")
        return rows, forgotten

    def _tidy(self, temporary: Path) -> None:
        with suppress(OSError):  # else the next run finds it
            self.files.remove(temporary)


def declared() -> str:
    """Return the SQL of no rows with every column: older files may lack some."""
    listed = ", ".join(
        f"NULL::{kind} AS {engine.name(name)}" for name, kind in columns.COLUMNS.items()
    )
    return f"SELECT {listed} WHERE false"
