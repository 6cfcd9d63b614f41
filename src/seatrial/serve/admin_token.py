"""The token that opens the admin API: made once, kept in a file that only its owner reads."""

from __future__ import annotations

import hashlib
import hmac
import stat
from pathlib import Path

from seatrial.core.errors import EnvironmentMismatchError
from seatrial.releases.line_file import FILE_MODE
from seatrial.releases.places import ControlPlaces
from seatrial.serve.keyfile import new_secret, put_private

TOKEN_MIN_CHARACTERS = 22
"""128 random bits in letters and digits: a token that somebody wrote by hand is refused below."""

_NONE = b"\0" * 32


class AdminToken:
    """Knows the token of one folder.

    Args:
        folder: The project folder.
    """

    def __init__(self, folder: Path) -> None:
        self._places = ControlPlaces.of(folder)
        self.path = self._places.admin_token
        self._seen: tuple[int, ...] | None = None
        self._digest = _NONE

    def exists(self) -> bool:
        """Say whether there is one."""
        return self.path.exists()

    def make(self) -> None:
        """Make one where there is none.

        Raises:
            EnvironmentMismatchError: It cannot be written.
        """
        if self.exists():
            return
        try:
            self._places.make()
            put_private(self.path, f"ak_{new_secret()}\n".encode())
        except OSError as error:
            raise EnvironmentMismatchError(
                f"{self.path} cannot be written: {error.strerror}.", hint="Make it writable."
            ) from None

    def check(self) -> None:
        """Make sure that it can be used and is nobody else's to read.

        Raises:
            EnvironmentMismatchError: It is readable by others, unreadable for us, or too short.
        """
        try:
            mode = stat.S_IMODE(self.path.stat().st_mode)
            token = self.path.read_bytes().strip()
        except OSError as error:
            raise EnvironmentMismatchError(
                f"{self.path} cannot be read: {error.strerror}.",
                hint="Remove it, and the next start makes a new one.",
            ) from None
        if mode & ~FILE_MODE:
            raise EnvironmentMismatchError(
                f"{self.path} has mode {mode:04o}; accepted is 0600: others may have read it.",
                hint="Remove it, and the next start makes a new one.",
            )
        if len(token) < TOKEN_MIN_CHARACTERS:
            raise EnvironmentMismatchError(
                f"{self.path} holds {len(token)} characters; accepted are "
                f"{TOKEN_MIN_CHARACTERS} or more.",
                hint="Remove it, and the next start makes a new one.",
            )

    def matches(self, shown: bytes) -> bool:
        """Say whether this is the token, in a time that says nothing about how nearly it is."""
        self._refresh()
        right = hmac.compare_digest(hashlib.sha256(shown).digest(), self._digest)
        return right and self._digest is not _NONE

    def _refresh(self) -> None:
        """Take over what the file holds now; a token that has gone opens nothing."""
        try:
            found = self.path.stat()
            mark = (found.st_ino, found.st_size, found.st_mtime_ns, stat.S_IMODE(found.st_mode))
            if mark == self._seen:
                return
            self.check()
            token = self.path.read_bytes().strip()
        except (OSError, EnvironmentMismatchError):
            self._seen, self._digest = None, _NONE
            return
        self._seen, self._digest = mark, hashlib.sha256(token).digest()
