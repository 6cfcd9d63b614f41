"""Far more requests than the model keeps up with: what is still answered, and what a refusal costs.

    python benchmarks/faults/overload.py --quick          # W2, two minutes
    python benchmarks/faults/overload.py --write          # W2 (7 min) and W1 (4 min), with a spike
    python benchmarks/faults/overload.py w1 --rounds 3

A server of our own as it comes, with a workload of ``benchmarks/serving``. Capacity is measured by
a closed loop; then an open loop (Poisson) offers it, and multiples of it, each to a server just
started. CPU is that of the process tree by role. What a refusal costs is what the front spent
beyond its part of the answered requests (known from half the capacity, where nobody is refused).

Generator and server share the machine, so the generator is a lean one (``blast.py``), and what it
takes is in the table. W1 can be offered only as much as the cores leave for sending: the column
``sent`` says how much it was, in requests and in times the capacity. What could not be sent within
a second is not sent at all. Latency counts from sending.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "serving"))

import places  # noqa: E402  (beside the servers' benchmark)
import prepare  # noqa: E402
import processes  # noqa: E402
from asking import opening, questions  # noqa: E402
from blast import LEAD_S, Shots, blast  # noqa: E402
from overload_counts import (  # noqa: E402
    ANSWERED,
    WINDOW_S,
    Spike,
    Step,
    costs,
    outcomes,
    p99s,
    quantile,
    rates,
    recovery,
)
from overload_page import spike_table, table, verdicts  # noqa: E402
from processes import Bystanders, Tree, free_port, own_cpu_s, running  # noqa: E402
from run import alone  # noqa: E402
from servers import PEERS, Server  # noqa: E402
from turn import _own_copy as own_copy  # noqa: E402

from seatrial.measure.load import parse_shape  # noqa: E402
from seatrial.measure.load.target import make_requests, resolve_target  # noqa: E402
from seatrial.schedule.admission import WAIT_SHARE  # noqa: E402

CONNECTIONS = {"w1": 64, "w2": 32}
"""Of the closed loop that measures capacity."""

OPEN_CONNECTIONS = 2_000
GENERATORS = {"w1": 2, "w2": 1}
"""Processes that send: one cannot offer W1 more than it answers."""

DEADLINES = {"w1": [2.0, 0.25], "w2": [10.0, 2.0]}
"""The first is that of the spike. W1 refuses nobody where the deadline is longer than what all
connections together wait for."""

OFFERED = {"w1": [0.5, 1.0, 2.0, 10.0], "w2": [0.5, 1.0, 2.0, 4.0, 10.0]}
SECONDS = {"w1": 8.0, "w2": 12.0}
SPIKE_S = {"w1": 30.0, "w2": 60.0}
TICK_S = 0.002
"""What is due within so long is sent together, as a network card would hand it over: looking at
each moment apart costs more than sending does, and the server pays for it too."""

PATIENCE_S = 1.0
"""Longest that a request waits in the generator; what waits longer is not sent."""

CLOSED_S, CLOSED_WARM_S = 12.0, 4.0
CLOSED_MOST = 30_000
"""Requests per second that a closed loop never reaches: its schedule is made for as many."""

CALM_S, CALM_WARM_S = 25.0, 5.0
USUAL = 1.5
"""A p99 up to so many times that before the spike is usual, or as high as any window had then."""


@contextlib.contextmanager
def serving(folder: Path, scratch: Path) -> Iterator[tuple[str, Tree]]:
    server = Server("seatrial", "seatrial", source=str(places.REPOSITORY), role="own")
    peer, port = PEERS["seatrial"], free_port()
    start = server.started(folder, scratch, port)
    spawned_s = time.perf_counter()
    with running(
        peer.command(start), environment=server.environment(start), output=scratch / "output.txt"
    ) as (process, tree):
        asked = questions(folder, peer)
        opening(process, spawned_s=spawned_s, port=port, peer=peer, asked=asked, has_model=True)
        tree.go_ahead()
        yield f"http://127.0.0.1:{port}{peer.path}", tree


class Settled:
    """Looks, at some moments from now, how many tickets have got their answers.

    Args:
        url: Of the server.
        after_s: The first and the last moment.
    """

    def __init__(self, url: str, after_s: list[float]) -> None:
        self._page = f"{url.rpartition('/')[0]}/metrics"
        self._counts: list[float] = []
        self._looking = [threading.Timer(one_s, self._look) for one_s in after_s]
        for one in self._looking:
            one.start()

    def counted(self) -> float:
        """Return how many got theirs between the first moment and the last."""
        for one in self._looking:
            one.join()
        return self._counts[-1] - self._counts[0]

    def _look(self) -> None:
        with urllib.request.urlopen(self._page, timeout=30) as page:
            lines = page.read().decode().splitlines()
        name, answered = "seatrial_tickets_settled_total", f'code="{ANSWERED}"'
        found = [one for one in lines if one.startswith(name) and answered in one]
        self._counts.append(sum(float(one.rpartition(" ")[2]) for one in found))


def fire(
    url: str,
    bodies: tuple[bytes, ...],
    due_s: np.ndarray,
    scratch: Path,
    *,
    connections: int,
    generators: int,
    ends_s: float,
    deadline_s: float,
    tick_s: float = TICK_S,
) -> Shots:
    target = resolve_target(url)
    headers = {"X-Request-Timeout-Ms": f"{deadline_s * 1e3:g}"}
    return blast(
        target.port,
        list(make_requests(target, bodies, headers=headers)),
        due_s,
        connections=connections,
        processes=generators,
        ends_s=ends_s,
        patience_s=PATIENCE_S,
        tick_s=tick_s,
        scratch=scratch,
    )


def capacity(workload: str, folder: Path, scratch: Path, bodies: tuple[bytes, ...]) -> float:
    """Return what a closed loop gets through, in requests per second."""
    with serving(folder, scratch) as (url, _):
        # All that could be sent in half a second is due at its beginning, connections allowing.
        due_s = np.repeat(np.arange(0.0, CLOSED_S, 0.5), CLOSED_MOST // 2)
        shots = fire(
            url,
            bodies,
            due_s,
            scratch,
            connections=CONNECTIONS[workload],
            generators=1,
            ends_s=CLOSED_S,
            deadline_s=10.0,
            tick_s=0.0,
        )
    counted = (shots.statuses == ANSWERED) & (shots.done_s >= CLOSED_WARM_S)
    return float(counted.sum()) / (CLOSED_S - CLOSED_WARM_S)


def step(
    workload: str,
    folder: Path,
    scratch: Path,
    bodies: tuple[bytes, ...],
    *,
    offered: float,
    full_per_s: float,
    deadline_s: float,
    seconds: float,
    number: int,
) -> Step:
    """Offer a multiple of the capacity to a server just started; its first part does not count."""
    rate, warm_s = offered * full_per_s, max(4.0, 0.7 * deadline_s)
    until_s = 1.0 + warm_s + seconds
    arrivals = parse_shape(f"{rate / 2:g}->{rate:g}:1s, {rate:g}:{warm_s + seconds:g}s")
    due_s = arrivals.arrivals(rng=np.random.default_rng([number, int(offered * 10)]))
    with serving(folder, scratch) as (url, tree):
        others, ours_s, began_s = Bystanders(), own_cpu_s(), time.perf_counter()
        before = tree.cpu_s()
        settled = Settled(url, [LEAD_S + 1.0 + warm_s, LEAD_S + until_s])
        shots = fire(
            url,
            bodies,
            due_s,
            scratch,
            connections=OPEN_CONNECTIONS,
            generators=GENERATORS[workload],
            ends_s=until_s + deadline_s + 1.0,
            deadline_s=deadline_s,
        )
        lasted_s = time.perf_counter() - began_s
        spent = {role: cpu_s - before.get(role, 0.0) for role, cpu_s in tree.cpu_s().items()}
        generator_s = own_cpu_s() - ours_s
        taken = others.cores(generator_s + sum(spent.values()))
    cores = {role: cpu_s / lasted_s for role, cpu_s in spent.items()}
    cores |= {"generator": generator_s / lasted_s, "others": taken}
    return Step(
        workload=workload,
        deadline_s=deadline_s,
        round=number,
        offered=offered,
        offered_per_s=rate,
        seconds=seconds,
        **rates(shots, since_s=1.0 + warm_s, seconds=seconds, deadline_s=deadline_s),
        settled_per_s=settled.counted() / seconds,
        **costs(shots, cores, lasted_s=lasted_s, deadline_s=deadline_s),
    )


def spike(
    workload: str,
    folder: Path,
    scratch: Path,
    bodies: tuple[bytes, ...],
    *,
    full_per_s: float,
    deadline_s: float,
    seconds: float,
) -> Spike:
    """Offer half the capacity, ten times the capacity for a while, and half again."""
    half, most = full_per_s / 2, full_per_s * 10
    after_s = 2.0 * WAIT_SHARE * deadline_s + 3 * WINDOW_S + 5.0
    shape = parse_shape(
        f"{half:g}:{CALM_S:g}s, {half:g}->{most:g}:1s, {most:g}:{seconds:g}s, "
        f"{most:g}->{half:g}:1s, {half:g}:{after_s:g}s"
    )
    due_s = shape.arrivals(rng=np.random.default_rng(5))
    with serving(folder, scratch) as (url, _):
        shots = fire(
            url,
            bodies,
            due_s,
            scratch,
            connections=OPEN_CONNECTIONS,
            generators=GENERATORS[workload],
            ends_s=float(due_s[-1]) + deadline_s + 1.0,
            deadline_s=deadline_s,
        )
    began_s, ended_s = CALM_S + 1.0, CALM_S + seconds + 2.0
    bound_s = 2.0 * WAIT_SHARE * deadline_s
    became = outcomes(shots, deadline_s)
    good = became["good"]
    # Whoever got no answer, or a ticket, or waited in the generator, felt that.
    felt_s = np.where(good, shots.done_s - due_s, deadline_s)
    before = (due_s >= CALM_WARM_S) & (due_s < CALM_S)
    over = due_s >= ended_s + bound_s
    windows = p99s(due_s[before] - CALM_WARM_S, felt_s[before])
    usual_s = max(USUAL * quantile(felt_s[before], 0.99), *windows)
    during = rates(shots, since_s=began_s, seconds=seconds, deadline_s=deadline_s)
    return Spike(
        workload=workload,
        deadline_s=deadline_s,
        lasted_s=seconds,
        times=float(during["sent_per_s"]) / full_per_s,
        before_p99_s=quantile(felt_s[before], 0.99),
        usual_s=usual_s,
        good_before_per_s=float((good & before).sum()) / (CALM_S - CALM_WARM_S),
        good_during_per_s=float(during["good_per_s"]),
        p99_during_s=float(during["p99_s"]),
        after_p99_s=quantile(felt_s[over], 0.99),
        after_answered=float(good[over].mean()),
        recovered_s=recovery(due_s - ended_s, felt_s, usual_s=usual_s),
        bound_s=bound_s,
        lost=int(became["lost"].sum()),
    )


def main() -> None:
    options = _options()
    processes.ignore_interrupts()
    if options.ahead:
        processes.go_ahead()
    prepare.ensure(options.workloads, [])
    with alone():
        for workload in options.workloads:
            _run(workload, options)


def _run(workload: str, options: argparse.Namespace) -> None:
    steps: list[Step] = []
    spikes: list[Spike] = []
    began, before = time.time(), os.getloadavg()
    deadlines = options.deadlines or DEADLINES[workload]
    offered = options.offered or OFFERED[workload]
    seconds = options.seconds or SECONDS[workload]
    spike_s = SPIKE_S[workload] if options.spike is None else options.spike
    with tempfile.TemporaryDirectory(prefix="faults-bench-") as name:
        scratch = Path(name)
        folder = own_copy(places.workload(workload), scratch / workload)
        bodies = tuple(q.body for q in questions(folder, PEERS["seatrial"]))
        full_per_s = capacity(workload, folder, scratch, bodies)
        print(f"{workload}: {full_per_s:,.0f} requests/s", file=sys.stderr)
        for number in range(options.rounds):
            order = np.random.default_rng(number).permutation(len(offered))
            for deadline_s in deadlines:
                for place in order:
                    done = step(
                        workload,
                        folder,
                        scratch,
                        bodies,
                        offered=offered[place],
                        full_per_s=full_per_s,
                        deadline_s=deadline_s,
                        seconds=seconds,
                        number=number,
                    )
                    steps.append(done)
                    print(json.dumps(asdict(done)), file=sys.stderr)
        if spike_s:
            spikes.append(
                spike(
                    workload,
                    folder,
                    scratch,
                    bodies,
                    full_per_s=full_per_s,
                    deadline_s=deadlines[0],
                    seconds=spike_s,
                )
            )
    page = [
        f"# Overload: {workload.upper()}",
        (
            f"Capacity by a closed loop: {full_per_s:,.0f} requests/s. Rounds: {options.rounds}, "
            f"of {seconds:g} s a step. Load average before {before[0]:.1f}, after "
            f"{os.getloadavg()[0]:.1f}, on {os.cpu_count()} cores; it took "
            f"{(time.time() - began) / 60:.1f} minutes."
        ),
        verdicts(workload, steps, spikes, full_per_s),
        table(steps, full_per_s),
        *([spike_table(spikes)] if spikes else []),
    ]
    text = "\n\n".join(page) + "\n"
    print(text)
    if options.write:
        document = {
            "machine": {"cpu": platform.processor(), "python": platform.python_version()},
            "rounds": options.rounds,
            "seconds": seconds,
            "capacity_per_s": full_per_s,
            "steps": [asdict(s) for s in steps],
            "spikes": [asdict(s) for s in spikes],
        }
        results = HERE / "results"
        results.mkdir(exist_ok=True)
        (results / f"overload-{workload}.json").write_text(json.dumps(document, indent=1) + "\n")
        (results / f"overload-{workload}.md").write_text(text)


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("workloads", nargs="*", default=["w2", "w1"])
    options.add_argument("--quick", action="store_true", help="W2, three steps, 10x for 15 s")
    options.add_argument("--deadlines", nargs="*", type=float, metavar="S")
    options.add_argument("--offered", nargs="*", type=float, metavar="X")
    options.add_argument("--seconds", type=float, metavar="S")
    options.add_argument("--rounds", type=int, default=1)
    options.add_argument("--spike", type=float, metavar="S", help="0: no spike")
    options.add_argument("--ahead", action="store_true", help="take precedence over other work")
    options.add_argument("--write", action="store_true", help="keep the result in results/")
    chosen = options.parse_args()
    if chosen.quick:
        chosen.workloads, chosen.rounds, chosen.spike = ["w2"], 1, 15.0
        chosen.deadlines, chosen.offered = [2.0], [0.5, 1, 10]
    return chosen


if __name__ == "__main__":
    main()
