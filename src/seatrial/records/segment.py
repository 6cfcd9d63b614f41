"""One file of the log while one writer holds it."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from seatrial.core.clock import Clock
from seatrial.records.files import Files
from seatrial.records.places import SEGMENT_SUFFIX, Places

NEW_SUFFIX = ".new"
"""Until it is locked a segment has another name, so that nobody takes it for a dead writer's."""

_OPENING_TRIES = 5


class TornWriteError(OSError):
    """A write failed half way and could not be undone.

    Args:
        cause: What failed last.
        kept_lines: Whole lines of it that are in the file for good.
    """

    def __init__(self, cause: OSError, *, kept_lines: int) -> None:
        super().__init__(cause.errno, cause.strerror)
        self.kept_lines = kept_lines


class Segment:
    """An append-only file under ``open/``, locked for as long as its writer lives.

    Args:
        places: Where the log lies.
        clock: Names the file and tells its age.
        files: The file system.

    Raises:
        OSError: It cannot be made.
    """

    def __init__(self, places: Places, *, clock: Clock, files: Files) -> None:
        self._places = places
        self._files = files
        self.opened_s = clock.now_s()
        self.size_bytes = 0
        self._torn = False
        self.name, self.descriptor = self._open(clock)

    @property
    def path(self) -> Path:
        """Where it lies while it is open."""
        return self._places.open / self.name

    def write(self, data: bytes) -> None:
        """Append ``data`` whole; what a failure leaves of it is cut off again.

        Raises:
            TornWriteError: Some of it was written and remains.
            OSError: Nothing of it was; the segment can be written again later.
        """
        whole = b"\n" + data if self._torn else data
        done = 0
        try:
            while done < len(whole):
                done += self._files.write(self.descriptor, memoryview(whole)[done:])
        except OSError:
            self._cut_back(whole[:done])
            raise
        self._torn = False
        self.size_bytes += done

    def lost(self) -> bool:
        """Say whether the file was deleted under us: writing on would succeed and keep nothing."""
        return self._files.links(self.descriptor) == 0

    def sync(self) -> None:
        """Wait until everything written is on the disk."""
        self._files.sync(self.descriptor)

    def retire(self) -> None:
        """Hand the segment over for sealing; an empty one is removed.

        Raises:
            OSError: It could not be renamed, and is still open for writing.
        """
        if self.size_bytes:
            self._files.make_folder(self._places.closed)
            self._files.rename(self.path, self._places.closed / self.name)
        else:
            self._files.remove(self.path)
        self.abandon()

    def abandon(self) -> None:
        """Let go of the file where it is."""
        with contextlib.suppress(OSError):
            self._files.close(self.descriptor)

    def _cut_back(self, written: bytes) -> None:
        try:
            self._files.truncate(self.descriptor, self.size_bytes)
        except OSError as error:
            # The fragment stays; the next write starts a line of its own after it.
            kept = written.rpartition(b"\n")[0].lstrip(b"\n")
            self._torn = True
            self.size_bytes += len(written)
            raise TornWriteError(error, kept_lines=kept.count(b"\n") + 1 if kept else 0) from None

    def _open(self, clock: Clock) -> tuple[str, int]:
        self._files.make_folder(self._places.open)
        for _ in range(_OPENING_TRIES):
            stem = f"{clock.utc():%Y%m%dT%H%M%S}-{os.getpid()}-{secrets.token_hex(4)}"
            name = stem + SEGMENT_SUFFIX
            unlocked = self._places.open / (name + NEW_SUFFIX)
            descriptor = self._files.create(unlocked)
            try:
                if self._files.lock(descriptor):
                    self._files.rename(unlocked, self._places.open / name)
                    return name, descriptor
            except FileNotFoundError:
                pass  # a keeper cleaned up between the two steps: take another name
            except OSError:
                self._files.close(descriptor)
                raise
            self._files.close(descriptor)
        raise BlockingIOError(f"no segment could be locked in {self._places.open}")
