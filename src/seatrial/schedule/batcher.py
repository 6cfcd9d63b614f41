"""Who runs next: work-conserving, length-aware batching without clock, socket or sleep.

No row waits while a worker is idle. When all are busy, the next free one takes the request whose
turn it is and, of the next ``WINDOW`` requests, those nearest to it in size, as long as the packing
has room. Expired and cancelled rows are dropped before they run.

No request starves: each batch begins with the request whose turn it is, and a request that was cut
goes to the back of its key. So with one key, a request is in a batch after at most as many batches
as requests waited before it came, whatever sizes follow; with several, see
:class:`~seatrial.schedule.fairness.Turns`. Deferred requests, for which nobody holds a connection
open, run when no other row waits, and otherwise get a small share of the work.

Every method is an event at a given time and returns the decisions it leads to; the server, the
tests and the simulator obey the same ones.
"""

from __future__ import annotations

import heapq
import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from seatrial.schedule.decisions import Decision, Expired, Kill, Part, Rejected, Run
from seatrial.schedule.deferral import Deferral
from seatrial.schedule.fairness import Turns
from seatrial.schedule.filling import Offer, Packing, RowPacking, neighbours, share
from seatrial.schedule.pace import Pace
from seatrial.schedule.waiting import Waiting

__all__ = [
    "Batcher",
    "Decision",
    "Expired",
    "Kill",
    "Offer",
    "Packing",
    "Part",
    "Ran",
    "Rejected",
    "RowPacking",
    "Run",
]

WINDOW = 64
"""Requests among which neighbours in size are sought, however many wait: it bounds a decision."""

OVERDUE = 2.0
"""A batch is overdue after so many times what it should take."""

FULL_SMOOTHING = 0.05
"""Weight of the newest batch in the rows of a full one: as many as went while more waited."""

PACE_MEMORY = 20.0
"""Batches from which waiting times are estimated: a tenfold slower model shows after a few."""

DEADLINES_SPARE = 64
"""Deadlines of requests that are gone, beyond as many as live, before they are swept out."""

RETRY_MIN_S = 1
"""Shortest wait told to a rejected caller: ``Retry-After`` knows whole seconds."""

RETRY_MAX_S = 60
"""Longest wait told to a rejected caller: beyond it the estimate means nothing."""


class Ran(Struct, frozen=True):
    """A batch has ended.

    Attributes:
        now_s: When.
        rows: Its rows.
        cost: What they cost alone, in the packing's unit.
        expected: What the packing expected of the batch: seconds, or the cost where it knows none.
        seconds: How long it ran.
    """

    now_s: float
    rows: int
    cost: float
    expected: float
    seconds: float


class _Busy:
    __slots__ = ("cost", "expected", "kill_at_s", "rows", "since_s")

    def __init__(self, rows: int, cost: float, since_s: float, kill_at_s: float) -> None:
        self.rows = rows
        self.cost = self.expected = cost
        self.since_s = since_s
        self.kill_at_s = kill_at_s


