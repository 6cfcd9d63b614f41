"""A temporary folder that ends with its owner, or with the next one who makes such a folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "seatrial-"
LOCK = "owner.lock"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make an empty folder and remove it at the end.

    What an owner left that was killed is removed first: its lock went with it.

    >>> with scratch_folder() as folder:
    ...     folder.is_dir()
    True
    >>> folder.exists()
    False
    """
    remove_orphans()
    place = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        with _locked(place):
            folder = place / "content"
            folder.mkdir()
            yield folder
    finally:
        shutil.rmtree(place, ignore_errors=True)


def remove_orphans() -> None:
    """Remove the folders of owners that are gone."""
    for lock in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{LOCK}"):
        with contextlib.suppress(OSError), lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)


@contextmanager
def _locked(place: Path) -> Iterator[None]:
    # Locked before it gets its name, so that nobody finds it unlocked while its owner lives.
    unnamed = place / f".{LOCK}.{os.getpid()}"
    with unnamed.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        unnamed.rename(place / LOCK)
        yield
