"""What the model itself can do on these cores, without any server.

The model runs in the environment and from the folder that serve it, in processes of its own:

    python limit.py FOLDER WORKLOAD SECONDS
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SECONDS = 3.0
START_S = 60.0
WINDOW = 64
GROUP = 4
BATCH = 64
LANES = 2
"""Processes (W1) or sessions of one thread each (W2): as many as the machine has cores here."""


def measured(workload: str) -> dict[str, Any]:
    """Run it once; return texts per second and CPU milliseconds a text."""
    import places

    command = [str(places.python_of("seatrial")), __file__, str(places.workload(workload))]
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "RAYON_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    done = subprocess.run(
        [*command, workload, str(SECONDS)],
        env=environment,
        stdout=subprocess.PIPE,
        timeout=START_S + 4 * SECONDS,
        check=True,
    )
    figures: dict[str, Any] = json.loads(done.stdout)
    print(f"  {'in-process limit':24} {figures['limit_per_s']:,.0f}/s", file=sys.stderr, flush=True)
    return figures


def main() -> None:
    folder, workload, seconds = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    sys.path.insert(0, str(folder))
    rows = json.loads((folder / "texts.json").read_text(encoding="utf-8"))
    texts = [row["text"] for row in rows]
    figures = (batches if workload == "w1" else windows)(texts, seconds)
    print(json.dumps(figures))


def batches(texts: list[str], seconds: float) -> dict[str, Any]:
    """W1: batches in order, in two processes; the fronts and queues of a server are absent."""
    import model

    loaded = model.load()
    child_reads, parent_writes = os.pipe()
    parent_reads, child_writes = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(child_reads, 1)
        os.write(child_writes, json.dumps(_batched(loaded, texts, seconds)).encode())
        os._exit(0)
    os.write(parent_writes, b"!")
    ours = _batched(loaded, texts, seconds)
    theirs = json.loads(os.read(parent_reads, 10_000))
    os.waitpid(child, 0)
    return {
        "limit_per_s": ours["per_s"] + theirs["per_s"],
        "cpu_ms": ours["cpu_ms"],
        "how": f"{LANES} processes, batches of {BATCH}",
    }


def _batched(loaded: Any, texts: list[str], seconds: float) -> dict[str, float]:
    loaded.predict(texts[:BATCH])
    doubled, at, done = texts + texts, 0, 0
    began, cpu = time.perf_counter(), _cpu_s()
    while (elapsed_s := time.perf_counter() - began) < seconds:
        loaded.predict(doubled[at : at + BATCH])
        at, done = (at + BATCH) % len(texts), done + BATCH
    return {"per_s": done / elapsed_s, "cpu_ms": 1e3 * (_cpu_s() - cpu) / done}


def windows(texts: list[str], seconds: float) -> dict[str, Any]:
    """W2: 64 texts wait at any moment; a free session takes some of them.

    The limit takes the oldest and the nearest to it in length, four at most. One at a time is
    measured beside it: where the model gains nothing from batches, that is the limit.
    """
    import model

    sessions = [model.load() for _ in range(LANES)]
    sizes = {text: sessions[0].size(text) for text in texts}
    grouped = _windowed(sessions, texts, seconds, lambda window: _nearest(window, sizes))
    single = _windowed(sessions, texts, seconds, lambda window: [window.pop(0)])
    return {
        "limit_per_s": max(grouped["per_s"], single["per_s"]),
        "cpu_ms": grouped["cpu_ms"],
        "how": f"{LANES} sessions of one thread, window of {WINDOW}, groups of {GROUP} at most",
        "grouped_per_s": grouped["per_s"],
        "one_by_one_per_s": single["per_s"],
        "one_by_one_cpu_ms": single["cpu_ms"],
    }


def _nearest(window: list[str], sizes: dict[str, int]) -> list[str]:
    oldest = window.pop(0)
    near = sorted(range(len(window)), key=lambda at: abs(sizes[window[at]] - sizes[oldest]))
    chosen = sorted(near[: GROUP - 1], reverse=True)
    return [oldest, *(window.pop(at) for at in chosen)]


def _windowed(
    sessions: list[Any], texts: list[str], seconds: float, take: Callable[[list[str]], list[str]]
) -> dict[str, float]:
    lock, window, done, at = threading.Lock(), texts[:WINDOW], [0], [WINDOW]
    until = time.perf_counter() + seconds

    def work(session: Any) -> None:
        while time.perf_counter() < until:
            with lock:
                group = take(window)
                for _ in group:
                    window.append(texts[at[0] % len(texts)])
                    at[0] += 1
            session.predict(group)
            with lock:
                done[0] += len(group)

    began, cpu = time.perf_counter(), _cpu_s()
    threads = [threading.Thread(target=work, args=(session,)) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed_s = time.perf_counter() - began
    return {"per_s": done[0] / elapsed_s, "cpu_ms": 1e3 * (_cpu_s() - cpu) / done[0]}


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
