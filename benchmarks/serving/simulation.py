"""Does the simulator say what the server does?

    python benchmarks/serving/simulation.py [w1] [w2] [--ahead] [--runs 5] [--seconds 10] [--write]

For each workload: measure the batch profile, start `seatrial serve`, measure in closed loops what a
request costs beside the model (CPU of front, workers and generator, from outside), then load at
three rates below saturation, several runs each. The same arrivals go through the simulator, which
runs the same scheduler. Asked: throughput within 10 %, p99 within 20 % or within the range of the
server's own runs. Nothing is fitted to the runs that are predicted. What other work on the machine
took during the closed loops is left out of the simulated cores; the stalls that it causes are not
modelled, so judge tails on a quiet machine.
"""

from __future__ import annotations

import argparse
import http.client
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import asking
import msgspec
import numpy as np
import places
from numpy.typing import NDArray
from processes import Bystanders, Tree, free_port, go_ahead, own_cpu_s, running
from servers import PEERS, Start

from seatrial.core.clock import TimeBudget
from seatrial.evidence.machine import describe
from seatrial.evidence.recorder import conditions
from seatrial.measure.load import LoadPlan, poisson, run_load
from seatrial.measure.profile import Profiled, measure_profile
from seatrial.models.process import ModelProcess
from seatrial.schedule.batcher import Batcher
from seatrial.schedule.leastsquares import non_negative
from seatrial.schedule.packing import packing
from seatrial.schedule.profile import BatchProfile
from seatrial.schedule.simulation import Costs, Simulated, Traffic
from seatrial.schedule.simulator import Simulator
from seatrial.serve.deployment import HAND_OVER_S
from seatrial.serve.sizes import size_of

FloatArray = NDArray[np.float64]

LOADS = (0.3, 0.5, 0.7)
"""Shares of the server's saturation."""

PROFILE_S = 20.0
SETTLE_S = 3.0
RAMP_S = 1.0
CLOSED_S = 5.0
CONNECTIONS = 64
DEPTHS = (1, 8, 24, CONNECTIONS)
"""Closed loops whose costs are taken apart; the last is the saturation."""

ROWS_MAX = 64
HOPS = 4
"""Times that a process wakes for a request alone: front, worker, front again, generator."""

ANSWERING = 0.5
"""Share of the front's CPU for a request that comes after the model; the split moves little."""

RATE_WITHIN, P99_WITHIN = 0.10, 0.20


@dataclass(frozen=True)
class Seen:
    """A closed loop: rate, latency, and CPU seconds a request."""

    per_s: float
    mean_s: float
    front_s: float
    workers_s: float
    generator_s: float
    batch_rows: float


@dataclass(frozen=True)
class Line:
    """One load, both ways."""

    workload: str
    offered_per_s: float
    real_per_s: float
    said_per_s: float
    real_p50_ms: float
    said_p50_ms: float
    real_p99_ms: float
    real_p99_low_ms: float
    real_p99_high_ms: float
    said_p99_ms: float

    @property
    def rate_off(self) -> float:
        return self.said_per_s / self.real_per_s - 1.0

    @property
    def p99_off(self) -> float:
        return self.said_p99_ms / self.real_p99_ms - 1.0

    @property
    def holds(self) -> bool:
        within = self.real_p99_low_ms <= self.said_p99_ms <= self.real_p99_high_ms
        return abs(self.rate_off) <= RATE_WITHIN and (abs(self.p99_off) <= P99_WITHIN or within)


