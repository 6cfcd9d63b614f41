"""What every run over the sealed files shares: one at a time, the commit, quarantine, leftovers."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path, PurePath

from seatrial.core.errors import EnvironmentMismatchError
from seatrial.records import manifest
from seatrial.records.files import Files
from seatrial.records.manifest import Manifest, Quarantined, Sealed
from seatrial.records.places import SEALED_SUFFIX, SEGMENT_SUFFIX, Places

LOCK_PAUSE_S = 0.05
"""Between two tries for a lock; whoever holds it seals a segment or answers a query."""


class Maintenance:
    """One run over the log of a folder, by whoever holds its lock.

    Args:
        places: The log.
        files: The file system.
        patience_s: How long to wait for another run, and for readers.
    """

    def __init__(self, places: Places, files: Files, *, patience_s: float = 0.0) -> None:
        self.places = places
        self.files = files
        self.patience_s = patience_s
        self.problems: list[str] = []
        self.quarantined: list[str] = []
        self.manifest = Manifest()
        self.busy = False

    def locked(self, work: Callable[[], None]) -> None:
        """Do the work while no other run can; what goes wrong is among the problems."""
        try:
            lock = self.files.open_lock(self.places.keeper_lock)
        except OSError as error:
            self.problems.append(f"the log cannot be locked: {error.strerror}")
            return
        try:
            if not self._patiently(lambda: self.files.lock(lock)):
                self.busy = True
                return
            self.manifest, rebuilt = manifest.read(self.places, files=self.files)
            if rebuilt:
                self.problems.append(rebuilt)
                self.commit(self.manifest)
            work()
        except (OSError, EnvironmentMismatchError) as error:
            self.problems.append(f"the run stopped: {reason(error)}")
        finally:
            with suppress(OSError):
                self.files.close(lock)

    def commit(self, following: Manifest) -> None:
        """Replace the manifest: from here on it holds."""
        manifest.write(following, self.places, files=self.files)
        self.manifest = following

    def quarantine(self, path: Path, why: str, *, rows: int | None = None) -> None:
        """Set a file aside for people to look at."""
        self.files.make_folder(self.places.quarantine)
        with suppress(FileNotFoundError):
            self.files.rename(path, self.places.quarantine / path.name)
        self.commit(self.manifest.with_quarantined(Quarantined(name=path.name, why=why, rows=rows)))
        self.quarantined.append(path.name)

    def remove_retired(self) -> None:
        """Remove the files that count no more, unless somebody reads; then the next run does."""
        if not self.manifest.retired:
            return
        lock = self.files.open_lock(self.places.readers_lock)
        try:
            if not self._patiently(lambda: self.files.lock(lock)):
                return
            for name in self.manifest.retired:
                with suppress(FileNotFoundError):
                    self.files.remove(self.places.sealed / name)
            self.files.sync_path(self.places.sealed)
        finally:
            with suppress(OSError):
                self.files.close(lock)
        self.commit(self.manifest.without(retired=self.manifest.retired))

    def finish_earlier_runs(self) -> None:
        """Bring folders and manifest together where a run died between the two."""
        self.remove_retired()
        listed = {entry.name for entry in self.manifest.files} | set(self.manifest.retired)
        waiting = set(self.files.names(self.places.closed))
        for name in self.files.names(self.places.sealed):
            segment = PurePath(name).stem + SEGMENT_SUFFIX
            if name in listed:
                continue
            if not name.endswith(SEALED_SUFFIX) or segment in waiting:
                self._discard(self.places.sealed / name)
            else:
                self._adopt(manifest.inspect(self.places, name, segment))
        aside = {entry.name for entry in self.manifest.quarantined}
        for name in self.files.names(self.places.quarantine):
            if name not in aside:
                found = Quarantined(name=name, why="set aside by an earlier run")
                self.commit(self.manifest.with_quarantined(found))

    def _adopt(self, found: Sealed | Quarantined) -> None:
        """Take in a file that no manifest lists, or remove it where others hold its rows.

        It counts if somebody put an older manifest back: it is the only copy then. Where the files
        that it was made from are there, the run that made it died before its commit.
        """
        if isinstance(found, Quarantined):
            self.quarantine(self.places.sealed / found.name, found.why)
            return
        present = set(self.files.names(self.places.sealed))
        covers = set(found.covers)
        held = {
            name for entry in self.manifest.files if entry.name in present for name in entry.covers
        }
        if covers <= held:
            self._discard(self.places.sealed / found.name)
            return
        gone = [
            entry
            for entry in self.manifest.files
            if entry.name not in present and covers.issuperset(entry.covers)
        ]
        self.commit(self.manifest.with_replaced(gone, found))

    def _discard(self, path: Path) -> None:
        """Remove what a run that died left half done: a file, or a folder of flat rows."""
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            self.files.remove(path)

    def _patiently(self, attempt: Callable[[], bool]) -> bool:
        until_s = time.monotonic() + self.patience_s
        while not attempt():
            if time.monotonic() >= until_s:
                return False
            time.sleep(LOCK_PAUSE_S)
        return True


def reason(error: OSError | EnvironmentMismatchError) -> str:
    """Return why the disk refused, in words."""
    return str(getattr(error, "strerror", None) or error)
