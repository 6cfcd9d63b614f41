"""The log as it is at one moment, in a private database: sealed files and lines not yet sealed."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from seatrial.records import columns, engine, lines, manifest
from seatrial.records.files import Files
from seatrial.records.manifest import Manifest
from seatrial.records.places import SEGMENT_SUFFIX, Places
from seatrial.records.tombstones import Tombstones

REMOVAL_PAUSE_S = 0.01
"""Between two looks whether files are still being removed, which takes about as long."""

VIEWS = """
CREATE VIEW feedback AS
    SELECT id, "row", time, label, rating, source, key_id, reviewer, tags, skipped,
        segment, position
    FROM events WHERE event = 'feedback';
CREATE VIEW latest_feedback AS
    SELECT id, "row",
        last(label ORDER BY time, segment, position) FILTER (label IS NOT NULL) AS label,
        last(rating ORDER BY time, segment, position) FILTER (rating IS NOT NULL) AS rating
    FROM feedback GROUP BY id, "row";
CREATE VIEW log AS
    SELECT r.* EXCLUDE (event, source, reviewer, tags, skipped, count, label, rating),
        coalesce(f.label, r.label) AS label,
        coalesce(f.rating, r.rating) AS rating,
        r.status = 'abstained' AS abstained
    FROM events r LEFT JOIN latest_feedback f ON r.id = f.id AND r."row" = f."row"
    WHERE r.event = 'request';
"""
"""What people query: ``log`` holds one row per request row, with the latest feedback joined."""


class Unsealed(Struct, frozen=True):
    """Segments as they were read, and the manifest as it was *afterwards*.

    In this order nothing is missed: a segment that was gone when its folder was read had been
    committed by then, so the manifest read later lists it. What both hold is left out of the first.
    """

    segments: dict[str, lines.Lines]
    manifest: Manifest
    problems: tuple[str, ...]


def gather(places: Places, *, files: Files) -> Unsealed:
    """Read every segment that is not sealed, then the manifest."""
    found: dict[str, lines.Lines] = {}
    problems: list[str] = []
    names = [*files.names(places.open), *files.names(places.closed)]
    for name in dict.fromkeys(names):
        if not name.endswith(SEGMENT_SUFFIX):
            continue
        # A segment moves from open to closed to nowhere; it is looked for in that order.
        for folder in (places.open, places.closed):
            try:
                found[name] = lines.read(files.read(folder / name))
                break
            except FileNotFoundError:
                continue
            except OSError as error:
                problems.append(f"{name} cannot be read: {error.strerror}")
                break
    listed, rebuilt = manifest.read(places, files=files)
    sealed = listed.segments()
    unsealed = {name: held for name, held in found.items() if name not in sealed}
    problems += [rebuilt] if rebuilt else []
    problems += [
        f"{name}: {held.corrupt} lines fail their checksum and are left out"
        for name, held in unsealed.items()
        if held.corrupt
    ]
    return Unsealed(unsealed, listed, tuple(problems))


class Verified:
    """Remembers which sealed files were read against their digest, while they do not change."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, int], str] = {}

    def damage(self, entry: manifest.Sealed, places: Places) -> str:
        """Say what is wrong with a file; empty where nothing is."""
        try:
            status = (places.sealed / entry.name).stat()
        except OSError:
            return manifest.damage(entry, places)
        key = (entry.name, status.st_size, status.st_mtime_ns)
        if key not in self._known:
            self._known[key] = manifest.damage(entry, places)
        return self._known[key]


