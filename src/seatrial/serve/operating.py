"""What an operator does by the command line: the order first, then its row in the audit log."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from seatrial.core.clock import SYSTEM, Clock
from seatrial.core.errors import EnvironmentMismatchError, SettingsError
from seatrial.core.settings import FILE_NAME
from seatrial.releases.control import Action, Control, ControlState, operator
from seatrial.serve.audit import AuditLog
from seatrial.serve.keyfile import Key, KeyFile, Terms


class Operator:
    """Somebody at the command line, with one folder.

    Args:
        folder: The project folder.
        by: Who it is; default the user of this process.
        clock: Where time comes from.

    Attributes:
        unaudited: Why the last order is not in the audit log; empty where it is. An order that
            was given holds all the same.

    Raises:
        SettingsError: The folder is no project.
    """

    def __init__(self, folder: Path, *, by: str = "", clock: Clock = SYSTEM) -> None:
        check_folder(folder)
        self._by = by or operator()
        self._clock = clock
        self._control = Control(folder, clock=clock)
        self._keys = KeyFile(folder)
        self._audit = AuditLog(folder, clock=clock)
        self.unaudited = ""

    def order(self, action: Action, *, reason: str = "") -> ControlState:
        """Give an order to all servers of the folder.

        Raises:
            EnvironmentMismatchError: It could not be written, and was not given.
        """
        state = self._control.order(action, by=self._by, reason=reason)
        self._note(action, reason)
        return state

    def create_key(self, terms: Terms) -> tuple[Key, str]:
        """Make a key; return it and its secret, which is told this once.

        Raises:
            EnvironmentMismatchError: It could not be written.
        """
        key, secret = self._keys.create(terms, now=self._clock.utc())
        self._note("key-create", f"{key.id}: {', '.join(key.scopes)}")
        return key, secret

    def replace_key(self, identifier: str, *, overlap: timedelta) -> tuple[Key, str]:
        """Make a key on the terms of another one, which ends after the overlap.

        Raises:
            UnknownNameError: There is no such key.
            EnvironmentMismatchError: It could not be written.
        """
        key, secret = self._keys.replace(identifier, overlap=overlap, now=self._clock.utc())
        self._note("key-replace", f"{identifier} by {key.id}")
        return key, secret

    def revoke_key(self, identifier: str) -> Key:
        """Withdraw a key, at once and for good.

        Raises:
            UnknownNameError: There is no such key.
            EnvironmentMismatchError: It could not be written.
        """
        key = self._keys.revoke(identifier, now=self._clock.utc())
        self._note("key-revoke", key.id)
        return key

    def _note(self, action: str, reason: str) -> None:
        try:
            self._audit.add(action, by=self._by, reason=reason)
            self.unaudited = ""
        except EnvironmentMismatchError as error:
            self.unaudited = error.message


def check_folder(folder: Path) -> None:
    """Make sure that a folder is a project: an order for another one would help nobody.

    Raises:
        SettingsError: It holds no settings.
    """
    if not (folder / FILE_NAME).is_file():
        raise SettingsError(
            f"{folder} holds no {FILE_NAME}.",
            hint="Name the folder that is served.",
            details={"folder": str(folder)},
        )
