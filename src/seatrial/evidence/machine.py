"""The machine a figure was measured on: a number without it cannot be compared."""

from __future__ import annotations

import importlib.metadata
import os
import platform

import psutil
from msgspec import Struct

LIBRARIES = ("seatrial", "numpy", "scipy", "scikit-learn", "onnxruntime", "torch", "transformers")
"""Libraries whose version can change an answer or a latency."""

GIB = 1024**3


class Machine(Struct, frozen=True, kw_only=True):
    """Hardware and versions at the time of a measurement."""

    cpu: str
    cores: int
    memory_gib: float
    accelerator: str | None
    system: str
    python: str
    versions: dict[str, str]

    def summary(self) -> str:
        """Return one line for people."""
        return (
            f"{self.cpu}, {self.cores} cores, {self.memory_gib:g} GiB, {self.system}, "
            f"Python {self.python}"
        )


def describe() -> Machine:
    """Describe this machine; ``cores`` are those that this process may use."""
    return Machine(
        cpu=_cpu_name(),
        cores=usable_cores(),
        memory_gib=round(psutil.virtual_memory().total / GIB, 1),
        accelerator=None,
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        versions=_versions(),
    )


def usable_cores() -> int:
    """Return the cores that the scheduler lets this process use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123  (not a path of ours)
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
