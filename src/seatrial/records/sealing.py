"""Turns closed segments into Parquet files, every row exactly once whatever moment one dies at.

For each segment: rows are written to a temporary Parquet file, which is renamed into ``sealed``;
then the manifest that lists it replaces the old one (the commit); then the segment is removed.
Before the commit the segment counts, after it the Parquet file does, never both. A run that died
is finished by the next.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Any

from msgspec import Struct

from seatrial.core import digests
from seatrial.core.errors import EnvironmentMismatchError
from seatrial.records import columns, lines, manifest
from seatrial.records.conversion import Convert, to_parquet
from seatrial.records.descriptions import Descriptions
from seatrial.records.files import Files
from seatrial.records.maintenance import Maintenance, reason
from seatrial.records.manifest import Sealed
from seatrial.records.places import SEALED_SUFFIX, SEGMENT_SUFFIX, Places
from seatrial.records.segment import NEW_SUFFIX
from seatrial.records.tombstones import Tombstones

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
    redact: columns.Redact | None = None,
) -> Sealing:
    """Seal whatever is closed, or was left open by a writer that died.

    Args:
        folder: The project folder.
        descriptions: Adds descriptors to rows; rows are sealed without where it raises.
        files: The file system.
        convert: Writes the Parquet file; default :func:`to_parquet`.
        redact: Changes what may not be kept of rows, after they were described.
    """
    places = Places.of(folder)
    if not places.root.is_dir():
        return Sealing()
    run = _Run(places, files or Files(), convert or to_parquet, descriptions)
    run.redact = redact
    run.locked(run.seal)
    return run.told()


def check(folder: Path, *, files: Files | None = None) -> Sealing:
    """Read every sealed file against its digest and set the damaged ones aside."""
    places = Places.of(folder)
    if not places.root.is_dir():
        return Sealing()
    run = _Run(places, files or Files(), to_parquet, None)
    run.locked(run.check)
    return run.told()


class _Run(Maintenance):
    """One run of the keeper over one log."""

    def __init__(
        self, places: Places, files: Files, convert: Convert, descriptions: Descriptions | None
    ) -> None:
        super().__init__(places, files)
        self.convert = convert
        self.descriptions = descriptions
        self.redact: columns.Redact | None = None
        self.undescribed = 0
        self.left_out = 0
        self.sealed: list[Sealed] = []

    def told(self) -> Sealing:
        """Say what the run did."""
        return Sealing(
            segments=len(self.sealed),
            rows=sum(entry.rows for entry in self.sealed),
            torn=sum(entry.torn for entry in self.sealed),
            corrupt=sum(entry.corrupt for entry in self.sealed),
            quarantined=tuple(self.quarantined),
            problems=tuple(self.problems),
            undescribed=self.undescribed,
            waiting_bytes=0 if self.busy else self._waiting_bytes(),
            busy=self.busy,
        )

    def seal(self) -> None:
        """Seal every segment that nobody writes any more."""
        self._collect_abandoned()
        self.finish_earlier_runs()
        for name in self.files.names(self.places.closed):
            if not name.endswith(SEGMENT_SUFFIX):
                continue
            try:
                known = self.manifest.segments().get(name) or self._seal_one(name)
                if known is not None:
                    self._retire(name, known)
            except (OSError, EnvironmentMismatchError) as error:
                self.problems.append(f"{name} was not sealed: {reason(error)}")

    def check(self) -> None:
        """Set aside every sealed file that is not what was sealed."""
        for entry in self.manifest.files:
            why = manifest.damage(entry, self.places)
            if why:
                self.quarantine(self.places.sealed / entry.name, why, rows=entry.rows)

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

    def _seal_one(self, name: str) -> Sealed | None:
        held = lines.Stream(lambda: self.files.open_stream(self.places.closed / name))
        self.files.make_folder(self.places.sealed)
        target = self.places.sealed / (PurePath(name).stem + SEALED_SUFFIX)
        temporary = target.with_suffix(".tmp")
        rows = self._convert(held, name, temporary)
        if rows + self.left_out != held.rows:
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
        self.commit(self.manifest.with_found(entry))
        self.sealed.append(entry)
        return entry

    def _convert(self, bodies: Iterable[bytes], name: str, temporary: Path) -> int:
        if self.descriptions is not None:
            before = self.descriptions.left_out
            try:
                rows = self.convert(self._flat(bodies, name, self.descriptions), temporary)
            except (OSError, EnvironmentMismatchError):
                raise
            except Exception as error:  # noqa: BLE001 - describers are plug-ins: rows matter more
                self.problems.append(
                    f"{name} was sealed without descriptors: {type(error).__name__}: {error}"
                )
            else:
                self.undescribed += self.descriptions.left_out - before
                return rows
        return self.convert(self._flat(bodies, name, None), temporary)

    def _flat(
        self, bodies: Iterable[bytes], name: str, descriptions: Descriptions | None
    ) -> Iterator[bytes]:
        """Return the rows of a segment as they are kept, and count those that are left out."""
        self.left_out = 0
        deleted = Tombstones(self.places, files=self.files).goes()

        def goes(row: dict[str, Any]) -> bool:
            gone = deleted is not None and deleted(row)
            self.left_out += gone
            return gone

        return columns.flat_rows(
            bodies,
            segment=name,
            descriptions=descriptions,
            share=self._share(name),
            goes=None if deleted is None else goes,
            redact=self.redact,
        )

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
        if not entry.corrupt or self.redact is not None:
            # Damaged lines are not worth keeping what is not to be kept.
            self.files.remove(path)
            return
        self.quarantine(path, f"{entry.corrupt} lines fail their checksum; the rest is sealed")
