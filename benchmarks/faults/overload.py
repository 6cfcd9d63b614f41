"""Far more requests than the model keeps up with: what is still answered, and what a refusal costs.

    python benchmarks/faults/overload.py --quick          # W2, two minutes
    python benchmarks/faults/overload.py --write          # both workloads and deadlines, the spike

A server of our own as it comes, with a workload of ``benchmarks/serving``. Capacity is measured by
a closed loop; then an open loop (Poisson) offers it, and multiples of it, each to a server just
started. CPU is that of the process tree by role. What a refusal costs is what the front spent
beyond its part of the answered requests (known from half the capacity, where nobody is refused).
Generator and server share the machine: what the generator takes is in the table too.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "serving"))

import places  # noqa: E402  (beside the servers' benchmark)
import prepare  # noqa: E402
import processes  # noqa: E402
from asking import opening, questions  # noqa: E402
from processes import Bystanders, Tree, free_port, own_cpu_s, running  # noqa: E402
from run import alone  # noqa: E402
from servers import PEERS, Server  # noqa: E402
from turn import _own_copy as own_copy  # noqa: E402

from seatrial.measure.load import LoadPlan, LoadResult, parse_shape, run_load  # noqa: E402
from seatrial.measure.load.timeline import rejected  # noqa: E402
from seatrial.schedule.admission import WAIT_SHARE  # noqa: E402

CONNECTIONS = {"w1": 64, "w2": 32}
OPEN_CONNECTIONS = {"w1": 256, "w2": 2000}
HELD_S = 30.0
"""Longest wait in the generator itself, for a connection or for its own processor time: W1 is
overloaded faster than it can send, and that is not the server's doing. Times count from sending."""

TICKET = 202
LEAST_SECONDS = 12.0

