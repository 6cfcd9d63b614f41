"""What was asked to be deleted: digests that say nothing to whoever does not know the subject.

Rows of it that are not sealed yet are not shown, and left out when they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from seatrial.records import engine
from seatrial.records.columns import Goes
from seatrial.records.files import Files
from seatrial.records.ledger import Ledger
from seatrial.records.places import Places

SEPARATOR = "\x1f"
"""Between the id and the place of a row before they are digested."""


class Tombstone(Struct, frozen=True, kw_only=True, tag_field="event", tag="delete"):
    """What was asked to be deleted.

    Attributes:
        time: When; rows of the subject that were asked later stay, but for a request's own id.
        key: As in :class:`Subject`.
        salt: Put before everything that is digested here.
        digest: SHA-256 of the value, hexadecimal.
        rows: Of the id and place of every row found then: what is said of them later goes too.
    """

    time: datetime
    key: str
    salt: str
    digest: str
    rows: tuple[str, ...] = ()

    def sql(self) -> str:
        """Return the condition of the rows that go."""
        salt, digest = engine.text(self.salt), engine.text(self.digest)

        def same(value: str) -> str:
            return f"sha256(concat({salt}, {value})) = {digest}"

        before = f"time <= TIMESTAMP {engine.text(f'{self.time:%Y-%m-%d %H:%M:%S.%f}')}"
        if self.key == "id":
            return f"({same('id')})"
        value = "key_id" if self.key == "key_id" else _field_sql(self.key)
        theirs = f"({value} IS NOT NULL AND {same(value)} AND {before})"
        if not self.rows:
            return theirs
        said = ", ".join(map(engine.text, self.rows))
        row = f'sha256(concat({salt}, id, chr(31), "row"))'
        return f"({theirs} OR (event = 'feedback' AND {row} IN ({said})))"

    def covers(self, row: Mapping[str, Any]) -> bool:
        """Say whether a flat row goes; see :func:`seatrial.records.columns.flat_rows`."""
        id_ = plain(row.get("id"))
        if self.key == "id":
            return digest_of(self.salt, id_) == self.digest
        if is_event(row, "feedback"):
            place = f"{id_}{SEPARATOR}{int(bytes(row['row']))}"
            if digest_of(self.salt, place) in self.rows:
                return True
        value = plain(row.get("key_id")) if self.key == "key_id" else _field(self.key, row)
        if value is None or digest_of(self.salt, value) != self.digest:
            return False
        return msgspec.json.decode(row["time"], type=datetime) <= self.time


class Done(Struct, frozen=True, kw_only=True, tag_field="event", tag="done"):
    """Nothing sealed holds any of what the tombstone of this salt names."""

    time: datetime
    salt: str


class Tombstones:
    """All that was asked to be deleted from a log.

    Args:
        places: The log.
        files: The file system.
    """

    def __init__(self, places: Places, *, files: Files) -> None:
        self._ledger = Ledger(places.deleted, files=files)

    def read(self) -> tuple[list[Tombstone], set[str]]:
        """Return all tombstones, and the salts of those that are done."""
        entries = [_DECODER.decode(body) for body in self._ledger.read().bodies]
        return (
            [entry for entry in entries if isinstance(entry, Tombstone)],
            {entry.salt for entry in entries if isinstance(entry, Done)},
        )

    def add(self, entry: Tombstone | Done) -> None:
        """Write one down; it is on the disk when this returns."""
        with self._ledger.locked() as writing:
            writing.append([entry])

    def goes(self) -> Goes | None:
        """Return what says of a flat row that it goes; ``None`` where nothing was deleted."""
        every, _ = self.read()
        if not every:
            return None
        return lambda row: any(tombstone.covers(row) for tombstone in every)


_DECODER = msgspec.json.Decoder(Tombstone | Done)


def digest_of(salt: str, value: str | None) -> str:
    """Return the digest of a value as tombstones keep it."""
    return hashlib.sha256(f"{salt}{value}".encode()).hexdigest()


def _pointer(key: str) -> str:
    """Return the JSON pointer of a field."""
    if key.startswith("/"):
        return key
    return "/" + key.replace("~", "~0").replace("/", "~1")


def _field_sql(key: str) -> str:
    return f"json_extract_string(input, {engine.text(_pointer(key))})"


def _field(key: str, row: Mapping[str, Any]) -> str | None:
    """Return a field of a flat row's input as DuckDB writes it as text; ``None`` for none."""
    text = row.get("input")
    if text is None:
        return None
    value: Any = msgspec.json.decode(text, type=Any)
    for part in _pointer(key).split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def is_event(row: Mapping[str, Any], event: str) -> bool:
    """Say whether a flat row is such an event."""
    return plain(row.get("event")) == event


def plain(raw: Any) -> str | None:
    """Return the text that a raw JSON value is; ``None`` for none."""
    return None if raw is None else msgspec.json.decode(bytes(raw), type=str | None)
