"""Where the orders about one folder lie, and who may do what."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

FOLDER_MODE = 0o700
"""Hashes of keys and the admin token lie here: only the account that serves looks inside."""


@dataclass(frozen=True)
class ControlPlaces:
    """``FOLDER/.seatrial/control`` and what is in it."""

    root: Path

    @classmethod
    def of(cls, folder: Path) -> ControlPlaces:
        """Return the places of ``folder``."""
        return cls(folder.absolute() / ".seatrial" / "control")

    def make(self) -> None:
        """Make the folder where it is missing, and close it to others where it is not.

        Raises:
            OSError: It cannot be made, or is somebody else's.
        """
        self.root.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        if stat.S_IMODE(self.root.stat().st_mode) != FOLDER_MODE:
            self.root.chmod(FOLDER_MODE)

    @property
    def log(self) -> Path:
        """Every order of an operator, one a line."""
        return self.root / "control.jsonl"

    @property
    def audit(self) -> Path:
        """Who asked for what, and what became of it, one a line."""
        return self.root / "audit.jsonl"

    @property
    def keys(self) -> Path:
        """The hashes of API keys."""
        return self.root / "keys.json"

    @property
    def keys_lock(self) -> Path:
        """Held by whoever changes the keys."""
        return self.root / "keys.lock"

    @property
    def admin_token(self) -> Path:
        """The token of the admin API."""
        return self.root / "admin-token"

    @property
    def admin_address(self) -> Path:
        """Where the admin API listens at the moment."""
        return self.root / "admin.json"

    @property
    def profile(self) -> Path:
        """What batches of the release cost on this machine."""
        return self.root / "profile.json"
