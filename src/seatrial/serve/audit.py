"""The audit log: who asked for what, and what became of it; each row holds the hash of the last.

``FOLDER/.seatrial/control/audit.jsonl``. Changing, inserting or removing a row breaks the chain at
the next one. Cutting rows off the end does not: whoever must rule that out keeps the ``head``
elsewhere now and then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from seatrial.core.clock import SYSTEM, Clock
from seatrial.core.errors import EnvironmentMismatchError
from seatrial.releases.control import TEXT_MAX
from seatrial.releases.line_file import LineFile, plain
from seatrial.releases.places import ControlPlaces

BEGINNING = hashlib.sha256(b"").hexdigest()
"""What the first row names as the one before it."""


class Row(Struct, frozen=True, kw_only=True):
    """One thing that somebody did, or tried.

    Attributes:
        time: When.
        by: Who, as far as it is known: a key's id, the admin token, a user of the command line.
        peer: Address that it came from; empty for the command line.
        action: What was asked for.
        outcome: ``done`` or the code of the error.
        reason: Why, in their words.
        previous: SHA-256 of the row before, hexadecimal.
    """

    time: datetime
    by: str
    action: str
    outcome: str
    peer: str = ""
    reason: str = ""
    previous: str


class Audit(Struct, frozen=True, kw_only=True):
    """What an audit log holds.

    Attributes:
        rows: The last ones, oldest first.
        count: How many there are in all.
        head: SHA-256 of the last one.
        broken_at: Number of the first row, from 1, that does not follow from the one before it;
            ``None`` where the chain is whole.
    """

    rows: list[Row]
    count: int
    head: str
    broken_at: int | None = None


class AuditLog:
    """Adds rows to the audit log of one folder, and reads them.

    Args:
        folder: The project folder.
        clock: Where time comes from.
    """

    def __init__(self, folder: Path, *, clock: Clock = SYSTEM) -> None:
        self._places = ControlPlaces.of(folder)
        self._file = LineFile(self._places.audit)
        self._clock = clock

    def add(
        self, action: str, *, by: str, outcome: str = "done", peer: str = "", reason: str = ""
    ) -> None:
        """Add a row; it is on the disk when this returns.

        Raises:
            EnvironmentMismatchError: It cannot be written.
        """
        try:
            self._places.make()
        except OSError as error:
            raise EnvironmentMismatchError(
                f"{self._places.root} cannot be made: {error.strerror}.", hint="Make it writable."
            ) from None

        def line(last: bytes) -> bytes:
            row = Row(
                time=self._clock.utc(),
                by=plain(by, TEXT_MAX),
                action=plain(action, TEXT_MAX),
                outcome=outcome,
                peer=peer,
                reason=plain(reason, TEXT_MAX),
                previous=hash_of(last),
            )
            return msgspec.json.encode(row)

        self._file.append(line)

    def read(self, *, last: int = 100) -> Audit:
        """Return the last rows, and whether the chain of all of them is whole.

        Raises:
            EnvironmentMismatchError: It cannot be read.
        """
        try:
            lines = self._file.lines()
        except OSError as error:
            raise EnvironmentMismatchError(
                f"{self._places.audit} cannot be read: {error.strerror}.", hint="Mend that."
            ) from None
        rows = [_row(line) for line in lines[max(len(lines) - last, 0) :]]
        return Audit(
            rows=[row for row in rows if row is not None],
            count=len(lines),
            head=hash_of(lines[-1] if lines else b""),
            broken_at=broken_at(lines),
        )


def broken_at(lines: Sequence[bytes]) -> int | None:
    """Return the number of the first row that does not follow from the one before it.

    >>> broken_at([]), broken_at([b"no row"])
    (None, 1)
    """
    before = b""
    for number, line in enumerate(lines, 1):
        row = _row(line)
        if row is None or row.previous != hash_of(before):
            return number
        before = line
    return None


def hash_of(line: bytes) -> str:
    """Return the hash of a row, as the next one names it."""
    return hashlib.sha256(line).hexdigest()


def _row(line: bytes) -> Row | None:
    try:
        return msgspec.json.decode(line, type=Row)
    except msgspec.DecodeError:
        return None
