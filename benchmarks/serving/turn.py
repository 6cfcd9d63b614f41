"""One server's turn in a round: started, checked, loaded, measured, ended."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import loads
import places
from asking import Opening, check_all, given_tickets, opening, questions
from loads import Closed, Open
from processes import Bystanders, ServerFailedError, Tree, free_port, own_cpu_s, running
from servers import PEERS, Server

OWN_HALF = "at half of its own saturation"
PEER_HALF = "at half of the best peer's saturation"

LOG = Path(".seatrial") / "log"
QUIET_S = 180.0
"""Longest wait until a server has finished what a load left it."""

IDLE_S = 20.0
"""The same for one without a keeper: some are never quiet."""

KEEPER_PAUSE_S = 7.0
"""Seatrial's keeper looks at the log every few seconds: it is done once it rested this long."""

FAILED_MAX = 0.01
"""A load of which more is refused is beyond what a server can do."""

QUIET_CORES = 0.02
SUSTAINED = 64
SETTLE_S = 2.0
BRIEF_S = 1


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a turn consists of; seconds of 0 leave a part out.

    Attributes:
        connections: Of the closed loops.
        closed_s: Length of each.
        open_s: Length of each open load.
        idle_s: How long an idle server is watched.
        check: Compare every answer with the right one first.
        sustained_s: Length of a long closed loop, for our own servers: the keeper works meanwhile.
        settle: Wait after the closed loops until the server is quiet again.
    """

    connections: tuple[int, ...]
    closed_s: int
    open_s: float = 0.0
    idle_s: float = 0.0
    sustained_s: int = 0
    check: bool = True
    settle: bool = True


@dataclass(kw_only=True)
class Turn:
    """Everything measured in one turn."""

    server: str
    opening: Opening | None = None
    difference: float | None = None
    closed: dict[int, Closed] = field(default_factory=dict)
    cpu_ms: dict[int, dict[str, float]] = field(default_factory=dict)
    sustained: Closed | None = None
    sustained_cpu_ms: dict[str, float] = field(default_factory=dict)
    settled_s: float | None = None
    after_cpu_ms: dict[str, float] = field(default_factory=dict)
    open: dict[str, Open] = field(default_factory=dict)
    open_cpu_ms: dict[str, float] = field(default_factory=dict)
    idle_percent: dict[str, float] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)
    bystanders: float = 0.0
    error: str = ""

    @property
    def saturation(self) -> float:
        """The most requests a second with which hardly any is refused."""
        whole = (s.per_s for s in self.closed.values() if s.failed <= FAILED_MAX * s.requests)
        return max(whole, default=0.0)


def take(server: Server, workload: str, plan: Plan, *, peer_half_per_s: float, seed: int) -> Turn:
    """Run one turn; a server that fails says so in ``error``."""
    turn = Turn(server=server.name)
    with tempfile.TemporaryDirectory(prefix="serving-bench-") as scratch:
        try:
            _run(
                turn,
                server,
                workload,
                plan,
                peer_half_per_s=peer_half_per_s,
                seed=seed,
                scratch=Path(scratch),
            )
        except (ServerFailedError, OSError) as error:
            output = Path(scratch) / "output.txt"
            tail = output.read_text("utf-8", "replace")[-600:] if output.exists() else ""
            turn.error = f"{error}\n{tail}".strip()
    return turn


def _run(
    turn: Turn,
    server: Server,
    workload: str,
    plan: Plan,
    *,
    peer_half_per_s: float,
    seed: int,
    scratch: Path,
) -> None:
    peer = PEERS[server.peer]
    folder = _own_copy(places.workload(workload), scratch / workload)
    asked = questions(folder, peer)
    bodies = [question.body for question in asked]
    port = free_port()
    command = peer.command(server.started(folder, scratch, port))
    environment = server.environment(server.started(folder, scratch, port))
    has_model = server.role != "floor"
    url = f"http://127.0.0.1:{port}{peer.path}"
    others, ours_s = Bystanders(), own_cpu_s()
    spawned_s = time.perf_counter()
    with running(command, environment=environment, output=scratch / "output.txt") as (
        process,
        tree,
    ):
        turn.opening = opening(
            process, spawned_s=spawned_s, port=port, peer=peer, asked=asked, has_model=has_model
        )
        tree.go_ahead()
        if plan.check and has_model:
            turn.difference = check_all(asked, port=port, peer=peer)
        if plan.idle_s:
            time.sleep(SETTLE_S)
            turn.idle_percent = _idle(tree, plan.idle_s)
        sustained = plan.sustained_s if server.role == "own" else 0
        _closed_loops(turn, tree, plan, asked=(url, bodies), sustained_s=sustained, scratch=scratch)
        if has_model and plan.open_s:
            _open_loops(
                turn, tree, plan, half_per_s=peer_half_per_s, asked=(url, bodies), seed=seed
            )
        if server.role == "own" and (tickets := given_tickets(port)):
            # wrk takes 202 for an answer.
            raise ServerFailedError(f"{tickets} requests got a ticket and were counted as answered")
        turn.memory = tree.memory()
        ours_s = own_cpu_s() - ours_s + _total(tree)
        turn.bystanders = others.cores(ours_s)


def _closed_loops(
    turn: Turn,
    tree: Tree,
    plan: Plan,
    *,
    asked: tuple[str, list[bytes]],
    sustained_s: int,
    scratch: Path,
) -> None:
    if plan.connections:
        # Not counted: caches fill, adaptive batching learns.
        loads.closed(*asked, connections=16, seconds=BRIEF_S, scratch=scratch)
    began, requests = tree.cpu_s(), 0
    for connections in plan.connections:
        before = tree.cpu_s()
        step = loads.closed(*asked, connections=connections, seconds=plan.closed_s, scratch=scratch)
        turn.closed[connections] = step
        turn.cpu_ms[connections] = _per_request(before, tree.cpu_s(), step.requests)
        requests += step.requests
    if sustained_s:
        before = tree.cpu_s()
        turn.sustained = loads.closed(
            *asked, connections=SUSTAINED, seconds=sustained_s, scratch=scratch
        )
        turn.sustained_cpu_ms = _per_request(before, tree.cpu_s(), turn.sustained.requests)
        requests += turn.sustained.requests
    if plan.settle and requests:
        turn.settled_s = _wait_until_quiet(tree)
        turn.after_cpu_ms = _per_request(began, tree.cpu_s(), requests)


def _open_loops(
    turn: Turn,
    tree: Tree,
    plan: Plan,
    *,
    half_per_s: float,
    asked: tuple[str, list[bytes]],
    seed: int,
) -> None:
    for name, rate_per_s in ((OWN_HALF, turn.saturation / 2), (PEER_HALF, half_per_s)):
        # A rate beyond what a server can do says nothing about its latency.
        if 0 < rate_per_s <= turn.saturation:
            before = _total(tree)
            step = loads.opened(*asked, rate_per_s=rate_per_s, seconds=plan.open_s, seed=seed)
            turn.open[name] = step
            turn.open_cpu_ms[name] = 1e3 * (_total(tree) - before) / step.offered


def _per_request(
    before: Mapping[str, float], after: Mapping[str, float], requests: int
) -> dict[str, float]:
    """Return CPU milliseconds a request by role."""
    return {
        role: 1e3 * (spent - before.get(role, 0.0)) / max(requests, 1)
        for role, spent in after.items()
    }


def _idle(tree: Tree, seconds: float) -> dict[str, float]:
    before, began = tree.cpu_s(), time.monotonic()
    time.sleep(seconds)
    elapsed_s = time.monotonic() - began
    return {
        role: 100.0 * (spent - before.get(role, 0.0)) / elapsed_s
        for role, spent in tree.cpu_s().items()
    }


def _wait_until_quiet(tree: Tree) -> float | None:
    """Return the seconds until it was quiet; ``None`` if it never was."""
    before = tree.cpu_s()
    rest_s, limit_s = (KEEPER_PAUSE_S, QUIET_S) if "keeper" in before else (BRIEF_S, IDLE_S)
    now_s = rested_since_s = began_s = time.monotonic()
    until_s = now_s + limit_s
    busy_s = sum(before.values())
    while now_s < until_s and now_s - rested_since_s < rest_s:
        time.sleep(BRIEF_S)
        now_s, total_s = time.monotonic(), _total(tree)
        if total_s - busy_s > QUIET_CORES * BRIEF_S:
            rested_since_s = now_s
        busy_s = total_s
    return rested_since_s - began_s if now_s < until_s else None


def _total(tree: Tree) -> float:
    return sum(tree.cpu_s().values())


def _own_copy(folder: Path, target: Path) -> Path:
    """Give each turn a folder of its own: no log of an earlier one, no other run disturbed."""

    def skipped(where: str, names: list[str]) -> list[str]:
        inside = Path(where).relative_to(folder)
        return [name for name in names if inside / name == LOG or name == "__pycache__"]

    shutil.copytree(folder, target, ignore=skipped)
    return target
