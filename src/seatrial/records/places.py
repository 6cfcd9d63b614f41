"""Where the parts of one folder's log lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SEGMENT_SUFFIX = ".ndjson"
SEALED_SUFFIX = ".parquet"


@dataclass(frozen=True)
class Places:
    """``FOLDER/.seatrial/log`` and what is in it.

    A segment is written in ``open``, renamed to ``closed`` when it is full or old, and becomes a
    file of the same stem in ``sealed``. What cannot be trusted is moved to ``quarantine``.
    """

    root: Path

    @classmethod
    def of(cls, folder: Path) -> Places:
        """Return the places of the log about ``folder``."""
        return cls(folder.absolute() / ".seatrial" / "log")

    @property
    def open(self) -> Path:
        """Segments that a living writer holds, or a dead one left."""
        return self.root / "open"

    @property
    def closed(self) -> Path:
        """Segments that nobody will write again."""
        return self.root / "closed"

    @property
    def sealed(self) -> Path:
        """Parquet files; only those that the manifest lists count."""
        return self.root / "sealed"

    @property
    def quarantine(self) -> Path:
        """What was found damaged, kept for people to look at."""
        return self.root / "quarantine"

    @property
    def manifest(self) -> Path:
        """The list of sealed files; replacing it is the commit."""
        return self.root / "manifest.json"

    @property
    def review(self) -> Path:
        """Which rows were drawn for review, and with what chance."""
        return self.root.parent / "review" / "sample.ndjson"

    @property
    def deleted(self) -> Path:
        """What was asked to be deleted, so that rows that come late are left out too."""
        return self.root / "deleted.ndjson"

    @property
    def keeper_lock(self) -> Path:
        """Held by whoever seals, or changes sealed files."""
        return self.root / "keeper.lock"

    @property
    def readers_lock(self) -> Path:
        """Shared by whoever reads sealed files, so that none is removed under a reader."""
        return self.root / "readers.lock"
