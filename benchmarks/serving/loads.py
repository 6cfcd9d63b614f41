"""The two kinds of load: as fast as N connections carry, and on a schedule."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import places

from seatrial.measure.load import LoadPlan, poisson, run_load

CLOSED_LIMIT_S = 60.0
DEADLINE_S = 10.0
RAMP_S = 0.5
"""The start of an open load does not count: connections are being made."""


@dataclass(frozen=True)
class Closed:
    """A closed-loop step, by wrk where it is installed; ``generator_us`` is its CPU a request."""

    connections: int
    per_s: float
    failed: int
    p50_ms: float
    p99_ms: float
    requests: int
    seconds: float
    generator_us: float


@dataclass(frozen=True)
class Open:
    """An open-loop step: latency counts from when a request was due."""

    rate_per_s: float
    offered: int
    failed: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    late_p99_ms: float
    latencies_ms: tuple[float, ...]


def generator() -> str:
    """Name the program that makes the closed loops."""
    return "wrk" if shutil.which("wrk") else "seatrial.measure.load"


def closed(
    url: str, bodies: list[bytes], *, connections: int, seconds: int, scratch: Path
) -> Closed:
    """Keep so many connections busy (wrk counts whole seconds)."""
    if generator() == "wrk":
        return _by_wrk(url, bodies, connections=connections, seconds=seconds, scratch=scratch)
    return _by_ours(url, bodies, connections=connections, seconds=seconds)


def _by_wrk(
    url: str, bodies: list[bytes], *, connections: int, seconds: int, scratch: Path
) -> Closed:
    lines = scratch / "bodies.txt"
    lines.write_bytes(b"\n".join(bodies) + b"\n")
    command = ["wrk", "--threads", "1", "--connections", str(connections), "--timeout", "30s"]
    command += ["--duration", f"{seconds}s", "--script", str(places.HERE / "rotate.lua")]
    before = os.times()
    done = subprocess.run(
        [*command, url, "--", str(lines)],
        capture_output=True,
        text=True,
        timeout=seconds + CLOSED_LIMIT_S,
        check=True,
    )
    said = next(line for line in done.stdout.splitlines() if line.startswith("DONE "))
    figures = json.loads(said.removeprefix("DONE "))
    after = os.times()
    cpu_s = after.children_user - before.children_user
    cpu_s += after.children_system - before.children_system
    figures["generator_us"] = 1e6 * cpu_s / max(figures["requests"], 1)
    good = figures["requests"] - figures["failed"]
    return Closed(connections=connections, per_s=good / figures["seconds"], **figures)


def _by_ours(url: str, bodies: list[bytes], *, connections: int, seconds: float) -> Closed:
    plan = LoadPlan(
        bodies=tuple(bodies),
        closed_s=seconds,
        connections=connections,
        deadline_s=CLOSED_LIMIT_S,
    )
    result = run_load(url, plan)
    answered = int(result.answered.sum())
    p50_ms, p99_ms = 1e3 * np.percentile(result.felt_s, [50, 99])
    return Closed(
        connections=connections,
        per_s=result.achieved_per_s,
        failed=result.offered - answered,
        p50_ms=float(p50_ms),
        p99_ms=float(p99_ms),
        requests=result.offered,
        seconds=seconds,
        generator_us=1e6 * result.cpu_s / result.offered,
    )


def opened(url: str, bodies: list[bytes], *, rate_per_s: float, seconds: float, seed: int) -> Open:
    """Send at Poisson moments, whatever the server does."""
    rng = np.random.default_rng(seed)
    plan = LoadPlan(
        bodies=tuple(bodies),
        arrivals_s=poisson(rate_per_s, duration_s=seconds + RAMP_S, rng=rng),
        warmup_s=RAMP_S,
        duration_s=seconds + RAMP_S,
        deadline_s=DEADLINE_S,
    )
    result = run_load(url, plan)
    felt_ms = 1e3 * result.felt_s
    lateness = result.lateness_s[~result.held & ~np.isnan(result.lateness_s)]
    p50, p95, p99 = np.percentile(felt_ms, [50, 95, 99])
    return Open(
        rate_per_s=rate_per_s,
        offered=result.offered,
        failed=int((~result.answered).sum()),
        p50_ms=float(p50),
        p95_ms=float(p95),
        p99_ms=float(p99),
        late_p99_ms=1e3 * float(np.percentile(lateness, 99)) if lateness.size else float("nan"),
        latencies_ms=tuple(round(float(value), 3) for value in felt_ms),
    )
