"""Seatrial beside its peers on two workloads: one command, one table.

    python benchmarks/serving/run.py --quick [--workload w1] [--servers "fastapi x2" mlserver]
    python benchmarks/serving/run.py [--rounds 5] [--write]
    python benchmarks/serving/run.py --search all [--workload w2]

Every server has one turn in every round, in an order shuffled with the seed; figures are medians
over the rounds, comparisons are made within a round. Needs SEATRIAL_DATA the first time.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import limit
import loads
import places
import prepare
import processes
import servers as known
import table
from servers import PEERS, Server
from turn import Plan, Turn, take

from seatrial.evidence.machine import describe

FULL = {
    "w1": Plan(connections=(1, 16, 64, 256), closed_s=3, open_s=5.0, idle_s=10.0, sustained_s=20),
    "w2": Plan(connections=(1, 16, 64, 256), closed_s=4, open_s=10.0, idle_s=10.0, sustained_s=20),
}
CALIBRATION = Plan(connections=(16, 64, 256), closed_s=2, settle=False)
QUICK = {
    "w1": Plan(connections=(1, 64, 256), closed_s=2, open_s=3.0, settle=False),
    "w2": Plan(connections=(1, 64), closed_s=3, open_s=6.0, settle=False),
}
SEARCH = Plan(connections=(16, 64), closed_s=2, settle=False)
QUICK_PEERS = {"w1": ("fastapi x2",), "w2": ("fastapi",)}
WAIT_S = 900.0


def quick(workload: str, chosen: list[Server], *, rounds: int, seed: int) -> list[dict[str, Turn]]:
    """Peers first in each round: half of the best one's saturation is what all are asked next."""
    done = []
    for number in range(rounds):
        turns: dict[str, Turn] = {}
        for server in sorted(chosen, key=lambda server: server.role != "peer"):
            saturated = (turns[s.name].saturation for s in chosen if s.name in turns)
            half = max(saturated, default=0.0) / 2 if server.role == "own" else 0.0
            turns[server.name] = _told(server, workload, QUICK[workload], half, seed + number)
        done.append(turns)
    return done


def full(
    workload: str, chosen: list[Server], *, rounds: int, seed: int
) -> tuple[list[dict[str, Turn]], list[dict[str, Any]], float]:
    """Return the rounds, the in-process limits of each, and the rate that all were asked at."""
    peers = [server for server in chosen if server.role == "peer"]
    calibration = [_told(server, workload, CALIBRATION, 0.0, seed) for server in peers]
    half = max((turn.saturation for turn in calibration), default=0.0) / 2
    done, limits = [], []
    for number in range(rounds):
        order = [*chosen, None]
        random.Random(seed + number).shuffle(order)
        print(f"{workload} round {number + 1} of {rounds}", file=sys.stderr)
        turns = {}
        for server in order:
            if server is None:
                limits.append(limit.measured(workload))
            else:
                turns[server.name] = _told(server, workload, FULL[workload], half, seed + number)
        done.append(turns)
    return done, limits, half


def search(workload: str, peer: str, *, rounds: int, seed: int) -> None:
    """Try every configuration of a peer; print them, the fastest first."""
    candidates = known.candidates(workload, peer)
    conditions = _conditions(candidates)
    done = []
    for number in range(rounds):
        order = list(candidates)
        random.Random(seed + number).shuffle(order)
        done.append({s.name: _told(s, workload, SEARCH, 0.0, seed) for s in order})
    rows = [table.summary(done, server) for server in candidates]
    rows.sort(key=lambda row: -row["figures"].get("saturation_per_s", {"median": 0})["median"])
    _keep(f"search-{workload}-{peer}", {"rounds": rounds, "rows": rows} | conditions)
    write_between(places.HERE / "README.md", "searches", table.searches_markdown(_searches()))
    print(f"\n{peer} on {workload}, {rounds} rounds:\n\n{table.markdown(rows)}")


def _searches() -> list[dict[str, Any]]:
    """Read what every search so far found."""
    found = []
    for file in sorted(places.RESULTS.glob("search-*.json")):
        _, workload, peer = file.stem.split("-", 2)
        document = json.loads(file.read_text(encoding="utf-8"))
        found.append({"workload": workload, "peer": peer, **document})
    return found


