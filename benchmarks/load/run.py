"""What one request costs the load generator itself, in CPU time, and how late it sends.

    python benchmarks/load/run.py [--rounds N] [--json FILE]

Each round loads an echo server in another process: as fast as 32 connections carry (closed, so
that system calls are shared), then with Poisson arrivals at fixed rates (open, so that the
generator sleeps and wakes for each request). CPU time is that of the generator's thread.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np

from seatrial.evidence.machine import describe
from seatrial.measure.load import LoadPlan, LoadResult, poisson, run_load, summarise

ECHO = Path(__file__).parent / "echo.py"
BODY = b'{"inputs": ["a message of some forty characters, as users send"]}'
RATES_PER_S = (200, 1_000, 4_000, 10_000)
SECONDS = 3.0
CONNECTIONS = 32
LIBRARIES = ("httptools", "uvloop", "numpy")


def closed(url: str) -> LoadResult:
    return run_load(url, LoadPlan(bodies=(BODY,), closed_s=SECONDS, connections=CONNECTIONS))


def opened(url: str, rate_per_s: float, seed: int) -> LoadResult:
    rng = np.random.default_rng(seed)
    arrivals_s = poisson(rate_per_s, duration_s=SECONDS, rng=rng)
    return run_load(url, LoadPlan(bodies=(BODY,), arrivals_s=arrivals_s))


def one_round(url: str, seed: int) -> dict[str, LoadResult]:
    results = {f"{CONNECTIONS} connections, closed": closed(url)}
    for rate in RATES_PER_S:
        results[f"{rate:,}/s, open"] = opened(url, rate, seed)
    return results


def row(name: str, results: list[LoadResult]) -> dict[str, object]:
    figures = [summarise(result).generator for result in results]
    cpu_us = [figure.cpu_us_per_request or 0.0 for figure in figures]
    is_open = name.endswith("open")
    return {
        "load": name,
        "rounds": len(results),
        "requests": sum(result.offered for result in results),
        "failed": sum(int((~result.answered).sum()) for result in results),
        "cpu_us_median": round(statistics.median(cpu_us), 1),
        "cpu_us_low": round(min(cpu_us), 1),
        "cpu_us_high": round(max(cpu_us), 1),
        "late_p50_us": round(statistics.median(1e3 * f.late_p50_ms for f in figures))
        if is_open
        else None,
        "late_p99_us": round(statistics.median(1e3 * f.late_p99_ms for f in figures))
        if is_open
        else None,
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    collected: dict[str, list[LoadResult]] = {}
    command = [sys.executable, str(ECHO)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as echo:
        url = f"http://127.0.0.1:{int(echo.stdout.readline())}/"
        for seed in range(chosen.rounds):
            for name, result in one_round(url, seed).items():
                collected.setdefault(name, []).append(result)
        echo.stdin.close()
    rows = [row(name, results) for name, results in collected.items()]
    versions = {name: importlib.metadata.version(name) for name in LIBRARIES}
    document = {
        "machine": describe().summary(),
        "python": platform.python_version(),
        "versions": versions,
        "rows": rows,
    }
    print(f"{document['machine']}; {', '.join(f'{k} {v}' for k, v in versions.items())}")
    print(
        f"{'load':28} {'n':>8} {'failed':>6} {'CPU us: median (range)':>26} {'late p50/p99 us':>18}"
    )
    for one in rows:
        spread = f"{one['cpu_us_median']} ({one['cpu_us_low']} to {one['cpu_us_high']})"
        late = f"{one['late_p50_us']}/{one['late_p99_us']}" if one["late_p50_us"] else "-"
        print(f"{one['load']:28} {one['requests']:>8} {one['failed']:>6} {spread:>26} {late:>18}")
    if chosen.json:
        chosen.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
