"""Where each microsecond of a W1 request goes: CPU by process, shared out by sampled stacks.

    python benchmarks/serving/spending.py [--seconds 10] [--write]

CPU per request is counted from outside in one closed loop at 64 connections, and what `uvicorn
echo` spends beside it. Then py-spy, in an environment of its own, samples the front and one worker
under the same load; its samples only share out what was counted without it. A sample belongs to
the file of its innermost Python frame: what C code does (parsing JSON, sending) counts for the
Python line that called it.
"""

from __future__ import annotations

import argparse
import collections
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import loads
import places
import prepare
from asking import Question, opening, questions
from processes import Tree, free_port, running
from run import alone, write_between
from servers import PEERS, Server
from turn import _own_copy as own_copy

PROFILER = "profiler"
CONNECTIONS = 64
SAMPLES_PER_S = 200
WARM_S = 3

FRONT = (
    ("HTTP: parse, time limits, connections", ("protocol.py", "heads.py", "connections.py")),
    ("HTTP: collect the body, write the answer to the socket", ("exchange.py",)),
    ("event loop, and receiving in it", ("runners.py", "base_events.py", "events.py")),
    ("JSON and checks, of request and answer", ("doors/", "parsing.py", "messages.py")),
    (
        "the call: id, headers, trace, order",
        ("call.py", "inference.py", "identifiers.py", "envelope.py", "clock.py"),
    ),
    ("keys, gates, admission", ("keygate", "entry.py", "orders", "state.py", "admission.py")),
    (
        "admission's estimates",
        ("standing", "foresight", "limiter", "ladder", "outlook", "pace", "crew"),
    ),
    ("batches, queue, deadlines", ("schedule/", "dispatcher.py", "pending.py", "fleet.py")),
    ("learning what batches cost", ("deployment.py", "sizes.py")),
    ("to the worker and back", ("worker.py", "frames.py", "process", "region.py", "models/")),
    ("prediction log", ("journal.py", "records/")),
    ("metrics", ("metrics.py",)),
)
"""The first that fits: parts of file names, by what they are for."""

WORKER = (
    ("the server's part of it", ("src/seatrial/",)),
    ("model: vectoriser and classifier", ("model.py", "sklearn", "scipy", "numpy")),
    ("waiting in between, the rest", ("",)),
)

IDLE = ("_worker (", "wait (", "select (", "_end_with (", "Host._receive (")
"""Innermost frames that py-spy takes for work though they wait."""


@contextmanager
def serving(name: str, scratch: Path) -> Iterator[tuple[str, list[Question], int, Tree]]:
    """Run a server of W1, checked and warm."""
    own = name == "seatrial"
    server = Server(name, name, source=str(places.REPOSITORY) if own else "", role="own")
    peer, port = PEERS[name], free_port()
    folder = own_copy(places.workload("w1"), scratch / name)
    start = server.started(folder, scratch, port)
    asked, spawned_s = questions(folder, peer), time.perf_counter()
    with running(
        peer.command(start), environment=server.environment(start), output=scratch / f"{name}.txt"
    ) as (process, tree):
        opening(process, spawned_s=spawned_s, port=port, peer=peer, asked=asked, has_model=own)
        yield f"http://127.0.0.1:{port}{peer.path}", asked, process.pid, tree


def load(url: str, asked: list[Question], seconds: int, scratch: Path) -> loads.Closed:
    bodies = [question.body for question in asked]
    return loads.closed(url, bodies, connections=CONNECTIONS, seconds=seconds, scratch=scratch)


def spent_us(
    url: str, asked: list[Question], tree: Tree, seconds: int, scratch: Path
) -> tuple[float, dict[str, float]]:
    """Return requests per second, and microseconds of CPU per request by process."""
    load(url, asked, WARM_S, scratch)
    before = tree.cpu_s()
    done = load(url, asked, seconds, scratch)
    after = tree.cpu_s()
    return done.per_s, {
        role: (cpu_s - before.get(role, 0.0)) / done.requests * 1e6 for role, cpu_s in after.items()
    }


