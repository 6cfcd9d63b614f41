"""A server on paper: the real scheduler, driven from event to event against a batch profile.

Who computes is modelled explicitly: the load generator, the front and each worker do one thing at
a time, and share the cores (:mod:`seatrial.schedule.cores`). Nothing waits for real, so a million
requests take seconds, and the same seed gives the same run.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from seatrial.schedule.batcher import Batcher, Decision, Expired, Kill, Part, Rejected, Run
from seatrial.schedule.cores import Actor, Cores
from seatrial.schedule.profile import BatchProfile
from seatrial.schedule.simulation import ANSWERED, EXPIRED, REJECTED, Costs, Simulated, Traffic

NOISE_DRAWN = 1 << 16
"""Service-time factors drawn in advance; then they repeat."""

RESTART_S = 1.0
"""Time until a worker that was given up is replaced."""


class Gate(Protocol):
    """Admission: asked before a request is queued, told when one it let in has ended."""

    def admit(self, now_s: float, request: int, *, rows: int, size: float) -> int:
        """Return 200 to queue a request, or the status it is refused with."""
        ...

    def ended(self, now_s: float, request: int, *, status: int) -> None:
        """A request that was let in has its answer, or none."""
        ...


class Simulator:
    """One run; make a new one for the next.

    Args:
        traffic: What is asked.
        batcher: The scheduler under test, new.
        profile: What a batch costs.
        workers: How many run, from the first moment.
        rng: Draws the noise of service times.
        cores: Cores that all share; infinitely many by default.
        costs: What is paid beside the model; nothing by default.
        crowding: Speed of a worker while ``k`` workers compute, at place ``k - 1``.
        gate: Admission in front of the queue.
        noise: Factors of the service time; default: those of the profile.

    >>> from seatrial.schedule.batcher import RowPacking
    >>> run = Simulator(
    ...     Traffic(sizes=np.ones(2), arrivals_s=np.array([0.0, 0.25])),
    ...     batcher=Batcher(RowPacking(1), queue_rows=9, grace_s=1.0),
    ...     profile=BatchProfile(call_s=1.0),
    ...     workers=1,
    ...     rng=np.random.default_rng(0),
    ... ).run()
    >>> run.latency_s
    array([1.  , 1.75])
    """

    def __init__(
        self,
        traffic: Traffic,
        *,
        batcher: Batcher,
        profile: BatchProfile,
        workers: int,
        rng: np.random.Generator,
        cores: float = math.inf,
        costs: Costs | None = None,
        crowding: Sequence[float] = (1.0,),
        gate: Gate | None = None,
        noise: Sequence[float] | None = None,
    ) -> None:
        self._traffic = traffic
        self._batcher = batcher
        self._profile = profile
        self._costs = costs or Costs()
        self._gate = gate
        self._cores = Cores(cores, crowding=crowding, wake_s=self._costs.wake_s)
        self._generator, self._front = Actor(), Actor()
        self._workers = {number: Actor(memory_bound=True) for number in range(workers)}
        count = len(traffic.sizes)
        self._sizes: list[float] = traffic.sizes.tolist()
        self._rows: list[int] = [1] * count if traffic.rows is None else traffic.rows.tolist()
        self._due_s: list[float] = (
            [math.nan] * count if traffic.arrivals_s is None else traffic.arrivals_s.tolist()
        )
        self._left = list(self._rows)
        self._status = [0] * count
        self._heard_s = [math.nan] * count
        self._queued_s = [math.nan] * count
        self._started_s = [math.nan] * count
        factors = np.asarray(profile.noise if noise is None else noise, dtype=np.float64)
        drawn = rng.integers(len(factors), size=min(NOISE_DRAWN, max(count, 1)))
        self._noise: list[float] = factors[drawn].tolist()
        self._calls = 0
        self._batch_rows: dict[int, int] = {}
        self._sent = 0
        self._inflight = 0
        self._tick_s = math.inf
        self._numbers = itertools.count(len(self._workers))

    def run(self) -> Simulated:
        """Drive every request to its end."""
        for worker in self._workers:
            self._obey(self._batcher.idle(0.0, worker))
        cores = self._cores
        while True:
            due_s = min(self._departs_s(), self._tick_s)
            next_s = cores.next_s()
            if next_s <= due_s:
                if next_s == math.inf:
                    break
                cores.advance(next_s)
            else:
                cores.advance(max(due_s, cores.now_s))
                if self._tick_s <= cores.now_s:
                    self._obey(self._batcher.tick(cores.now_s))
                else:
                    self._depart()
        return Simulated(
            latency_s=np.array(self._heard_s) - np.array(self._due_s),
            status=np.array(self._status, dtype=np.int64),
            heard_s=np.array(self._heard_s),
            wait_s=np.array(self._started_s) - np.array(self._queued_s),
            front_s=self._front.used_s,
            generator_s=self._generator.used_s,
            workers_s=tuple(worker.used_s for worker in self._workers.values()),
            batch_rows=dict(sorted(self._batch_rows.items())),
        )

    def _departs_s(self) -> float:
        """Return when the generator sends the next request."""
        if self._sent == len(self._sizes) or self._inflight >= self._traffic.connections:
            return math.inf
        due_s = self._due_s[self._sent]
        return due_s if due_s == due_s else 0.0  # noqa: PLR0124  (NaN: as soon as it may)

    def _depart(self) -> None:
        request = self._sent
        self._sent += 1
        self._inflight += 1
        if self._traffic.arrivals_s is None:
            self._due_s[request] = self._cores.now_s
        self._cores.give(self._generator, self._costs.send_s, self._arrive, request)

    def _arrive(self, request: int) -> None:
        self._cores.give(self._front, self._costs.read_s, self._queue, request)

    def _queue(self, request: int) -> None:
        now_s, rows, size = self._cores.now_s, self._rows[request], self._sizes[request]
        if self._gate is not None:
            status = self._gate.admit(now_s, request, rows=rows, size=size)
            if status != ANSWERED:
                self._refuse(request, status)
                return
        self._queued_s[request] = now_s
        deadline_s = now_s + self._traffic.timeout_s
        self._obey(
            self._batcher.arrive(now_s, request, rows=rows, deadline_s=deadline_s, sizes=size)
        )

    def _obey(self, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            if isinstance(decision, Run):
                self._call(decision)
            elif isinstance(decision, Expired):
                self._end(decision.request, EXPIRED)
            elif isinstance(decision, Rejected):
                self._end(decision.request, REJECTED)
            elif isinstance(decision, Kill):
                self._replace(decision.worker)
        self._tick_s = self._batcher.wakes_at_s()

    def _call(self, run: Run) -> None:
        costs, now_s = self._costs, self._cores.now_s
        rows, size_max, size_sum = 0, 0.0, 0.0
        for part in run.parts:
            count, size = part.stop - part.start, self._sizes[part.request]
            rows += count
            size_sum += count * size
            size_max = max(size_max, size)
            if part.start == 0:
                self._started_s[part.request] = now_s
        factor = self._noise[self._calls % len(self._noise)]
        self._calls += 1
        self._batch_rows[rows] = self._batch_rows.get(rows, 0) + 1
        seconds = self._profile.seconds(rows, size_max, size_sum) * factor
        seconds += costs.call_s + rows * costs.row_s
        self._cores.give(self._workers[run.worker], seconds, self._reply, run)

    def _reply(self, run: Run) -> None:
        self._cores.give(self._front, self._costs.batch_s, self._settle, run)

    def _settle(self, run: Run) -> None:
        # The worker gets its next rows before these are answered, as in the server.
        # One that was given up while its reply waited here gets none: another sits in its place.
        if run.worker in self._workers:
            self._obey(self._batcher.idle(self._cores.now_s, run.worker))
        for part in run.parts:
            if self._settled(part):
                self._end(part.request, ANSWERED)

    def _settled(self, part: Part) -> bool:
        """Count the rows of a part; say whether its request is complete and still wanted."""
        self._left[part.request] -= part.stop - part.start
        return self._left[part.request] == 0 and self._status[part.request] == 0

    def _end(self, request: int, status: int) -> None:
        self._batcher.done(request)
        if self._gate is not None:
            self._gate.ended(self._cores.now_s, request, status=status)
        if status == ANSWERED:
            self._status[request] = status
            self._cores.give(self._front, self._costs.answer_s, self._respond, request)
        else:
            self._refuse(request, status)

    def _refuse(self, request: int, status: int) -> None:
        self._status[request] = status
        self._cores.give(self._front, self._costs.refuse_s, self._respond, request)

    def _respond(self, request: int) -> None:
        self._cores.give(self._generator, self._costs.hear_s, self._hear, request)

    def _hear(self, request: int) -> None:
        self._heard_s[request] = self._cores.now_s
        self._inflight -= 1

    def _replace(self, worker: int) -> None:
        """A worker is given up; another takes its place, under another number."""
        actor = self._workers.pop(worker)
        self._cores.drop(actor)
        number = next(self._numbers)
        self._workers[number] = actor
        self._obey(self._batcher.lost(self._cores.now_s, worker))
        self._cores.give(actor, 0.0, self._ready, number, after_s=RESTART_S)

    def _ready(self, worker: int) -> None:
        self._obey(self._batcher.idle(self._cores.now_s, worker))
