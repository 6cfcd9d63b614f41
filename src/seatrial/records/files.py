"""Every touch of the file system by the log, one method each, so that tests can fail the n-th."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import BinaryIO

SEGMENT_MODE = 0o600
"""Inputs may be personal: only the account that serves reads the raw log."""


class Files:
    """The operating system's own calls; each either happens or raises ``OSError``."""

    def make_folder(self, path: Path) -> None:
        """Make a folder and those above it."""
        path.mkdir(parents=True, exist_ok=True)

    def create(self, path: Path) -> int:
        """Make a new file, open for appending; an existing one is an error."""
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        return os.open(path, flags, SEGMENT_MODE)

    def open_append(self, path: Path) -> int:
        """Open a file for reading and appending; made where it is missing."""
        flags = os.O_CREAT | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
        return os.open(path, flags, SEGMENT_MODE)

    def open_lock(self, path: Path) -> int:
        """Open a file in order to lock it; made where it is missing."""
        return os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, SEGMENT_MODE)

    def open_existing(self, path: Path) -> int:
        """Open a file for reading; a missing one is an error."""
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def lock(self, descriptor: int) -> bool:
        """Take the lock that dies with its process; ``False`` where another holds it."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def share_lock(self, descriptor: int) -> bool:
        """Take the lock together with others who share it; ``False`` where one has it alone."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """Write once; return how many bytes were taken, which may be fewer."""
        return os.write(descriptor, data)

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut a file to its first ``size`` bytes."""
        os.ftruncate(descriptor, size)

    def links(self, descriptor: int) -> int:
        """Return how many names the file has; 0 when it was deleted under its writer."""
        return os.fstat(descriptor).st_nlink

    def sync(self, descriptor: int) -> None:
        """Wait until the file is on the disk."""
        os.fsync(descriptor)

    def close(self, descriptor: int) -> None:
        """Close a descriptor, and with the last one its lock."""
        os.close(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        """Rename at once and whole, over an existing target."""
        source.replace(target)

    def remove(self, path: Path) -> None:
        """Remove a file."""
        path.unlink()

    def names(self, folder: Path) -> list[str]:
        """Return the sorted names in a folder; none where it is missing."""
        try:
            return sorted(os.listdir(folder))  # noqa: PTH208 - names, not paths, are wanted
        except FileNotFoundError:
            return []

    def read(self, path: Path) -> bytes:
        """Return the content of a file."""
        return path.read_bytes()

    def open_stream(self, path: Path) -> BinaryIO:
        """Open a file that is read from beginning to end."""
        return path.open("rb")

    def put(self, path: Path, data: bytes) -> None:
        """Write a whole file, not yet synced."""
        path.write_bytes(data)

    def sync_path(self, path: Path) -> None:
        """Wait until a file, or the names in a folder, are on the disk."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
