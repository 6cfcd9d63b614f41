"""The batch profile that a server reads: of one release and variant, on one machine."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from seatrial.core import digests
from seatrial.evidence.machine import Machine
from seatrial.releases.places import ControlPlaces
from seatrial.schedule.profile import BatchProfile

SCHEMA = 1
"""Version of the file; a reader passes over what it does not know."""


class ReleaseProfile(Struct, frozen=True, kw_only=True):
    """What was measured, and what it holds for.

    Attributes:
        release: Digest of what was measured.
        variant: Which variant of it.
        machine: Digest of hardware and versions, see :func:`machine_digest`.
        cost: What batches cost one worker of one thread.
        workers: How many workers answered most.
        threads: Threads of each.
        crowding: Speed of a worker while ``k`` compute, relative to alone, at place ``k - 1``.
    """

    release: str
    variant: str
    machine: str
    cost: BatchProfile
    workers: int = 1
    threads: int = 1
    crowding: tuple[float, ...] = (1.0,)
    schema: int = SCHEMA


def machine_digest(machine: Machine) -> str:
    """Return one name for hardware and versions: another one may take another time."""
    return digests.of_document(machine)


def keep(folder: Path, profile: ReleaseProfile) -> Path:
    """Write the profile that the next server of ``folder`` reads, in place of the last one."""
    places = ControlPlaces.of(folder)
    places.make()
    temporary = places.profile.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_bytes(msgspec.json.format(msgspec.json.encode(profile), indent=2))
    temporary.replace(places.profile)
    return places.profile


def recall(folder: Path, *, release: str, variant: str, machine: str) -> ReleaseProfile | None:
    """Return the kept profile; ``None`` where there is none that holds for all three.

    A file that cannot be read counts as none: a server learns the same from its own batches.
    """
    try:
        data = ControlPlaces.of(folder).profile.read_bytes()
        found = msgspec.json.decode(data, type=ReleaseProfile)
    except (OSError, msgspec.DecodeError):
        return None
    if found.schema != SCHEMA:
        return None
    same = (found.release, found.variant, found.machine) == (release, variant, machine)
    return found if same else None