@contextmanager
def opened(
    places: Places,
    *,
    files: Files,
    verified: Verified,
    writable: Sequence[Path] = (),
    memory_limit: str = "",
) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Open the log for reading.

    Args:
        places: The log.
        files: The file system.
        verified: Which sealed files are known to be good.
        writable: Files that a query may write.
        memory_limit: As DuckDB takes it; empty: its own.

    Yields:
        A DuckDB connection that can reach nothing but the log, and what is missing from it, in
        sentences.
    """
    with _reading(places, files), engine.connection() as db:
        seen = gather(places, files=files)
        sealed, problems = trusted(seen, places, verified=verified)
        paths = [places.sealed / entry.name for entry in sealed]
        _declare(db)
        if memory_limit:
            db.execute(f"SET memory_limit = {engine.text(memory_limit)}")
        goes = Tombstones(places, files=files).goes() if seen.segments else None
        for name, held in seen.segments.items():
            problems += _load(db, name, held, goes)
        _make_views(db, paths, writable)
        yield db, tuple(problems)


@contextmanager
def opened_sealed(
    places: Places,
    *,
    files: Files,
    verified: Verified,
    wanted: Callable[[manifest.Sealed], bool] = lambda _: True,
) -> Iterator[tuple[Any, list[manifest.Sealed]]]:
    """Open the wanted sealed files that can be trusted, and nothing else.

    Yields:
        A DuckDB connection that can read these files, with the views of :func:`opened` over them,
        and their entries, in the order of the manifest.
    """
    with _reading(places, files), engine.connection() as db:
        listed, _ = manifest.read(places, files=files)
        chosen = structs.replace(listed, files=tuple(filter(wanted, listed.files)))
        sealed, _ = trusted(Unsealed({}, chosen, ()), places, verified=verified)
        _declare(db)
        _make_views(db, [places.sealed / entry.name for entry in sealed])
        yield db, sealed


@contextmanager
def _reading(places: Places, files: Files) -> Iterator[None]:
    """Keep the files that the manifest lists from being removed.

    The lock is held alone only while files are removed that an earlier manifest listed. Where we
    may not write it, nobody who shares our rights removes anything either.
    """
    lock: int | None = None
    try:
        with suppress(OSError):
            lock = files.open_lock(places.readers_lock) if places.root.is_dir() else None
            while lock is not None and not files.share_lock(lock):
                time.sleep(REMOVAL_PAUSE_S)
        yield
    finally:
        if lock is not None:
            with suppress(OSError):
                files.close(lock)


def trusted(
    seen: Unsealed, places: Places, *, verified: Verified
) -> tuple[list[manifest.Sealed], list[str]]:
    """Return the sealed files that hold rows and are what was sealed, and what is missing."""
    problems = list(seen.problems)
    problems += [
        f"{entry.name} is in quarantine ({entry.why})"
        + (f": {entry.rows} rows are missing" if entry.rows else "")
        for entry in seen.manifest.quarantined
    ]
    told = {entry.name for entry in seen.manifest.quarantined}
    sealed = []
    for entry in seen.manifest.files:
        why = verified.damage(entry, places)
        if why:
            problems.append(f"{entry.name} is left out ({why}): {entry.rows} rows are missing")
        elif entry.rows:
            sealed.append(entry)
        if entry.corrupt and entry.segment not in told:
            problems.append(f"{entry.segment}: {entry.corrupt} lines were damaged and left out")
    return sealed, problems


def _declare(db: Any) -> None:
    declared = ", ".join(f"{engine.name(name)} {kind}" for name, kind in columns.COLUMNS.items())
    db.execute(f"CREATE TABLE unsealed ({declared})")


def _make_views(db: Any, sealed: list[Path], writable: Sequence[Path] = ()) -> None:
    db.execute(f"CREATE VIEW events AS {_events(sealed)}")
    db.execute(VIEWS)
    _confine(db, [*sealed, *writable])


def _load(db: Any, name: str, held: lines.Lines, goes: columns.Goes | None) -> list[str]:
    import duckdb

    if not held.bodies:
        return []
    with tempfile.TemporaryDirectory() as scratch:
        flat = Path(scratch) / "rows.ndjson"
        with flat.open("wb") as file:
            file.writelines(columns.flat_rows(held.bodies, segment=name, goes=goes))
        try:
            db.execute(f"INSERT INTO unsealed FROM {columns.source(engine.path(flat))}")
        except duckdb.Error as error:
            return [f"{name} is left out: {str(error).splitlines()[0]}"]
    return []


def _events(sealed: list[Path]) -> str:
    if not sealed:
        return "SELECT * FROM unsealed"
    listed = ", ".join(engine.path(path) for path in sealed)
    return (
        "SELECT * FROM unsealed UNION ALL BY NAME "
        f"SELECT * FROM read_parquet([{listed}], union_by_name=true, hive_partitioning=false)"
    )


def _confine(db: Any, sealed: list[Path]) -> None:
    """Take away everything but these files, for good: SQL of strangers may run here."""
    # DuckDB asks for a name with pattern marks both as it is quoted and as it is found.
    allowed = ", ".join(f"{engine.text(str(path))}, {engine.path(path)}" for path in sealed)
    db.execute(f"SET allowed_paths = [{allowed}]")
    db.execute("SET enable_external_access = false")
    db.execute("SET lock_configuration = true")