COLUMNS = (
    "workload",
    "deadline",
    "offered",
    "sent/s",
    "good/s (range)",
    "of peak",
    "refused/s",
    "tickets/s",
    "lost",
    "p50 s",
    "p99 s",
    "refused p99 ms",
    "cores: front, workers, generator, others",
    "refusal ms",
    "of a served one",
)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One load on one server; CPU in cores, costs in ms of CPU.

    Attributes:
        offered: Multiple of the capacity; 0.5 is where nobody is refused.
        sent_per_s: What the generator brought out.
        good_per_s: Answers inside the deadline.
        refused_per_s: 429 and 503.
        tickets_per_s: 202.
        lost: Neither answered nor refused: timeouts and broken connections.
        p99_s: Of the answered, against ``deadline_s``.
        front_ms: The front's CPU per answered request (only where none is refused).
        served_ms: Front and workers per answered request.
    """

    workload: str
    deadline_s: float
    round: int
    offered: float
    offered_per_s: float
    sent_per_s: float
    good_per_s: float
    refused_per_s: float
    tickets_per_s: float
    lost: int
    p50_s: float
    p99_s: float
    max_s: float
    front: float
    workers: float
    keeper: float
    generator: float
    others: float
    seconds: float
    refused_p99_ms: float

    @property
    def front_ms(self) -> float:
        return self.front / max(self.good_per_s, 1e-9) * 1e3

    @property
    def served_ms(self) -> float:
        return (self.front + self.workers) / max(self.good_per_s, 1e-9) * 1e3

    def refusal_ms(self, front_ms: float) -> float | None:
        turned = self.refused_per_s + self.tickets_per_s
        if turned < max(0.1 * self.good_per_s, 1.0):
            return None
        return (self.front * 1e3 - front_ms * self.good_per_s) / turned


@dataclass(frozen=True, kw_only=True)
class Spike:
    """A load that is ten times as large for a while; times in seconds."""

    workload: str
    deadline_s: float
    lasted_s: float
    before_p99_s: float
    good_before_per_s: float
    good_during_per_s: float
    good_after_per_s: float
    p99_during_s: float
    recovered_s: float | None
    bound_s: float
    lost: int


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


def capacity(workload: str, folder: Path, scratch: Path, bodies: tuple[bytes, ...]) -> float:
    """Return what a closed loop gets through, in requests per second."""
    with serving(folder, scratch) as (url, _):
        plan = LoadPlan(
            bodies=bodies, closed_s=10.0, warmup_s=4.0, connections=CONNECTIONS[workload]
        )
        result = run_load(url, plan)
    return float(result.answered.sum()) / result.duration_s


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
    with serving(folder, scratch) as (url, tree):
        arrivals = parse_shape(f"{rate / 2:g}->{rate:g}:1s, {rate:g}:{warm_s + seconds:g}s")
        rng = np.random.default_rng([number, int(offered * 10)])
        plan = plan_of(
            bodies,
            arrivals.arrivals(rng=rng),
            deadline_s=deadline_s,
            connections=OPEN_CONNECTIONS[workload],
            warmup_s=0.0,
        )
        others, ours_s, began_s = Bystanders(), own_cpu_s(), time.perf_counter()
        before = tree.cpu_s()
        result = run_load(url, plan)
        lasted_s = time.perf_counter() - began_s
        spent = {role: cpu_s - before.get(role, 0.0) for role, cpu_s in tree.cpu_s().items()}
        generator_s = own_cpu_s() - ours_s
        taken = others.cores(generator_s + sum(spent.values()))
    # By when a fate was known: what the generator could not send in time comes later.
    since_s = result.scheduled_s + result.latency_s - 1.0 - warm_s
    counted = (since_s >= 0.0) & (since_s < seconds)
    return measured(
        result,
        counted,
        workload=workload,
        deadline_s=deadline_s,
        offered=offered,
        rate=rate,
        number=number,
        seconds=seconds,
        cores={role: cpu_s / lasted_s for role, cpu_s in spent.items()},
        generator=generator_s / lasted_s,
        others=taken,
        lasted_s=lasted_s,
    )


def plan_of(
    bodies: tuple[bytes, ...],
    arrivals_s: np.ndarray,
    *,
    deadline_s: float,
    connections: int,
    warmup_s: float,
) -> LoadPlan:
    return LoadPlan(
        bodies=bodies,
        arrivals_s=arrivals_s,
        warmup_s=warmup_s,
        deadline_s=deadline_s + HELD_S,
        connections=connections,
        headers={"X-Request-Timeout-Ms": f"{deadline_s * 1e3:g}"},
        ticket_wait_s=0.0,
    )


def measured(
    result: LoadResult,
    counted: np.ndarray,
    *,
    workload: str,
    deadline_s: float,
    offered: float,
    rate: float,
    number: int,
    seconds: float,
    cores: dict[str, float],
    generator: float,
    others: float,
    lasted_s: float,
) -> Step:
    turned, tickets = rejected(result), result.statuses == TICKET
    own_s = result.latency_s - np.nan_to_num(result.lateness_s)
    good = result.answered & ~tickets & (own_s <= deadline_s)
    latencies = own_s[result.answered & ~tickets & counted]
    refused_ms = own_s[turned & counted] * 1e3
    # CPU is that of the whole load, and so are the counts it is divided by.
    whole = {"good": good, "refused": turned, "tickets": tickets}
    per_s = {name: float(mask.sum()) / lasted_s for name, mask in whole.items()}
    return Step(
        workload=workload,
        deadline_s=deadline_s,
        round=number,
        offered=offered,
        offered_per_s=rate,
        sent_per_s=float((~np.isnan(result.lateness_s) & counted).sum()) / seconds,
        good_per_s=float((good & counted).sum()) / seconds,
        refused_per_s=float((turned & counted).sum()) / seconds,
        tickets_per_s=float((tickets & counted).sum()) / seconds,
        lost=int((~(good | turned | tickets) & counted & ~np.isnan(result.lateness_s)).sum()),
        p50_s=float(np.quantile(latencies, 0.5)) if latencies.size else float("nan"),
        p99_s=float(np.quantile(latencies, 0.99)) if latencies.size else float("nan"),
        max_s=float(latencies.max()) if latencies.size else float("nan"),
        # Scaled to the part that counts, so that cores and rates belong together.
        front=cores.get("front", 0.0) * _scale(per_s, counted, whole, seconds),
        workers=cores.get("workers", 0.0),
        keeper=cores.get("keeper", 0.0),
        generator=generator,
        others=others,
        seconds=seconds,
        refused_p99_ms=float(np.quantile(refused_ms, 0.99)) if refused_ms.size else float("nan"),
    )


def _scale(
    per_s: dict[str, float], counted: np.ndarray, whole: dict[str, np.ndarray], seconds: float
) -> float:
    every = sum(per_s.values())
    inside = sum(float((mask & counted).sum()) for mask in whole.values()) / seconds
    return inside / every if every else 1.0


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
    calm_s, after_s = 15.0, 2.0 * deadline_s + 15.0
    shape = parse_shape(
        f"{half:g}:{calm_s:g}s, {half:g}->{most:g}:1s, {most:g}:{seconds:g}s, "
        f"{most:g}->{half:g}:1s, {half:g}:{after_s:g}s"
    )
    with serving(folder, scratch) as (url, _):
        arrivals = shape.arrivals(rng=np.random.default_rng(5))
        result = run_load(
            url,
            plan_of(
                bodies,
                arrivals,
                deadline_s=deadline_s,
                connections=OPEN_CONNECTIONS[workload],
                warmup_s=LEAST_SECONDS / 4,
            ),
        )
    at_s, own_s = result.scheduled_s, result.latency_s - np.nan_to_num(result.lateness_s)
    answers = result.answered & (result.statuses != TICKET) & (own_s <= deadline_s)
    felt_s = np.where(answers, result.latency_s, deadline_s)
    before = at_s < calm_s
    began_s, ended_s = calm_s + 1.0, calm_s + seconds + 2.0
    during = (at_s >= began_s) & (at_s < began_s + seconds)
    after = at_s >= ended_s
    p99_s = float(np.quantile(felt_s[before], 0.99))
    answered = during & answers
    return Spike(
        workload=workload,
        deadline_s=deadline_s,
        lasted_s=seconds,
        before_p99_s=p99_s,
        good_before_per_s=float((answers & before).sum()) / (calm_s - LEAST_SECONDS / 4),
        good_during_per_s=float((answers & during).sum()) / seconds,
        good_after_per_s=float((answers & after).sum()) / after_s,
        p99_during_s=float(np.quantile(own_s[answered], 0.99)),
        recovered_s=recovery(at_s - ended_s, felt_s, usual_s=max(2.0 * p99_s, 0.1)),
        bound_s=2.0 * WAIT_SHARE * deadline_s,
        lost=int((result.statuses == 0).sum()),
    )


def recovery(since_s: np.ndarray, felt_s: np.ndarray, *, usual_s: float) -> float | None:
    """Return from when on the worst of every half second is usual again; ``None``: never."""
    last = 0.0
    for start in np.arange(0.0, float(since_s.max()), 0.5):
        inside = felt_s[(since_s >= start) & (since_s < start + 0.5)]
        if inside.size and float(np.quantile(inside, 0.99)) > usual_s:
            last = float(start) + 0.5
    return None if last > float(since_s.max()) - 1.0 else last


def table(steps: list[Step]) -> str:
    """Return medians over rounds, with the range of the goodput."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|" + " --- |" * len(COLUMNS)]
    for workload, deadline_s in dict.fromkeys((s.workload, s.deadline_s) for s in steps):
        mine = [s for s in steps if (s.workload, s.deadline_s) == (workload, deadline_s)]
        offers = sorted({s.offered for s in mine})
        at = {offered: [s for s in mine if s.offered == offered] for offered in offers}
        peak = max(_median(at[offered], "good_per_s") for offered in offers)
        calm = at[offers[0]]
        front_ms, served_ms = _median(calm, "front_ms"), _median(calm, "served_ms")
        for offered in offers:
            rows = at[offered]
            goods = [s.good_per_s for s in rows]
            costs = [c for s in rows if (c := s.refusal_ms(front_ms)) is not None]
            cost = statistics.median(costs) if costs else None
            cores = ", ".join(
                f"{_median(rows, name):.2f}" for name in ("front", "workers", "generator", "others")
            )
            said = "" if cost is None else f"{cost:.3f}"
            share = "" if cost is None else f"{cost / served_ms:.1%}"
            lines.append(
                f"| {workload} | {deadline_s:g} s | {offered:g}x | "
                f"{_median(rows, 'sent_per_s'):,.0f} | {statistics.median(goods):,.0f} "
                f"({min(goods):,.0f}-{max(goods):,.0f}) | {statistics.median(goods) / peak:.0%} | "
                f"{_median(rows, 'refused_per_s'):,.0f} | {_median(rows, 'tickets_per_s'):,.0f} | "
                f"{sum(s.lost for s in rows)} | {_median(rows, 'p50_s'):.2f} | "
                f"{_median(rows, 'p99_s'):.2f} | {_median(rows, 'refused_p99_ms'):.0f} | {cores} | "
                f"{said} | {share} |"
            )
    return "\n".join(lines)


