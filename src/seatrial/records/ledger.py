"""A file of checksummed lines that is only appended to, by one at a time: all of a call or none."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec import Struct

from seatrial.core.errors import ConflictError, EnvironmentMismatchError
from seatrial.records import lines
from seatrial.records.files import Files


class Ledger:
    """Appends lines and reads them back.

    Half a line at the end was never acknowledged: readers leave it out and the next writer cuts it
    off. Whether several lines belong together is for their reader to know.

    Args:
        path: The file; it and its folder are made when it is first written.
        files: The file system.
    """

    def __init__(self, path: Path, *, files: Files | None = None) -> None:
        self.path = path
        self._files = files or Files()

    def read(self) -> lines.Lines:
        """Return the lines whose checksum is right.

        Raises:
            EnvironmentMismatchError: The file is there and cannot be read.
        """
        try:
            return lines.read(self._files.read(self.path))
        except FileNotFoundError:
            return lines.Lines([], 0, 0)
        except OSError as error:
            raise _refusal(self.path, "read", error) from None

    @contextmanager
    def locked(self) -> Iterator[Writing]:
        """Hold the file while something is decided and written.

        Raises:
            ConflictError: Another process holds it.
            EnvironmentMismatchError: It cannot be written.
        """
        try:
            self._files.make_folder(self.path.parent)
            descriptor = self._files.open_append(self.path)
        except OSError as error:
            raise _refusal(self.path, "written", error) from None
        try:
            if not self._held(descriptor):
                raise ConflictError(
                    f"{self.path} is being written by another process.", hint="Try again."
                )
            yield Writing(self.path, descriptor, self._files)
        finally:
            with suppress(OSError):
                self._files.close(descriptor)

    def _held(self, descriptor: int) -> bool:
        try:
            return self._files.lock(descriptor)
        except OSError as error:
            raise _refusal(self.path, "locked", error) from None


class Writing:
    """The file while it is held."""

    def __init__(self, path: Path, descriptor: int, files: Files) -> None:
        self._path = path
        self._descriptor = descriptor
        self._files = files

    def append(self, entries: Sequence[Struct]) -> None:
        """Add lines; they are on the disk when this returns, and gone again where it fails.

        Raises:
            EnvironmentMismatchError: The disk refuses.
        """
        data = b"".join(lines.encode(entry) for entry in entries)
        try:
            size = self._whole()
            try:
                self._write(data)
                self._files.sync(self._descriptor)
                self._files.sync_path(self._path.parent)
            except OSError:
                with suppress(OSError):
                    self._files.truncate(self._descriptor, size)
                raise
        except OSError as error:
            raise _refusal(self._path, "written", error) from None

    def _whole(self) -> int:
        """Cut off half a line at the end; return the size that is left."""
        held = self._files.read(self._path)
        size = held.rfind(b"\n") + 1
        if size != len(held):
            self._files.truncate(self._descriptor, size)
        return size

    def _write(self, data: bytes) -> None:
        done = 0
        while done < len(data):
            done += self._files.write(self._descriptor, memoryview(data)[done:])


def _refusal(path: Path, what: str, error: OSError) -> EnvironmentMismatchError:
    return EnvironmentMismatchError(
        f"{path} cannot be {what}: {error.strerror or os.strerror(error.errno or 0)}.",
        hint="Make room, or give us the right to.",
    )