def _told(server: Server, workload: str, plan: Plan, half: float, seed: int) -> Turn:
    began = time.monotonic()
    turn = take(server, workload, plan, peer_half_per_s=half, seed=seed)
    cpu = table.cpu_ms(turn)
    said = turn.error or f"{turn.saturation:,.0f}/s, {cpu or 0:.3f} CPU ms/req"
    others = f"others took {turn.bystanders:.2f} cores"
    seconds = time.monotonic() - began
    print(f"  {server.name:24} {said}; {others}; {seconds:.0f} s", file=sys.stderr, flush=True)
    return turn


def _conditions(chosen: list[Server]) -> dict[str, Any]:
    peers = {server.peer for server in chosen}
    return {
        "machine": describe().summary(),
        "generator": {"closed": loads.generator(), "open": "seatrial.measure.load"},
        "versions": {peer: _versions(peer) for peer in sorted(peers)},
        "niceness": os.nice(0),
        "load_average_before": [round(value, 2) for value in os.getloadavg()],
        "began": time.strftime("%Y-%m-%d"),
    }


def _versions(peer: str) -> dict[str, str]:
    found = {}
    libraries = ("scikit-learn", "onnxruntime", "tokenizers", "numpy")
    site = next(places.environment(PEERS[peer].environment).glob("lib/python*/site-packages"), None)
    for name in (*PEERS[peer].distributions, *libraries):
        for folder in site.glob(f"{name.replace('-', '_')}-*.dist-info") if site else ():
            found[name] = folder.name.removesuffix(".dist-info").rpartition("-")[2]
    return found


@dataclass(frozen=True)
class Outcome:
    """A workload's rounds and what was computed from them."""

    workload: str
    rounds: list[dict[str, Turn]]
    chosen: list[Server]
    limits: list[dict[str, Any]]
    conditions: dict[str, Any]

    def tables(self) -> str:
        rows = [table.summary(self.rounds, server) for server in self.chosen]
        parts = (self._compared(), table.markdown(rows), table.split_markdown(rows))
        return "\n\n".join([self._conditions(), *parts])

    def document(self) -> dict[str, Any]:
        return {
            "workload": self.workload,
            "rounds": len(self.rounds),
            **self.conditions,
            "limits": self.limits,
            "comparisons": [asdict(one) for one in self._comparisons()],
            "rows": [table.summary(self.rounds, server) for server in self.chosen],
            "turns": [{name: _plain(turn) for name, turn in each.items()} for each in self.rounds],
        }

    def _comparisons(self) -> list[table.Comparison]:
        limits = [each["limit_per_s"] for each in self.limits]
        return table.comparisons(self.workload, self.rounds, self.chosen, limits)

    def _compared(self) -> str:
        return table.comparison_markdown(self._comparisons())

    def _conditions(self) -> str:
        found = self.conditions
        turns = [turn.bystanders for each in self.rounds for turn in each.values()]
        versions = {k: v for each in found["versions"].values() for k, v in each.items()}
        conditions = (
            f"{self.workload.upper()}, {len(self.rounds)} rounds, {found['began']}; "
            f"{found['machine']}; closed loops by {found['generator']['closed']}; niceness "
            f"{found['niceness']}; load average {found['load_average_before'][0]:.1f} before; "
            f"other work took {statistics.median(turns):.2f} cores (at most {max(turns):.2f})."
        )
        generator = table.spread(
            table.READINGS["generator_us"](turn) for each in self.rounds for turn in each.values()
        )
        if generator:
            conditions += f" A request cost the closed generator {generator.text()} us of CPU."
        names = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
        said = [conditions, f"{names}."]
        if self.limits:
            spread = table.spread(each["limit_per_s"] for each in self.limits)
            said.append(
                f"In-process limit: {spread.text() if spread else ''} texts/s "
                f"({self.limits[0]['how']})."
            )
        return "\n\n".join(said)


def _plain(turn: Turn) -> dict[str, Any]:
    document = asdict(turn)
    for step in document["open"].values():
        del step["latencies_ms"]
    return document


