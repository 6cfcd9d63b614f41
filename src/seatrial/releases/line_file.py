"""A file of whole lines that several processes append to: on the disk before it returns."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from seatrial.core.errors import EnvironmentMismatchError

FILE_MODE = 0o600
LOCK_PAUSE_S = 0.02
LOCK_TRIES = 250
"""Five seconds in all: whoever appends holds the lock for one write, so a lock held longer is held
by a process that is suspended, and waiting on would help nobody."""

_BLOCK_BYTES = 1 << 16


class LineFile:
    """Appends whole lines and reads them back.

    Args:
        path: The file; its folder exists.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def lines(self) -> list[bytes]:
        """Return the complete lines, none where there is no file.

        Half a line at the end was never acknowledged, and is left out.

        Raises:
            OSError: The file cannot be read.
        """
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return []
        complete, newline, _ = data.rpartition(b"\n")
        return complete.split(b"\n") if newline else []

    def append(self, make: Callable[[bytes], bytes]) -> None:
        """Append the line that ``make`` returns for the last complete one.

        Both happen under a lock, so that what ``make`` looks at cannot change. Nothing is appended
        where it raises.

        Raises:
            EnvironmentMismatchError: The disk is full, read-only or gone, or somebody holds the
                lock too long.
        """
        try:
            with self._open() as descriptor:
                self._append(descriptor, make)
        except OSError as error:
            raise EnvironmentMismatchError(
                f"{self.path} cannot be written: {error.strerror or error}.",
                hint="Mend that, and repeat the order: it was not taken.",
            ) from None

    @contextmanager
    def _open(self) -> Iterator[int]:
        is_new = not self.path.exists()
        flags = os.O_CREAT | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(self.path, flags, FILE_MODE)
        try:
            lock(descriptor)
            yield descriptor
            os.fsync(descriptor)
            if is_new:
                sync_folder(self.path.parent)
        finally:
            os.close(descriptor)

    def _append(self, descriptor: int, make: Callable[[bytes], bytes]) -> None:
        last, end = _last_line(descriptor)
        os.ftruncate(descriptor, end)
        line = make(last) + b"\n"
        try:
            written = os.write(descriptor, line)
            while written < len(line):
                written += os.write(descriptor, line[written:])
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, end)
            raise


def plain(text: str, limit: int) -> str:
    r"""Return text as it can be written: cut, and without halves of characters.

    >>> plain("why\ud800", 10), plain("a long reason", 6)
    ('why?', 'a long')
    """
    return text[:limit].encode("utf-8", "replace").decode()


def lock(descriptor: int) -> None:
    """Take the lock of a file, which ends with its descriptor.

    Raises:
        OSError: Somebody holds it too long.
    """
    for _ in range(LOCK_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(LOCK_PAUSE_S)
        else:
            return
    raise OSError(0, f"another process has held its lock for {LOCK_TRIES * LOCK_PAUSE_S:g} s")


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _last_line(descriptor: int) -> tuple[bytes, int]:
    """Return the last complete line and where it ends, its line feed included."""
    size = os.fstat(descriptor).st_size
    tail = b""
    start = size
    while start and tail.count(b"\n") < 2:  # noqa: PLR2004  (one ends it, one is before it)
        block = min(_BLOCK_BYTES, start)
        start -= block
        tail = os.pread(descriptor, block, start) + tail
    complete, newline, torn = tail.rpartition(b"\n")
    return complete.rpartition(b"\n")[2], size - len(torn) if newline else 0
