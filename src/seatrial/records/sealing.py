"""Turns closed segments into Parquet files, every row exactly once whatever moment one dies at.

For each segment: rows are written to a temporary Parquet file, which is renamed into ``sealed``;
then the manifest that lists it replaces the old one (the commit); then the segment is removed.
Before the commit the segment counts, after it the Parquet file does, never both. A run that died
is finished by the next.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path, PurePath

from msgspec import Struct

from seatrial.core import digests
from seatrial.records import columns, lines, manifest
from seatrial.records.conversion import Convert, to_parquet
from seatrial.records.descriptions import Descriptions
from seatrial.records.files import Files
from seatrial.records.manifest import Manifest, Quarantined, Sealed
from seatrial.records.places import SEALED_SUFFIX, SEGMENT_SUFFIX, Places
from seatrial.records.segment import NEW_SUFFIX

BEHIND_BYTES = 64 * 2**20
"""So much that waits to be sealed halves the share of rows that get descriptors: rows that come
faster than they can be described are sealed all the same, and what waits stays bounded."""


class Sealing(Struct, frozen=True, kw_only=True):
    """What one run did.

    Attributes:
        segments: Segments sealed.
        rows: Rows in them.
        torn: Half lines cut off at the end of segments whose writer died.
        corrupt: Lines left out for a wrong checksum; their segment is kept in quarantine.
        quarantined: Names of files set aside in this run.
        problems: What went wrong, in sentences; what they name is tried again next time.
        undescribed: Rows sealed without descriptors because too much waited.
        waiting_bytes: What was closed and not sealed when the run ended.
        busy: Another keeper was at work, and nothing was done.
    """

    segments: int = 0
    rows: int = 0
    torn: int = 0
    corrupt: int = 0
    quarantined: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    undescribed: int = 0
    waiting_bytes: int = 0
    busy: bool = False


def seal(
    folder: Path,
    *,
    descriptions: Descriptions | None = None,
    files: Files | None = None,
    convert: Convert | None = None,
) -> Sealing:
    """Seal whatever is closed, or was left open by a writer that died.

    Args:
        folder: The project folder.
        descriptions: Adds descriptors to rows; rows are sealed without where it raises.
        files: The file system.
        convert: Writes the Parquet file; default :func:`to_parquet`.
    """
    places = Places.of(folder)
    if not places.root.is_dir():
        return Sealing()
    run = _Run(places, files or Files(), convert or to_parquet, descriptions)
    return run.locked(run.seal)


def check(folder: Path, *, files: Files | None = None) -> Sealing:
    """Read every sealed file against its digest and set the damaged ones aside."""
    places = Places.of(folder)
    if not places.root.is_dir():
        return Sealing()
    run = _Run(places, files or Files(), to_parquet, None)
    return run.locked(run.check)


class _Run:
    """One run of the keeper over one log."""

    def __init__(
        self, places: Places, files: Files, convert: Convert, descriptions: Descriptions | None
    ) -> None:
        self.places = places
        self.files = files
        self.convert = convert
        self.descriptions = descriptions
        self.undescribed = 0
        self.problems: list[str] = []
        self.quarantined: list[str] = []
        self.sealed: list[Sealed] = []
        self.manifest = Manifest()

    def locked(self, work: Callable[[], None]) -> Sealing:
        """Do the work while no other keeper can."""
        try:
            lock = self.files.open_lock(self.places.keeper_lock)
        except OSError as error:
            return Sealing(problems=(f"the log cannot be locked: {error.strerror}",))
        try:
            if not self.files.lock(lock):
                return Sealing(busy=True)
            self.manifest, rebuilt = manifest.read(self.places, files=self.files)
            if rebuilt:
                self.problems.append(rebuilt)
                self._commit(self.manifest)
            work()
        except OSError as error:
            self.problems.append(f"sealing stopped: {error.strerror or error}")
        finally:
            with suppress(OSError):
                self.files.close(lock)
        return Sealing(
            segments=len(self.sealed),
            rows=sum(entry.rows for entry in self.sealed),
            torn=sum(entry.torn for entry in self.sealed),
            corrupt=sum(entry.corrupt for entry in self.sealed),
            quarantined=tuple(self.quarantined),
            problems=tuple(self.problems),
            undescribed=self.undescribed,
            waiting_bytes=self._waiting_bytes(),
        )

    def seal(self) -> None:
        """Seal every segment that nobody writes any more."""
        self._collect_abandoned()
        self._finish_earlier_runs()
        for name in self.files.names(self.places.closed):
            if not name.endswith(SEGMENT_SUFFIX):
                continue
            try:
                known = self.manifest.segments().get(name) or self._seal_one(name)
                if known is not None:
                    self._retire(name, known)
            except OSError as error:
                self.problems.append(f"{name} was not sealed: {error.strerror or error}")

    def check(self) -> None:
        """Set aside every sealed file that is not what was sealed."""
        for entry in self.manifest.files:
            why = manifest.damage(entry, self.places)
            if why:
                self._quarantine(self.places.sealed / entry.name, why, rows=entry.rows)

    def _collect_abandoned(self) -> None:
        """Close the segments whose writer is dead: nobody holds their lock."""
        for name in self.files.names(self.places.open):
            path = self.places.open / name
            try:
                descriptor = self.files.open_existing(path)
            except FileNotFoundError:
                continue  # its writer closed it in this moment
            try:
                if not self.files.lock(descriptor):
                    continue
                if name.endswith(NEW_SUFFIX) or not path.stat().st_size:
                    self.files.remove(path)
                elif name.endswith(SEGMENT_SUFFIX):
                    self.files.make_folder(self.places.closed)
                    self.files.rename(path, self.places.closed / name)
            except FileNotFoundError:
                continue
            finally:
                with suppress(OSError):
                    self.files.close(descriptor)

    def _finish_earlier_runs(self) -> None:
        """Bring folders and manifest together where a run died between the two."""
        listed = {entry.name for entry in self.manifest.files}
        waiting = set(self.files.names(self.places.closed))
        for name in self.files.names(self.places.sealed):
            segment = PurePath(name).stem + SEGMENT_SUFFIX
            if name in listed:
                continue
            if not name.endswith(SEALED_SUFFIX) or segment in waiting:
                self._discard(self.places.sealed / name)
            else:
                # Somebody put an older manifest back; with the segment gone this is the only copy.
                self._commit(self.manifest.with_found(manifest.inspect(self.places, name, segment)))
        aside = {entry.name for entry in self.manifest.quarantined}
        for name in self.files.names(self.places.quarantine):
            if name not in aside:
                found = Quarantined(name=name, why="set aside by an earlier run")
                self._commit(self.manifest.with_quarantined(found))

    def _discard(self, path: Path) -> None:
        """Remove what a run that died left half done: a file, or a folder of flat rows."""
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            self.files.remove(path)

    def _seal_one(self, name: str) -> Sealed | None:
        held = lines.Stream(lambda: self.files.open_stream(self.places.closed / name))
        self.files.make_folder(self.places.sealed)
        target = self.places.sealed / (PurePath(name).stem + SEALED_SUFFIX)
        temporary = target.with_suffix(".tmp")
        rows = self._convert(held, name, temporary)
        if rows != held.rows:
            self.problems.append(f"{name}: {rows} of {held.rows} rows came out; kept as it is")
            return None
        self.files.sync_path(temporary)
        entry = Sealed(
            name=target.name,
            segment=name,
            rows=rows,
            size_bytes=temporary.stat().st_size,
            sha256=digests.of_file(temporary),
            torn=held.torn,
            corrupt=held.corrupt,
        )
        self.files.rename(temporary, target)
        self.files.sync_path(self.places.sealed)
        self._commit(self.manifest.with_found(entry))
        self.sealed.append(entry)
        return entry

    def _convert(self, bodies: Iterable[bytes], name: str, temporary: Path) -> int:
        if self.descriptions is not None:
            before = self.descriptions.left_out
            try:
                described = columns.flat_rows(
                    bodies, segment=name, descriptions=self.descriptions, share=self._share(name)
                )
                rows = self.convert(described, temporary)
            except OSError:
                raise
            except Exception as error:  # noqa: BLE001 - describers are plug-ins: rows matter more
                self.problems.append(
                    f"{name} was sealed without descriptors: {type(error).__name__}: {error}"
                )
            else:
                self.undescribed += self.descriptions.left_out - before
                return rows
        return self.convert(columns.flat_rows(bodies, segment=name), temporary)

    def _share(self, name: str) -> float:
        """Return the share of rows that there is time to describe, by what waits behind it."""
        return float(0.5 ** (self._waiting_bytes(but=name) / BEHIND_BYTES))

    def _waiting_bytes(self, *, but: str = "") -> int:
        """Return how much is closed and not sealed, one segment left out."""
        sizes = 0
        with suppress(OSError), os.scandir(self.places.closed) as found:
            for entry in found:
                if entry.name.endswith(SEGMENT_SUFFIX) and entry.name != but:
                    sizes += entry.stat().st_size
        return sizes

    def _retire(self, name: str, entry: Sealed) -> None:
        """Remove a sealed segment; one with damaged lines is kept for people to look at."""
        path = self.places.closed / name
        if not entry.corrupt:
            self.files.remove(path)
            return
        self._quarantine(path, f"{entry.corrupt} lines fail their checksum; the rest is sealed")

    def _quarantine(self, path: Path, why: str, *, rows: int | None = None) -> None:
        self.files.make_folder(self.places.quarantine)
        with suppress(FileNotFoundError):
            self.files.rename(path, self.places.quarantine / path.name)
        self._commit(
            self.manifest.with_quarantined(Quarantined(name=path.name, why=why, rows=rows))
        )
        self.quarantined.append(path.name)

    def _commit(self, following: Manifest) -> None:
        manifest.write(following, self.places, files=self.files)
        self.manifest = following
