"""How a folder or a running server stands, for people who ask."""

from __future__ import annotations

import http.client
import os
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from seatrial.core.clock import SYSTEM, Clock
from seatrial.core.errors import UnreachableError
from seatrial.records.files import Files
from seatrial.records.places import Places
from seatrial.releases.control import Control, ControlState
from seatrial.releases.places import ControlPlaces
from seatrial.serve.admin_server import AdminAddress, address_of
from seatrial.serve.audit import AuditLog
from seatrial.serve.keyfile import Key, KeyFile
from seatrial.serve.operating import check_folder

ANSWER_MAX_BYTES = 1 << 20
"""More than any status."""

ANSWER_WAIT_S = 5.0


class FolderStatus(Struct, frozen=True, kw_only=True):
    """How a folder stands, from its files alone.

    Attributes:
        folder: Which one.
        control: What is ordered.
        keys: Number of keys that are ``valid``, ``expired`` and ``revoked``; empty where callers
            need none.
        admin: Where its admin API listens; ``None`` where none does.
        audit_rows: Rows in the audit log.
        audit_broken_at: First row that does not follow from the one before it.
        segments: Files of the prediction log: ``open``, ``closed`` (waiting for the keeper),
            ``sealed`` and in ``quarantine``.
    """

    folder: str
    control: ControlState
    keys: dict[str, int]
    admin: AdminAddress | None
    audit_rows: int
    audit_broken_at: int | None
    segments: dict[str, int]


def of_folder(folder: Path, *, clock: Clock = SYSTEM) -> FolderStatus:
    """Return how a folder stands.

    Raises:
        SettingsError: It is no project folder, or its keys are damaged.
        EnvironmentMismatchError: What it holds cannot be read.
    """
    check_folder(folder)
    audit = AuditLog(folder).read(last=0)
    places, files = Places.of(folder), Files()
    folders = (places.open, places.closed, places.sealed, places.quarantine)
    return FolderStatus(
        folder=str(folder),
        control=Control(folder).read(),
        keys=_counted(KeyFile(folder).keys() or (), clock.utc()),
        admin=_admin(folder),
        audit_rows=audit.count,
        audit_broken_at=audit.broken_at,
        segments={place.name: len(files.names(place)) for place in folders},
    )


def of_url(url: str) -> dict[str, Any]:
    """Return what a running server tells everybody about itself.

    Raises:
        UnreachableError: Nothing answers there as this server does.
    """
    target = url.rstrip("/") + "/status"
    try:
        # No proxy: what is asked is a server that the user names, usually on this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(target, timeout=ANSWER_WAIT_S) as answer:
            told = msgspec.json.decode(answer.read(ANSWER_MAX_BYTES), type=dict[str, Any])
    except urllib.error.HTTPError as error:
        error.close()
        raise _unreachable(target, f"it answers {error.code}") from None
    except (OSError, ValueError, http.client.HTTPException, msgspec.DecodeError) as error:
        reason = getattr(error, "reason", None) or error
        raise _unreachable(target, str(reason)) from None
    return told


def _unreachable(target: str, reason: str) -> UnreachableError:
    return UnreachableError(
        f"{target} tells no status: {reason}.", hint="Check the URL, and that the server runs."
    )


def _counted(keys: Iterable[Key], now: datetime) -> dict[str, int]:
    return dict(Counter(key.state_at(now) for key in keys))


def _admin(folder: Path) -> AdminAddress | None:
    try:
        address = address_of(ControlPlaces.of(folder).admin_address)
        os.kill(address.pid, 0)
    except PermissionError:
        return address
    except (OSError, msgspec.DecodeError):
        return None
    return address
