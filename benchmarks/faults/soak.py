"""Thirty minutes at 70 % of what a server can do: errors, and memory by request.

    python benchmarks/faults/soak.py [--minutes 30] [--write]

The model waits rather than computes, so that the machine is not the limit: what is tried is the
server. Memory is that of the front and its workers (USS where there is one, for shared pages are
nobody's growth), read every few seconds. Its slope over requests is fitted by least squares; the
interval is widened for the correlation of neighbouring readings by a block bootstrap.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from seatrial.evidence.machine import describe
from seatrial.measure.load import LoadPlan, run_load, summarise
from seatrial.measure.load.arrivals import poisson

MODEL = '''
import time

class Model:
    """Waits as long as a small encoder computes."""

    def predict(self, inputs):
        time.sleep(0.004 * len(inputs))
        return [{"output": len(value) % 2, "confidence": 0.75} for value in inputs]

def load():
    return Model()
'''
ROW_S = 0.004
WORKERS = 2
SHARE = 0.7
EVERY_S = 5.0
BLOCKS = 20
Reading = tuple[float, float]
"""Requests so far, and bytes held."""
RESULT = Path(__file__).with_name("results") / "soak.json"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--write", action="store_true", help="keep the figures in results/")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = soak(Path(name), options.minutes * 60)
    print(json.dumps(found, indent=2))
    if options.write:
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps(found, indent=2) + "\n")
    return 0 if found["errors"] == 0 and found["slope_high_bytes"] <= 50 else 1


def soak(folder: Path, seconds: float) -> dict[str, Any]:
    (folder / "model.py").write_text(MODEL)
    (folder / "seatrial.toml").write_text('[model]\nname = "soak"\nload = "model:load"\n')
    command = [sys.executable, "-m", "seatrial", "serve", str(folder), "--port", "0", "--json"]
    popen = subprocess.Popen([*command, "--workers", str(WORKERS)], stdout=subprocess.PIPE)
    try:
        ready = json.loads(popen.stdout.readline())
        return under_load(ready["url"], psutil.Process(popen.pid), seconds)
    finally:
        popen.terminate()
        popen.wait(60)
        popen.stdout.close()


def under_load(url: str, front: psutil.Process, seconds: float) -> dict[str, Any]:
    rate = SHARE * WORKERS / ROW_S
    rng = np.random.default_rng(0)
    arrivals = poisson(rate, duration_s=seconds, rng=rng)
    bodies = tuple(
        json.dumps({"inputs": [" ".join(f"word{n}" for n in rng.integers(0, 5_000, 18))]}).encode()
        for _ in range(500)
    )
    plan = LoadPlan(bodies=bodies, arrivals_s=arrivals, duration_s=seconds)
    readings: list[Reading] = []
    stop = threading.Event()
    watch = threading.Thread(target=read, args=(front, rate, stop, readings))
    watch.start()
    try:
        summary = summarise(run_load(f"{url}/predict", plan))
    finally:
        stop.set()
        watch.join()
    slope, low, high = slope_of(readings)
    return {
        "machine": describe().summary(),
        "load_average": psutil.getloadavg()[0],
        "seconds": seconds,
        "rate_per_s": rate,
        "sent": int(summary.sent),
        "errors": int(summary.sent - summary.answered),
        "statuses": {str(status): count for status, count in dict(summary.statuses).items()},
        "latency_ms": {at.name: at.value_ms for at in summary.latency},
        "readings": len(readings),
        "first_mib": readings[0][1] / 2**20,
        "last_mib": readings[-1][1] / 2**20,
        "slope_bytes": slope,
        "slope_low_bytes": low,
        "slope_high_bytes": high,
    }


def read(
    front: psutil.Process, rate: float, stop: threading.Event, readings: list[Reading]
) -> None:
    began = time.monotonic()
    while not stop.wait(EVERY_S):
        family = [front, *front.children()]
        own = [at for at in family if "seatrial.serve.keeper" not in " ".join(at.cmdline())]
        held = sum(at.memory_full_info().uss for at in own)
        readings.append((rate * (time.monotonic() - began), float(held)))


def slope_of(readings: list[Reading]) -> tuple[float, float, float]:
    """Bytes per request with a 95 % interval, after the first tenth (caches fill then)."""
    points = np.array(readings[len(readings) // 10 :])
    rng = np.random.default_rng(0)
    blocks = np.array_split(points, BLOCKS)
    slopes = []
    for _ in range(2_000):
        drawn = np.concatenate([blocks[at] for at in rng.integers(0, len(blocks), len(blocks))])
        slopes.append(np.polyfit(drawn[:, 0], drawn[:, 1], 1)[0])
    low, high = np.quantile(slopes, [0.025, 0.975])
    return float(np.polyfit(points[:, 0], points[:, 1], 1)[0]), float(low), float(high)


if __name__ == "__main__":
    sys.exit(main())