class Served:
    """A running server and what its processes have used."""

    def __init__(self, tree: Tree, port: int, bodies: tuple[bytes, ...]) -> None:
        self.tree = tree
        self.port = port
        self.bodies = bodies
        self.url = f"http://127.0.0.1:{port}/predict"

    @property
    def workers(self) -> int:
        found = self.tree.memory().get("workers")
        return found.processes if found else 0

    def closed(self, connections: int, seconds: float) -> Seen:
        before, calls, rows = self.tree.cpu_s(), *self._batches()
        plan = LoadPlan(bodies=self.bodies, closed_s=seconds, connections=connections)
        result = run_load(self.url, plan)
        after, calls_after, rows_after = self.tree.cpu_s(), *self._batches()
        count = len(result.latency_s)

        def spent(role: str) -> float:
            return (after.get(role, 0.0) - before.get(role, 0.0)) / count

        return Seen(
            per_s=result.achieved_per_s,
            mean_s=float(result.latency_s.mean()),
            front_s=spent("front"),
            workers_s=spent("workers"),
            generator_s=result.cpu_s / count,
            batch_rows=(rows_after - rows) / max(calls_after - calls, 1),
        )

    def opened(self, arrivals_s: FloatArray, seconds: float) -> tuple[float, FloatArray]:
        """Return answers per second and latencies of what was due after the ramp."""
        plan = LoadPlan(
            bodies=self.bodies, arrivals_s=arrivals_s, warmup_s=RAMP_S, duration_s=seconds + RAMP_S
        )
        result = run_load(self.url, plan)
        answered = result.answered
        return float(answered.sum()) / seconds, result.latency_s[answered]

    def _batches(self) -> tuple[float, float]:
        """Return calls of the model and rows in them, from the metrics."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        found = {"seatrial_batch_size_count": 0.0, "seatrial_batch_size_sum": 0.0}
        for line in text.splitlines():
            name = line.partition("{")[0].partition(" ")[0]
            if name in found:
                found[name] += float(line.rpartition(" ")[2])
        return found["seatrial_batch_size_count"], found["seatrial_batch_size_sum"]


@contextmanager
def serving(folder: Path, scratch: Path) -> Iterator[Served]:
    peer, port = PEERS["seatrial"], free_port()
    command = peer.command(Start(folder, scratch, port))
    rows = json.loads((folder / "texts.json").read_text(encoding="utf-8"))
    bodies = tuple(json.dumps(peer.body(row["text"])).encode() for row in rows)
    with running(command, environment={}, output=scratch / "said") as (process, tree):
        ends_at = time.monotonic() + asking.START_S
        while not _ready(port):
            if process.poll() is not None or time.monotonic() > ends_at:
                raise SystemExit((scratch / "said").read_text())
            time.sleep(asking.POLL_S)
        tree.go_ahead()
        yield Served(tree, port, bodies)


def _ready(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def profiled(folder: Path, cores: int) -> Profiled:
    rows = json.loads((folder / "texts.json").read_text(encoding="utf-8"))
    return measure_profile(
        lambda threads: ModelProcess(folder, threads=threads),
        [row["text"] for row in rows],
        at=conditions("benchmark"),
        budget=TimeBudget(PROFILE_S),
        rows_max=ROWS_MAX,
        cores=cores,
        size=size_of("text"),
    )


def costs_of(seen: dict[int, Seen], cost: BatchProfile, sizes: FloatArray) -> Costs:
    """Split what was measured from outside into what the simulator asks for.

    Over closed loops of different depth, what a request costs the front is a part of its own and
    a share of its batch; for a worker likewise, beside what the profile says of the model.

    Args:
        seen: Closed loops by their connections; one connection shows how long waking takes.
        cost: What the profile says of the model.
        sizes: Sizes of the texts.
    """
    loops = [one for connections, one in seen.items() if connections > 1]
    share = np.array([1.0 / max(one.batch_rows, 1.0) for one in loops])
    columns = np.stack([np.ones_like(share), share], axis=1)
    request_s, batch_s = non_negative(columns, np.array([one.front_s for one in loops])).tolist()
    beside = [max(one.workers_s - _model_s(one, cost, sizes), 0.0) for one in loops]
    row_s, call_s = non_negative(columns, np.array(beside)).tolist()
    generator_s = min(one.generator_s for one in loops)
    alone = seen[1]
    computing_s = alone.front_s + alone.workers_s + alone.generator_s
    return Costs(
        read_s=request_s * (1 - ANSWERING),
        answer_s=request_s * ANSWERING,
        refuse_s=request_s * ANSWERING,
        batch_s=batch_s,
        call_s=call_s,
        row_s=row_s,
        send_s=generator_s / 2,
        hear_s=generator_s / 2,
        wake_s=max(alone.mean_s - computing_s, 0.0) / HOPS,
    )


def _model_s(one: Seen, cost: BatchProfile, sizes: FloatArray) -> float:
    """Return what the profile says of a row, in batches of like sizes."""
    rows = max(round(one.batch_rows), 1)
    return float(np.mean([cost.seconds(rows, size, rows * size) / rows for size in sizes]))


def simulated(
    found: Profiled, costs: Costs, sizes: FloatArray, *, workers: int, cores: float, seed: int,
    arrivals_s: FloatArray | None = None, count: int = 0,
) -> Simulated:  # fmt: skip
    asked = count if arrivals_s is None else len(arrivals_s)
    # The server packs by what it sees, the way to the worker included.
    packed = msgspec.structs.replace(found.cost, call_s=found.cost.call_s + HAND_OVER_S)
    return Simulator(
        Traffic(
            sizes=np.resize(sizes, asked),
            arrivals_s=arrivals_s,
            connections=CONNECTIONS if arrivals_s is None else 256,
        ),
        batcher=Batcher(
            packing(packed, rows_max=ROWS_MAX, workers=workers), queue_rows=4096, grace_s=1.0
        ),
        profile=found.cost,
        workers=workers,
        rng=np.random.default_rng(seed),
        cores=cores,
        costs=costs,
        crowding=found.crowding,
    ).run()


def compare(workload: str, *, runs: int, seconds: float) -> dict[str, Any]:
    cores = describe().cores
    with tempfile.TemporaryDirectory() as scratch_name:
        scratch = Path(scratch_name)
        folder = scratch / "folder"
        shutil.copytree(
            places.workload(workload), folder, ignore=shutil.ignore_patterns(".seatrial")
        )
        found = profiled(folder, cores)
        rows = json.loads((folder / "texts.json").read_text(encoding="utf-8"))
        sizes = np.array([size_of("text")(row["text"]) for row in rows], dtype=float)
        with serving(folder, scratch) as server:
            server.closed(CONNECTIONS, SETTLE_S)
            bystanders, ours_s = Bystanders(), own_cpu_s() + sum(server.tree.cpu_s().values())
            seen = {count: server.closed(count, CLOSED_S) for count in DEPTHS}
            used_s = own_cpu_s() + sum(server.tree.cpu_s().values()) - ours_s
            others = bystanders.cores(used_s)
            workers = server.workers
            real = _runs(server, seen[CONNECTIONS].per_s, runs=runs, seconds=seconds)
    costs, crowded = costs_of(seen, found.cost, sizes), seen[CONNECTIONS]
    # What other work took of the machine before, it will take of it again.
    told = {"workers": workers, "cores": max(cores - others, 1.0)}
    began, closed = time.process_time(), simulated(
        found, costs, sizes, seed=0, count=int(crowded.per_s * CLOSED_S) + CONNECTIONS, **told
    )  # fmt: skip
    simulated_per_s = len(closed.latency_s) / (time.process_time() - began)

    def said(seed: int, arrivals_s: FloatArray) -> Simulated:
        return simulated(found, costs, sizes, seed=seed, arrivals_s=arrivals_s, **told)

    lines = [_line(workload, real[load], said, seconds=seconds) for load in LOADS]
    return {
        "workload": workload,
        "workers": workers,
        "closed": {str(count): asdict(one) for count, one in seen.items()},
        "costs_us": {
            name: round(1e6 * getattr(costs, name), 1) for name in costs.__struct_fields__
        },
        "profile_error": found.cost.error,
        "crowding": found.crowding,
        "saturation_per_s": crowded.per_s,
        "said_saturation_per_s": closed.rate_per_s,
        "said_batch_rows": _mean_rows(closed),
        "simulated_requests_per_s": simulated_per_s,
        "other_cores": others,
        "lines": [
            asdict(line) | {"rate_off": line.rate_off, "p99_off": line.p99_off, "holds": line.holds}
            for line in lines
        ],
    }


def _runs(
    server: Served, saturation_per_s: float, *, runs: int, seconds: float
) -> dict[float, list[tuple[FloatArray, float, FloatArray]]]:
    """Load at every rate in turn, again and again: arrivals, answers per second, latencies."""
    found: dict[float, list[tuple[FloatArray, float, FloatArray]]] = {load: [] for load in LOADS}
    for run in range(runs):
        for load in LOADS:
            rng = np.random.default_rng([run, int(100 * load)])
            arrivals_s = poisson(load * saturation_per_s, duration_s=seconds + RAMP_S, rng=rng)
            found[load].append((arrivals_s, *server.opened(arrivals_s, seconds)))
    return found


def _line(
    workload: str,
    real: list[tuple[FloatArray, float, FloatArray]],
    said: Callable[[int, FloatArray], Simulated],
    *,
    seconds: float,
) -> Line:
    said_per_s, said_p50, said_p99 = [], [], []
    for seed, (arrivals_s, _, _) in enumerate(real):
        run = said(seed, arrivals_s)
        counted = run.latency_s[(arrivals_s >= RAMP_S) & run.answered]
        said_per_s.append(len(counted) / seconds)
        said_p50.append(1e3 * np.quantile(counted, 0.5))
        said_p99.append(1e3 * np.quantile(counted, 0.99))
    p99 = [1e3 * float(np.quantile(latency_s, 0.99)) for _, _, latency_s in real]
    return Line(
        workload=workload,
        offered_per_s=statistics.median(len(due_s) / (seconds + RAMP_S) for due_s, *_ in real),
        real_per_s=statistics.median(per_s for _, per_s, _ in real),
        said_per_s=statistics.median(said_per_s),
        real_p50_ms=statistics.median(1e3 * float(np.quantile(one, 0.5)) for _, _, one in real),
        said_p50_ms=float(statistics.median(said_p50)),
        real_p99_ms=statistics.median(p99),
        real_p99_low_ms=min(p99),
        real_p99_high_ms=max(p99),
        said_p99_ms=float(statistics.median(said_p99)),
    )  # fmt: skip


def _mean_rows(run: Simulated) -> float:
    calls = sum(run.batch_rows.values())
    return sum(rows * count for rows, count in run.batch_rows.items()) / max(calls, 1)


def show(found: dict[str, Any]) -> None:
    print(f"\n{found['workload']}: {found['workers']} workers, others took "
          f"{found['other_cores']:.2f} cores, profile off by {found['profile_error']:.1%}, "
          f"{found['simulated_requests_per_s']:,.0f} simulated requests a CPU second")  # fmt: skip
    print(f"costs (µs): {found['costs_us']}")
    deepest = found["closed"][str(CONNECTIONS)]
    print(f"saturation: real {deepest['per_s']:.0f}/s in batches of {deepest['batch_rows']:.1f}, "
          f"simulated {found['said_saturation_per_s']:.0f}/s "
          f"in {found['said_batch_rows']:.1f}")  # fmt: skip
    print("| offered | real/s | said/s | off | real p50 | said | real p99 | said | off | holds |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for line in found["lines"]:
        print(
            f"| {line['offered_per_s']:.0f} | {line['real_per_s']:.0f} | {line['said_per_s']:.0f} "
            f"| {line['rate_off']:+.1%} | {line['real_p50_ms']:.1f} | {line['said_p50_ms']:.1f} "
            f"| {line['real_p99_ms']:.1f} ({line['real_p99_low_ms']:.1f} to "
            f"{line['real_p99_high_ms']:.1f}) | {line['said_p99_ms']:.1f} "
            f"| {line['p99_off']:+.1%} | {'yes' if line['holds'] else 'NO'} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workloads", nargs="*", default=list(places.WORKLOADS))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each run")
    parser.add_argument("--ahead", action="store_true", help="take precedence over other work")
    parser.add_argument("--write", action="store_true", help="keep the figures in results/")
    chosen = parser.parse_args()
    if chosen.ahead:
        go_ahead()
    found = [compare(one, runs=chosen.runs, seconds=chosen.seconds) for one in chosen.workloads]
    for one in found:
        show(one)
    if chosen.write:
        places.RESULTS.mkdir(exist_ok=True)
        document = {"machine": describe().summary(), "comparisons": found}
        target = places.RESULTS / "simulation.json"
        target.write_text(json.dumps(document, indent=1), encoding="utf-8")
    sys.exit(not all(line["holds"] for one in found for line in one["lines"]))


if __name__ == "__main__":
    main()