def _keep(name: str, document: dict[str, Any]) -> None:
    places.RESULTS.mkdir(exist_ok=True)
    text = json.dumps(document, indent=1, default=str) + "\n"
    (places.RESULTS / f"{name}.json").write_text(text, encoding="utf-8")


@contextmanager
def alone() -> Iterator[None]:
    """One comparison at a time on this machine: two would measure each other."""
    places.cache().mkdir(parents=True, exist_ok=True)
    with (places.cache() / "lock").open("w") as lock:
        until = time.monotonic() + WAIT_S
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise SystemExit("another comparison has been running for long.") from None
                print("waiting for another comparison to end", file=sys.stderr)
                time.sleep(5.0)
        yield


def _own(sources: list[str]) -> list[Server]:
    """Return seatrial as installed, or one row for each ``label=path`` of a source tree."""
    if not sources:
        return [known.SEATRIAL]
    found = []
    for said in sources:
        label, _, path = said.rpartition("=")
        source = str(Path(path).resolve())
        found.append(replace(known.SEATRIAL, name=label or "seatrial", source=source))
    return found


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--workload", nargs="+", choices=places.WORKLOADS)
    options.add_argument("--servers", nargs="*", help="rows to run; default all (quick: few)")
    options.add_argument("--seatrial", nargs="*", default=[], metavar="LABEL=PATH")
    options.add_argument("--rounds", type=int)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--quick", action="store_true", help="a minute, for every day")
    options.add_argument(
        "--search", nargs="+", metavar="PEER", help="try configurations of peers, or of all"
    )
    options.add_argument(
        "--ahead", action="store_true", help="take precedence over other work (needs the right)"
    )
    options.add_argument("--write", action="store_true", help="keep the result in results/")
    return options.parse_args()


def _chosen(workload: str, options: argparse.Namespace) -> list[Server]:
    others = [s for s in known.servers(workload) if s.role != "own"]
    wanted = options.servers
    if wanted is None and options.quick:
        wanted = list(QUICK_PEERS[workload])
    if wanted is not None:
        unknown = set(wanted) - {s.name for s in others} - {"seatrial"}
        if unknown:
            names = ", ".join(repr(s.name) for s in others)
            raise SystemExit(f"received {', '.join(sorted(unknown))}; known are {names}.")
        others = [s for s in others if s.name in wanted]
    return [*_own(options.seatrial), *others]


def main() -> None:
    options = _options()
    processes.ignore_interrupts()
    if options.ahead:
        processes.go_ahead()
    workloads = options.workload or (["w1"] if options.quick else list(places.WORKLOADS))
    with alone():
        for workload in workloads:
            _one(workload, options)


def _one(workload: str, options: argparse.Namespace) -> None:
    if options.search:
        every = [peer for peer in PEERS if peer not in {"seatrial", "echo"}]
        for peer in every if options.search == ["all"] else options.search:
            prepare.ensure([workload], [PEERS[peer].environment])
            search(workload, peer, rounds=options.rounds or 1, seed=options.seed)
        return
    chosen = _chosen(workload, options)
    prepare.ensure([workload], [PEERS[server.peer].environment for server in chosen])
    conditions = _conditions(chosen)
    count, limits = options.rounds or (1 if options.quick else 5), []
    if options.quick:
        rounds = quick(workload, chosen, rounds=count, seed=options.seed)
    else:
        rounds, limits, half = full(workload, chosen, rounds=count, seed=options.seed)
        conditions["best_peer_half_per_s"] = half
    outcome = Outcome(workload, rounds, chosen, limits, conditions)
    print(f"\n{outcome.tables()}\n")
    if options.write:
        _keep(workload, outcome.document())
        write_between(places.HERE / "README.md", workload, outcome.tables())


def write_between(page: Path, name: str, text: str) -> None:
    """Replace what stands between the marks of that name."""
    first, last = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, _, rest = page.read_text(encoding="utf-8").partition(first)
    _, _, after = rest.partition(last)
    page.write_text(f"{before}{first}\n\n{text}\n\n{last}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
