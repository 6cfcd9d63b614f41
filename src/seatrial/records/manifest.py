"""The list of sealed files: replacing it whole is the commit that makes a segment sealed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath
from typing import Any

import msgspec
from msgspec import Struct, structs

from seatrial.core import digests
from seatrial.records import engine
from seatrial.records.files import Files
from seatrial.records.places import SEALED_SUFFIX, SEGMENT_SUFFIX, Places

SCHEMA = 1


class Sealed(Struct, frozen=True, kw_only=True):
    """One Parquet file and the segment that it holds.

    Attributes:
        segment: The first of them, where it was put together from several files.
        segments: All of them then.
        generation: Of the manifest that it was written for anew; 0: as it was sealed. Of two files
            that hold the same segments the one of the later generation counts.
        torn: 1 where the segment ended inside a line, which was cut off.
        corrupt: Lines left out because their checksum was wrong.
    """

    name: str
    segment: str
    rows: int
    size_bytes: int
    sha256: str
    torn: int = 0
    corrupt: int = 0
    segments: tuple[str, ...] = ()
    generation: int = 0

    @property
    def covers(self) -> tuple[str, ...]:
        """The segments whose rows it holds."""
        return self.segments or (self.segment,)


class Lineage(Struct, frozen=True):
    """What a file that was written anew says of itself, among the metadata of its Parquet."""

    segments: tuple[str, ...]
    generation: int


LINEAGE_KEY = "seatrial"


class Quarantined(Struct, frozen=True, kw_only=True):
    """One file that could not be trusted, why, and how many rows went with it where known."""

    name: str
    why: str
    rows: int | None = None


class Manifest(Struct, frozen=True, kw_only=True):
    """What is sealed, what was set aside, and the names of files that count no more.

    ``retired`` files are removed as soon as nobody reads them.
    """

    files: tuple[Sealed, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    retired: tuple[str, ...] = ()
    generation: int = 0
    schema: int = SCHEMA

    def segments(self) -> dict[str, Sealed]:
        """Return the sealed files by the names of their segments."""
        return {name: entry for entry in self.files for name in entry.covers}

    def with_found(self, entry: Sealed | Quarantined) -> Manifest:
        """Return the next manifest, with one file more."""
        if isinstance(entry, Quarantined):
            return self.with_quarantined(entry)
        return structs.replace(self, files=(*self.files, entry), generation=self.generation + 1)

    def with_replaced(self, old: Iterable[Sealed], new: Sealed | None) -> Manifest:
        """Return the next manifest, in which one file stands for several, or none does."""
        names = {entry.name for entry in old}
        places = [place for place, known in enumerate(self.files) if known.name in names]
        files = [known for known in self.files if known.name not in names]
        if new is not None:
            files.insert(places[0] if places else len(files), new)
        return structs.replace(
            self,
            files=tuple(files),
            retired=(*self.retired, *sorted(names)),
            generation=self.generation + 1,
        )

    def without(self, *, retired: Iterable[str] = (), quarantined: Iterable[str] = ()) -> Manifest:
        """Return the next manifest, without files that are gone."""
        gone, aside = set(retired), set(quarantined)
        return structs.replace(
            self,
            retired=tuple(name for name in self.retired if name not in gone),
            quarantined=tuple(entry for entry in self.quarantined if entry.name not in aside),
            generation=self.generation + 1,
        )

    def with_quarantined(self, entry: Quarantined) -> Manifest:
        """Return the next manifest, in which that file counts no more."""
        others = tuple(known for known in self.quarantined if known.name != entry.name)
        return structs.replace(
            self,
            files=tuple(known for known in self.files if known.name != entry.name),
            quarantined=(*others, entry),
            generation=self.generation + 1,
        )


class _Envelope(Struct, frozen=True):
    sha256: str
    manifest: msgspec.Raw


def read(places: Places, *, files: Files) -> tuple[Manifest, str]:
    """Return the manifest and, where it had to be rebuilt from the files, why.

    A sealed file counts without a manifest if its segment is gone: a segment is only removed after
    the commit. So the rebuilt list has every row exactly once too.
    """
    try:
        data = files.read(places.manifest)
    except FileNotFoundError:
        names = files.names(places.sealed)
        return (rebuild(places, files=files), "") if names else (Manifest(), "")
    try:
        envelope = msgspec.json.decode(data, type=_Envelope)
        body = bytes(envelope.manifest)
        if digests.of_bytes(body) == envelope.sha256:
            return msgspec.json.decode(body, type=Manifest), ""
        why = "its checksum is wrong"
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        why = str(error)
    return rebuild(places, files=files), f"{places.manifest.name} was damaged ({why}) and rebuilt"


def write(manifest: Manifest, places: Places, *, files: Files) -> None:
    """Replace the manifest: the commit.

    Raises:
        OSError: It could not be written; the old one still holds.
    """
    body = digests.canonical_json(manifest)
    data = msgspec.json.encode(_Envelope(digests.of_bytes(body), msgspec.Raw(body)))
    temporary = places.manifest.with_suffix(".tmp")
    files.put(temporary, data)
    files.sync_path(temporary)
    files.rename(temporary, places.manifest)
    files.sync_path(places.root)


def rebuild(places: Places, *, files: Files) -> Manifest:
    """List the sealed files that count, as they lie in their folder.

    Where a run died between writing a file anew and removing the ones that it replaces, the later
    one counts.
    """
    waiting = {*files.names(places.open), *files.names(places.closed)}
    found: list[Sealed | Quarantined] = []
    for name in files.names(places.sealed):
        segment = PurePath(name).stem + SEGMENT_SUFFIX
        if name.endswith(SEALED_SUFFIX) and segment not in waiting:
            found.append(inspect(places, name, segment))
    manifest = Manifest()
    covered: set[str] = set()
    retired = []
    for entry in sorted(found, key=lambda one: -getattr(one, "generation", 0)):
        if isinstance(entry, Sealed) and covered.issuperset(entry.covers):
            retired.append(entry.name)
            continue
        covered.update(entry.covers if isinstance(entry, Sealed) else ())
        manifest = manifest.with_found(entry)
    for name in files.names(places.quarantine):
        if name not in {entry.name for entry in manifest.quarantined}:
            manifest = manifest.with_quarantined(Quarantined(name=name, why="found there"))
    latest = max((entry.generation for entry in manifest.files), default=0)
    return structs.replace(
        manifest,
        files=tuple(sorted(manifest.files, key=lambda one: one.segment)),
        retired=tuple(retired),
        generation=max(manifest.generation, latest) + 1,
    )


def damage(entry: Sealed, places: Places) -> str:
    """Say what is wrong with a sealed file, from its size and digest; empty where nothing is."""
    path = places.sealed / entry.name
    try:
        if path.stat().st_size != entry.size_bytes:
            return f"it has {path.stat().st_size} bytes instead of {entry.size_bytes}"
        if digests.of_file(path) != entry.sha256:
            return "its bytes are not those that were sealed"
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    return ""


def inspect(places: Places, name: str, segment: str) -> Sealed | Quarantined:
    """Read a sealed file that no manifest describes, to the last value."""
    import duckdb

    path = places.sealed / name
    try:
        with engine.connection() as db:
            # Reads every column, so that damage inside the file shows.
            rows: Any = db.execute(
                f"SELECT count(*), bit_xor(hash(COLUMNS(*))) FROM read_parquet({engine.path(path)})"
            ).fetchone()
            kept = db.execute(
                f"SELECT value FROM parquet_kv_metadata({engine.path(path)}) WHERE key = ?",
                [LINEAGE_KEY.encode()],
            ).fetchone()
        lineage = Lineage((), 0) if kept is None else msgspec.json.decode(kept[0], type=Lineage)
        return Sealed(
            name=name,
            segment=lineage.segments[0] if lineage.segments else segment,
            segments=lineage.segments,
            generation=lineage.generation,
            rows=int(rows[0]),
            size_bytes=path.stat().st_size,
            sha256=digests.of_file(path),
        )
    except (duckdb.Error, OSError) as error:
        return Quarantined(name=name, why=str(error).strip().splitlines()[0])
