"""When a worker has grown so much that another one should take its place."""

from __future__ import annotations

import math
import os
from pathlib import Path

from msgspec import Struct

MIB = 2**20

GROWTH_BYTES = 512 * MIB
"""What any model may grow by while it works: buffers of its largest batches, caches."""

HEADROOM = 1.25
"""The least a ceiling lies above a loaded model, whatever was asked: below, it would never work."""

MACHINE_SHARE = 0.8
"""How much of the machine's memory all workers together may fill."""

DUE_SHARE = 0.6
"""Part of the way to the ceiling at which a replacement is started: it takes time to load, during
which the old one works and grows on."""

_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


class MemoryLimits(Struct, frozen=True):
    """Resident memory from which a worker is due for replacement, and its ceiling.

    Attributes:
        due_bytes: From here on a replacement is started; the worker goes on meanwhile.
        ceiling_bytes: From here on it gets nothing more to do.
    """

    due_bytes: float
    ceiling_bytes: float


def memory_limits(
    loaded_bytes: int, *, asked_mib: float, machine_bytes: float, workers: int
) -> MemoryLimits:
    """Decide how much memory a worker may hold.

    Args:
        loaded_bytes: Its resident memory once warm.
        asked_mib: The ceiling that was asked for; 0: twice what it holds and 512 MiB, bounded by
            what the machine has for each worker and one more, a replacement.
        machine_bytes: Memory of the machine, or of the container.
        workers: How many there are.

    >>> found = memory_limits(100 * MIB, asked_mib=0, machine_bytes=64 * 1024 * MIB, workers=2)
    >>> found.ceiling_bytes / MIB, found.due_bytes / MIB
    (712.0, 467.2)
    """
    least = HEADROOM * loaded_bytes
    if asked_mib:
        ceiling = max(asked_mib * MIB, least)
    else:
        share = MACHINE_SHARE * machine_bytes / (workers + 1)
        ceiling = max(min(2.0 * loaded_bytes + GROWTH_BYTES, share), least)
    return MemoryLimits(loaded_bytes + DUE_SHARE * (ceiling - loaded_bytes), ceiling)


def machine_bytes() -> float:
    """Return the memory of this machine, or of the container where that has less."""
    found = float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for place in _LIMITS:
        try:
            said = Path(place).read_text().strip()
        except OSError:
            continue
        found = min(found, float(said) if said.isdecimal() else math.inf)
    return found