def sampled(pid: int, seconds: int, output: Path) -> subprocess.Popen[bytes]:
    """Start to sample the stacks of a process."""
    spy = places.environment(PROFILER) / "bin" / "py-spy"
    command = [str(spy), "record", "--pid", str(pid), "--duration", str(seconds)]
    command += ["--rate", str(SAMPLES_PER_S), "--format", "raw", "--full-filenames"]
    quiet = subprocess.DEVNULL
    return subprocess.Popen([*command, "--output", str(output)], stdout=quiet, stderr=quiet)


def shares(stacks: Path, groups: tuple[tuple[str, tuple[str, ...]], ...]) -> dict[str, float]:
    """Return the part of the samples that each group has; shape of a line: ``a;b;c 12``."""
    counts: collections.Counter[str] = collections.Counter()
    for line in stacks.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        innermost = stack.rpartition(";")[2]
        if innermost.startswith(IDLE):
            continue
        named = (name for name, parts in groups if any(part in innermost for part in parts))
        counts[next(named, "the rest")] += int(count)
    total = sum(counts.values())
    return {name: count / total for name, count in counts.most_common()}


def page(
    per_s: float,
    us: dict[str, float],
    split: dict[str, dict[str, float]],
    echo: tuple[float, float],
) -> str:
    echo_per_s, echo_us = echo
    beside_us = us["front"] - echo_us
    said = (
        f"{per_s:,.0f} requests/s at {CONNECTIONS} connections; CPU of a request: front "
        f"{us['front']:.0f} us, workers {us['workers']:.0f} us. uvicorn echo in the same run: "
        f"{echo_per_s:,.0f} requests/s, {echo_us:.0f} us. What a served request takes beyond HTTP "
        f"and JSON alone: {beside_us + us['workers']:.0f} us, {beside_us:.0f} in the front and "
        f"{us['workers']:.0f} in the workers."
    )
    lines = [
        said,
        "",
        "| process | what for | us a request | share |",
        "| --- | --- | ---: | ---: |",
    ]
    for role, found in split.items():
        lines += [
            f"| {role} | {name} | {us[role] * share:.1f} | {share:.0%} |"
            for name, share in found.items()
        ]
    return "\n".join(lines) + "\n"


def measure(seconds: int, scratch: Path) -> str:
    with serving("echo", scratch) as (url, asked, _, tree):
        echo_per_s, echo = spent_us(url, asked, tree, seconds, scratch)
    with serving("seatrial", scratch) as (url, asked, pid, tree):
        per_s, us = spent_us(url, asked, tree, seconds, scratch)
        worker = next(one for one in tree.members() if "models.host" in " ".join(one.cmdline()))
        workers = [one for one in worker.children() if one.is_running()] or [worker]
        watching = {"front": pid, "workers": workers[0].pid}
        spies = [
            sampled(process, seconds, scratch / f"{role}.txt") for role, process in watching.items()
        ]
        load(url, asked, seconds + 2, scratch)
        if any(spy.wait(60) for spy in spies):
            raise SystemExit("py-spy failed; it needs the right to look into processes")
    split = {
        "front": shares(scratch / "front.txt", FRONT),
        "workers": shares(scratch / "workers.txt", WORKER),
    }
    return page(per_s, us, split, (echo_per_s, sum(echo.values())))


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--seconds", type=int, default=10)
    options.add_argument("--write", action="store_true", help="put the table into README.md")
    chosen = options.parse_args()
    prepare.ensure(["w1"], ["fastapi", PROFILER])
    with alone(), tempfile.TemporaryDirectory(prefix="spending-") as scratch:
        said = measure(chosen.seconds, Path(scratch))
    sys.stdout.write(said + "\n")
    if chosen.write:
        write_between(places.HERE / "README.md", "spending", said.rstrip())


if __name__ == "__main__":
    main()
