"""The file of API keys: hashes, scopes and limits; no secret is ever in it."""

from __future__ import annotations

import hashlib
import os
import secrets
import string
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from seatrial.core.errors import EnvironmentMismatchError, SettingsError, UnknownNameError
from seatrial.releases.line_file import FILE_MODE, lock, sync_folder
from seatrial.releases.places import ControlPlaces

Scope = Literal["predict", "review", "admin"]

SECRET_CHARACTERS = 32
"""Of 62 each: 190 random bits, which nobody guesses."""

_ALPHABET = string.ascii_letters + string.digits


Moment = Annotated[datetime, Meta(tz=True)]


class Key(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of one key.

    Attributes:
        id: Its second part, which is no secret; part of every record that it causes.
        name: Who has it; several keys may bear one name while they are being rotated.
        sha256: Of the whole key, hexadecimal.
        scopes: What it may do.
        created: When it was made.
        expires: When it ceases to be valid, if ever.
        revoked: When somebody withdrew it.
        requests_per_s: Requests a second in the long run; unset: no limit.
        burst: Requests at once within that.
        concurrency: Requests in flight at one time; unset: no limit.
    """

    id: str
    name: str
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    scopes: list[Scope]
    created: Moment
    expires: Moment | None = None
    revoked: Moment | None = None
    requests_per_s: Annotated[float, Meta(gt=0)] | None = None
    burst: Annotated[int, Meta(ge=1)] | None = None
    concurrency: Annotated[int, Meta(ge=1)] | None = None

    def state_at(self, now: datetime) -> Literal["valid", "expired", "revoked"]:
        """Say whether it opens anything at that time, or why it does not."""
        if self.revoked is not None:
            return "revoked"
        return "valid" if self.expires is None or now < self.expires else "expired"


class Terms(Struct, frozen=True, kw_only=True):
    """What a new key may do; see :class:`Key`."""

    name: str = ""
    scopes: Sequence[Scope] = ("predict",)
    expires: datetime | None = None
    requests_per_s: float | None = None
    burst: int | None = None
    concurrency: int | None = None


class _Document(Struct, frozen=True, forbid_unknown_fields=True):
    version: Literal[1] = 1
    keys: list[Key] = []


class KeyFile:
    """Reads and changes the keys of a folder.

    Args:
        folder: The project folder.
    """

    def __init__(self, folder: Path) -> None:
        self._places = ControlPlaces.of(folder)
        self.path = self._places.keys

    def keys(self) -> list[Key] | None:
        """Return every key ever made, ``None`` where there is no file.

        Raises:
            SettingsError: The file is not what it should be.
            OSError: It cannot be read.
        """
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            return msgspec.json.decode(text, type=_Document).keys
        except msgspec.DecodeError as error:
            # The decoder tells places and types, never values.
            raise SettingsError(
                f"{self.path} is no file of keys: {error}.",
                hint="Restore it, or make new keys with: seatrial keys create",
            ) from None

    def create(self, terms: Terms, *, now: datetime) -> tuple[Key, str]:
        """Make a key; return it and its secret, which nobody can tell again."""
        made: list[tuple[Key, str]] = []

        def change(keys: list[Key]) -> list[Key]:
            made.append(_new(terms, keys, now))
            return [*keys, made[0][0]]

        self._change(change)
        return made[0]

    def replace(
        self, identifier: str, *, overlap: timedelta, now: datetime, expires: datetime | None = None
    ) -> tuple[Key, str]:
        """Make a key on the terms of another, which goes on being valid for ``overlap``.

        Raises:
            UnknownNameError: There is no such key.
        """
        made: list[tuple[Key, str]] = []

        def change(keys: list[Key]) -> list[Key]:
            old = _named(identifier, keys)
            terms = msgspec.convert(
                {**msgspec.to_builtins(old), "expires": expires}, type=Terms, strict=False
            )
            made.append(_new(terms, keys, now))
            ends = min(now + overlap, old.expires or now + overlap)
            ending = msgspec.structs.replace(old, expires=ends)
            return [*(ending if key is old else key for key in keys), made[0][0]]

        self._change(change)
        return made[0]

    def revoke(self, identifier: str, *, now: datetime) -> Key:
        """Withdraw a key, at once and for good.

        Raises:
            UnknownNameError: There is no such key.
        """
        revoked: list[Key] = []

        def change(keys: list[Key]) -> list[Key]:
            old = _named(identifier, keys)
            revoked.append(msgspec.structs.replace(old, revoked=old.revoked or now))
            return [revoked[0] if key is old else key for key in keys]

        self._change(change)
        return revoked[0]

    def _change(self, change: Callable[[list[Key]], list[Key]]) -> None:
        try:
            self._places.make()
            descriptor = os.open(
                self._places.keys_lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, FILE_MODE
            )
            try:
                lock(descriptor)
                self._write(_Document(keys=change(self.keys() or [])))
            finally:
                os.close(descriptor)
        except OSError as error:
            raise EnvironmentMismatchError(
                f"{self.path} cannot be changed: {error.strerror or error}.",
                hint="Mend that, and try again: nothing was changed.",
            ) from None

    def _write(self, document: _Document) -> None:
        """Replace the file at once and whole."""
        text = msgspec.json.format(msgspec.json.encode(document), indent=2)
        put_private(self.path, text + b"\n")


def put_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner reads, at once and whole, on the disk.

    Raises:
        OSError: It cannot be written.
    """
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    flags = os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        with open(os.open(new, flags, FILE_MODE), "wb") as file:  # noqa: PTH123  (its mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def new_secret() -> str:
    """Return the random part of a key."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(SECRET_CHARACTERS))


def _new(terms: Terms, others: Sequence[Key], now: datetime) -> tuple[Key, str]:
    taken = {key.id for key in others}
    identifier = secrets.token_hex(4)
    while identifier in taken:
        identifier = secrets.token_hex(4)
    kind = "ak" if "admin" in terms.scopes else "pk"
    shown = f"{kind}_{identifier}_{new_secret()}"
    key = Key(
        id=identifier,
        name=terms.name,
        sha256=hashlib.sha256(shown.encode()).hexdigest(),
        scopes=list(dict.fromkeys(terms.scopes)),
        created=now,
        expires=terms.expires,
        requests_per_s=terms.requests_per_s,
        burst=terms.burst,
        concurrency=terms.concurrency,
    )
    return key, shown


def _named(identifier: str, keys: Sequence[Key]) -> Key:
    for key in keys:
        if key.id == identifier:
            return key
    raise UnknownNameError.of("key", identifier[:16], [key.id for key in keys])