class Batcher:
    """Decides what runs where. Times are monotonic seconds of the caller's clock.

    Args:
        packing: How many rows fit one batch; may be replaced at any time.
        queue_rows: Rows that may wait, of deferred requests as many again. When more come, the key
            that has most rows waiting gives up its newest request.
        grace_s: How long past its last deadline a batch may run before its worker is killed.
        run_max_s: Longest that a batch may run, grace not counted, however far its deadlines are.
        on_ran: Told of every batch that ended.

    >>> batcher = Batcher(RowPacking(2), queue_rows=10, grace_s=1.0)
    >>> batcher.idle(0.0, worker=7)
    []
    >>> batcher.arrive(0.0, 1, rows=1, deadline_s=5.0)
    [Run(worker=7, parts=[Part(request=1, start=0, stop=1)])]
    >>> batcher.arrive(0.1, 2, rows=3, deadline_s=5.0)
    []
    >>> batcher.idle(0.2, worker=7)
    [Run(worker=7, parts=[Part(request=2, start=0, stop=2)])]
    """

    def __init__(
        self,
        packing: Packing,
        *,
        queue_rows: int,
        grace_s: float,
        run_max_s: float = math.inf,
        on_ran: Callable[[Ran], None] | None = None,
    ) -> None:
        self.on_ran = on_ran
        self.pace = Pace(memory=PACE_MEMORY)
        self._blind = True
        self._queue_rows = queue_rows
        self._grace_s = grace_s
        self._run_max_s = run_max_s
        self._turns = Turns()
        self._deferral = Deferral()
        self._live: dict[int, Waiting] = {}
        self._idle: OrderedDict[int, None] = OrderedDict()
        self._busy: dict[int, _Busy] = {}
        self._deadlines: list[tuple[float, int]] = []
        self._due_s = math.inf
        self.packing = packing

    @property
    def packing(self) -> Packing:
        """How many rows fit one batch."""
        return self._packing

    @packing.setter
    def packing(self, packing: Packing) -> None:
        blind = isinstance(packing, RowPacking)
        if blind is not self._blind:
            # Costs are in another unit now.
            self.pace = Pace(memory=PACE_MEMORY)
        self._packing, self._blind = packing, blind
        self._full_rows = float(packing.rows_max)
        self._turns.price(packing.cost)
        self._deferral.turns.price(packing.cost)

    @property
    def rows_waiting(self) -> int:
        """Rows that wait, deferred ones not counted."""
        return self._turns.rows

    @property
    def rows_deferred(self) -> int:
        """Deferred rows that wait."""
        return self._deferral.turns.rows

    @property
    def rows_running(self) -> int:
        """Rows that workers hold."""
        return sum(busy.rows for busy in self._busy.values())

    @property
    def cost_inflight(self) -> float:
        """What the rows cost that wait or run, deferred ones that wait not counted."""
        return self._turns.cost + sum(busy.cost for busy in self._busy.values())

    @property
    def cost_per_s(self) -> float:
        """What all workers work off in a second of full batches; 0 while that is unknown."""
        seconds = self._seconds(1.0, self._turns.row_cost)
        return self.workers * self._turns.row_cost / seconds if seconds else 0.0

    @property
    def workers(self) -> int:
        """Workers that are idle or busy."""
        return len(self._idle) + len(self._busy)

    def arrive(
        self,
        now_s: float,
        request: int,
        *,
        rows: int,
        deadline_s: float,
        sizes: Sequence[float] | float = 1,
        key: str = "",
        deferred: bool = False,
    ) -> list[Decision]:
        """A request has come in.

        Args:
            now_s: The time.
            request: Its number.
            rows: How many rows, at least 1.
            deadline_s: When it expires.
            sizes: Size of each row, or one for all.
            key: Whose share of the work it uses.
            deferred: Whether nobody holds a connection open for it.
        """
        decisions = self.tick(now_s) if now_s >= self._due_s else []
        entry = self._entry(request, rows, sizes, deadline_s)
        if self._idle and rows == 1:
            # Nothing waits while a worker is idle.
            self._expect(entry)
            entry.left = 0
            if not deferred:
                self._deferral.came(entry.cost)
            worker, _ = self._idle.popitem(last=False)
            self._occupy(worker, 1, entry.cost, now_s, deadline_s)
            decisions.append(Run(worker, [Part(request, 0, 1)]))
            return decisions
        turns = self._deferral.turns if deferred else self._turns
        if turns.rows + rows > self._queue_rows:
            rejected = self._make_room(turns, key, rows)
            if rejected is None:
                decisions.append(Rejected(request, self.retry_after_s()))
                return decisions
            decisions.extend(rejected)
        self._expect(entry)
        turns.add(key, entry)
        if not deferred:
            self._deferral.came(entry.cost * rows)
        if self._idle:
            decisions.extend(self._dispatch(now_s))
        return decisions

    def idle(self, now_s: float, worker: int) -> list[Decision]:
        """A worker is ready for a batch, for the first time or again."""
        busy = self._busy.pop(worker, None)
        self._idle[worker] = None
        if busy is not None:
            self._learn(now_s, busy)
        decisions = self.tick(now_s) if now_s >= self._due_s else []
        if self._turns or self._deferral.turns:
            decisions.extend(self._dispatch(now_s))
        return decisions

    def hold(self, now_s: float, worker: int, *, deadline_s: float) -> None:
        """A worker runs a row again that does not wait here any more; it is idle after that."""
        self._idle.pop(worker, None)
        self._occupy(worker, 1, 1.0, now_s, deadline_s)

    def lost(self, now_s: float, worker: int) -> list[Decision]:
        """A worker is gone; what it held is the caller's to answer."""
        self._busy.pop(worker, None)
        self._idle.pop(worker, None)
        return self.tick(now_s)

    def done(self, request: int) -> None:
        """A request has its answer, or nobody wants one: rows that still wait are dropped."""
        entry = self._live.pop(request, None)
        if entry is not None and entry.flow is not None:
            entry.flow.turns.drop(entry)

    def tick(self, now_s: float) -> list[Decision]:
        """Time has passed: expire what is due and give up workers that hang."""
        decisions: list[Decision] = []
        if now_s < self._due_s:
            return decisions
        while self._deadlines and (
            self._deadlines[0][0] <= now_s or self._deadlines[0][1] not in self._live
        ):
            _, request = heapq.heappop(self._deadlines)
            entry = self._live.pop(request, None)
            if entry is not None:
                if entry.flow is not None:
                    entry.flow.turns.drop(entry)
                decisions.append(Expired(request, started=entry.started))
        self._due_s = self._deadlines[0][0] if self._deadlines else math.inf
        for worker, busy in self._busy.items():
            if busy.kill_at_s <= now_s:
                busy.kill_at_s = math.inf
                decisions.append(Kill(worker))
            self._due_s = min(self._due_s, busy.kill_at_s)
        return decisions

    def wakes_at_s(self) -> float:
        """Return when :meth:`tick` is to be called next; infinity if never.

        It may be early: what was due then can be gone, and the tick finds the next time.
        """
        return self._due_s

    def expected_wait_s(self, key: str = "", *, now_s: float | None = None) -> float:
        """Return how long a row of that key that came now would wait before it starts.

        Args:
            key: Whose it is.
            now_s: The time; with it, workers whose batch is overdue count for less.
        """
        turns = self._turns
        rows, cost = float(turns.rows), turns.cost
        if turns.keys > 1 or (rows and turns.flow(key) is None):
            flow = turns.flow(key)
            before = (flow.rows, flow.cost) if flow is not None else (0, 0.0)
            keys = turns.keys + (flow is None)
            # Each other key is served as much as this one, as long as it has anything.
            rows = min(rows, (before[0] + 1.0) * keys - 1.0)
            cost = min(cost, before[1] * keys + (keys - 1.0) * cost / max(turns.rows, 1))
        workers = float(max(self.workers, 1)) if now_s is None else self._speed(now_s)
        return self._seconds(rows, cost) / workers

    def cost(self, *, rows: int, sizes: Sequence[float] | float = 1) -> float:
        """Return what rows cost, in the packing's unit."""
        if self._blind:
            return float(rows)
        if isinstance(sizes, int | float):
            return rows * self._packing.cost(sizes)
        return sum(map(self._packing.cost, sizes))

    def run_s(self, *, rows: int, sizes: Sequence[float] | float = 1) -> float:
        """Return how long all workers together need for rows, once these start."""
        return self._seconds(rows, self.cost(rows=rows, sizes=sizes)) / max(self.workers, 1)

    def share_of(self, key: str) -> tuple[int, float]:
        """Return how many keys wait, this one among them, and what its waiting rows cost."""
        flow = self._turns.flow(key)
        if flow is None:
            return self._turns.keys + 1, 0.0
        return self._turns.keys, flow.cost

    def eta_s(self, *, rows: int = 1, sizes: Sequence[float] | float = 1) -> float:
        """Return when a deferred request that came now should have its answer; see there.

        Infinity as long as no batch has run.
        """
        cost = self.cost(rows=rows, sizes=sizes)
        return self._deferral.eta_s(cost=cost, ahead=self._turns.cost, rate=self.cost_per_s)

    def retry_after_s(self) -> int:
        """Return what a rejected caller is told: when half of the queue should be gone."""
        return min(max(math.ceil(self.expected_wait_s() / 2), RETRY_MIN_S), RETRY_MAX_S)

    def _speed(self, now_s: float) -> float:
        """Return how many workers do their work at the pace learnt, at least a hundredth of one.

        Of one that has run its batch for longer than it should, only as much is counted as would
        explain that: a model that became slower shows before its first slow batch has ended.
        """
        speed = float(len(self._idle))
        for busy in self._busy.values():
            usual_s = OVERDUE * self.pace.expect(busy.cost)
            ran_s = now_s - busy.since_s
            speed += 1.0 if ran_s <= usual_s else usual_s / ran_s
        return max(speed, 0.01)

    def _seconds(self, rows: float, cost: float) -> float:
        """Return how long one worker needs for so many rows of that cost, in full batches."""
        return self.pace.expect(cost, batches=rows / self._full_rows)

    def _entry(
        self, request: int, rows: int, sizes: Sequence[float] | float, deadline_s: float
    ) -> Waiting:
        if isinstance(sizes, int | float):
            cost = 1.0 if self._blind else self._packing.cost(sizes)
            return Waiting(request, rows, sizes, deadline_s, cost)
        entry = Waiting(request, rows, sizes[0], deadline_s, 1.0)
        if rows > 1:
            entry.differ(sizes)
        if not self._blind:
            entry.price(self._packing.cost)
        return entry

    def _expect(self, entry: Waiting) -> None:
        """Note that a request lives, and when it ends at the latest."""
        live, deadlines = self._live, self._deadlines
        live[entry.request] = entry
        heapq.heappush(deadlines, (entry.deadline_s, entry.request))
        self._due_s = min(self._due_s, entry.deadline_s)
        if len(deadlines) > 2 * len(live) + DEADLINES_SPARE:
            deadlines[:] = [(other.deadline_s, number) for number, other in live.items()]
            heapq.heapify(deadlines)

    def _occupy(self, worker: int, rows: int, cost: float, now_s: float, deadline_s: float) -> None:
        kill_at_s = min(deadline_s, now_s + self._run_max_s) + self._grace_s
        self._busy[worker] = _Busy(rows, cost, now_s, kill_at_s)
        self._due_s = min(self._due_s, kill_at_s)

    def _dispatch(self, now_s: float) -> Iterator[Decision]:
        while self._idle and (self._turns or self._deferral.turns):
            worker, _ = self._idle.popitem(last=False)
            yield self._start(now_s, worker)

    def _start(self, now_s: float, worker: int) -> Run:
        turns = self._deferral.next(self._turns)
        packing, most = self._packing, self._most(turns)
        if self._blind:
            window = turns.window(most)
            chosen = share(window, most)
        else:
            window = turns.window(WINDOW)
            last = turns.deep if turns.keys > 1 else None
            chosen = neighbours(packing, window, most=most, waiting=turns.rows, last=last)
        parts: list[Part] = []
        rows, cost, deadline_s = 0, 0.0, now_s
        for entry, size, count in chosen:
            turns.start(entry, count)
            taken = entry.take(size, count)
            parts.extend([Part(entry.request, start, stop) for start, stop in taken])
            rows += count
            cost += entry.cost * count
            deadline_s = max(deadline_s, entry.deadline_s)
        for entry, _, _ in chosen:
            turns.finish(entry, turn=entry is window[0])
        self._deferral.charge(cost, deferred=turns is not self._turns, others=bool(self._turns))
        if turns:
            self._full_rows += FULL_SMOOTHING * (rows - self._full_rows)
        self._occupy(worker, rows, cost, now_s, deadline_s)
        if not self._blind:
            self._busy[worker].expected = packing.expected_s(
                rows=rows,
                size_max=max(size for _, size, _ in chosen),
                size_sum=sum(size * count for _, size, count in chosen),
            )
        return Run(worker, parts)

    def _most(self, turns: Turns) -> int:
        """Return the most rows of the next batch: other idle workers get their part.

        Unless entering the model costs more than its share of the rows.
        """
        most = self._packing.rows_max
        others = len(self._idle)
        if others:
            part = turns.cost / (others + 1)
            if self.pace.per_cost * part > self.pace.per_batch:
                most = min(most, math.ceil(turns.rows / (others + 1)))
        return most

    def _make_room(self, turns: Turns, key: str, rows: int) -> list[Decision] | None:
        """Reject requests of the key that has most rows; ``None`` if that makes no room."""
        victims = turns.surplus(key, rows, turns.rows + rows - self._queue_rows)
        for entry in victims:
            del self._live[entry.request]
            turns.drop(entry)
        retry_after_s = self.retry_after_s()
        return [Rejected(entry.request, retry_after_s) for entry in victims] or None

    def _learn(self, now_s: float, busy: _Busy) -> None:
        seconds = now_s - busy.since_s
        self.pace.learn(busy.cost, seconds)
        self._deferral.passed(now_s)
        if self.on_ran is not None:
            self.on_ran(Ran(now_s, busy.rows, busy.cost, busy.expected, seconds))
