"""Where the benchmark keeps what it makes: environments, models, texts, peers' folders."""

from __future__ import annotations

import os
from pathlib import Path

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
REQUIREMENTS = HERE / "requirements"
PEERS = HERE / "peers"
RESULTS = HERE / "results"

VARIABLE = "SEATRIAL_BENCH_CACHE"
"""Names another folder for everything made on the spot: a gigabyte and more with all peers."""

WORKLOADS = ("w1", "w2")


def cache() -> Path:
    return Path(os.environ.get(VARIABLE) or HERE / ".cache").resolve()


def environment(name: str) -> Path:
    return cache() / "venv" / name


def python_of(name: str) -> Path:
    return environment(name) / "bin" / "python"


def workload(name: str) -> Path:
    """Return the plain seatrial folder of a workload; ``texts.json`` beside its model is asked."""
    return cache() / "workloads" / name