def _median(steps: list[Step], name: str) -> float:
    return statistics.median(getattr(s, name) for s in steps)


def main() -> None:
    options = _options()
    processes.ignore_interrupts()
    if options.ahead:
        processes.go_ahead()
    prepare.ensure(options.workloads, [])
    with alone():
        _run(options)


def _run(options: argparse.Namespace) -> None:
    steps: list[Step] = []
    spikes: list[Spike] = []
    capacities: dict[str, float] = {}
    for workload in options.workloads:
        with tempfile.TemporaryDirectory(prefix="faults-bench-") as name:
            scratch = Path(name)
            folder = own_copy(places.workload(workload), scratch / workload)
            bodies = tuple(q.body for q in questions(folder, PEERS["seatrial"]))
            full_per_s = capacities[workload] = capacity(workload, folder, scratch, bodies)
            print(f"{workload}: {full_per_s:,.0f} requests/s", file=sys.stderr)
            for number in range(options.rounds):
                order = np.random.default_rng(number).permutation(len(options.offered))
                for deadline_s in options.deadlines:
                    for place in order:
                        done = step(
                            workload,
                            folder,
                            scratch,
                            bodies,
                            offered=options.offered[place],
                            full_per_s=full_per_s,
                            deadline_s=deadline_s,
                            seconds=options.seconds,
                            number=number,
                        )
                        steps.append(done)
                        print(json.dumps(asdict(done)), file=sys.stderr)
            if options.spike:
                for deadline_s in options.deadlines:
                    found = spike(
                        workload,
                        folder,
                        scratch,
                        bodies,
                        full_per_s=full_per_s,
                        deadline_s=deadline_s,
                        seconds=options.spike,
                    )
                    spikes.append(found)
    print(table(steps))
    for found in spikes:
        print(found)
    if options.write:
        document = {
            "machine": {"cpu": platform.processor(), "python": platform.python_version()},
            "rounds": options.rounds,
            "seconds": options.seconds,
            "capacity_per_s": capacities,
            "steps": [asdict(s) for s in steps],
            "spikes": [asdict(s) for s in spikes],
        }
        target = HERE / "results" / f"overload-{time.strftime('%Y%m%d')}.json"
        target.parent.mkdir(exist_ok=True)
        target.write_text(json.dumps(document, indent=1) + "\n")
        print(target)


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("workloads", nargs="*", default=["w2", "w1"])
    options.add_argument("--quick", action="store_true", help="W2, one round, 10x for 15 s")
    options.add_argument("--deadlines", nargs="*", type=float, default=[10.0, 2.0], metavar="S")
    options.add_argument("--offered", nargs="*", type=float, default=[0.5, 1, 2, 4, 10])
    options.add_argument("--seconds", type=float, default=LEAST_SECONDS)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--spike", type=float, default=60.0, metavar="S", help="0: no spike")
    options.add_argument("--ahead", action="store_true", help="take precedence over other work")
    options.add_argument("--write", action="store_true", help="keep the result in results/")
    chosen = options.parse_args()
    if chosen.quick:
        chosen.workloads, chosen.rounds, chosen.spike = ["w2"], 1, 15.0
        chosen.deadlines, chosen.offered = [2.0], [0.5, 1, 10]
    return chosen


if __name__ == "__main__":
    main()
