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

import math
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from seatrial.schedule.crew import Busy, Crew
from seatrial.schedule.decisions import Decision, Expired, Kill, Part, Rejected, Run
from seatrial.schedule.deferral import Deferral
from seatrial.schedule.fairness import Turns
from seatrial.schedule.filling import Chosen, Offer, Packing, RowPacking, neighbours, share
from seatrial.schedule.live import Live
from seatrial.schedule.outlook import Outlook
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


class Batcher:
    """Decides what runs where. Times are monotonic seconds of the caller's clock.

    Args:
        packing: How many rows fit one batch; may be replaced at any time.
        queue_rows: Rows that may wait, of deferred requests as many again. When more come, the key
            that has most rows waiting gives up its newest request.
        grace_s: How long past its last deadline a batch may run before its worker is killed.
        run_max_s: Longest that a batch may run, grace not counted, however far its deadlines are.
        on_ran: Told of every batch that ended.

    Attributes:
        drift: About how many times what it was with the first packing a cost is now; starts anew
            when costs are in another unit.

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
        self._blind = True
        self._last: tuple[int, float, float] | None = None
        self.drift = 1.0
        self._queue_rows = queue_rows
        self._grace_s = grace_s
        self._run_max_s = run_max_s
        self._turns = Turns()
        self._deferral = Deferral()
        self._live = Live()
        self._crew = Crew()
        self._outlook = Outlook(self._turns, self._deferral, self._crew)
        self._due_s = math.inf
        self._packing = packing
        self.packing = packing

    @property
    def packing(self) -> Packing:
        """How many rows fit one batch."""
        return self._packing

    @packing.setter
    def packing(self, packing: Packing) -> None:
        blind = isinstance(packing, RowPacking)
        factor = self._dearer(packing) if blind is self._blind else 0.0
        self.drift = self.drift * factor or 1.0
        self._packing, self._blind = packing, blind
        self._crew.rescale(factor)
        self._outlook.repack(packing.rows_max, factor=factor)
        self._deferral.rescale(factor)
        self._turns.price(packing.cost, factor=factor)
        self._deferral.turns.price(packing.cost, factor=factor)

    @property
    def pace(self) -> Pace:
        """How long batches take by their cost; another object once costs have another unit."""
        return self._outlook.pace

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
        return sum(busy.rows for busy in self._crew.busy.values())

    @property
    def cost_inflight(self) -> float:
        """What the rows cost that wait or run, deferred ones that wait not counted."""
        return self._turns.cost + sum(busy.cost for busy in self._crew.busy.values())

    @property
    def cost_per_s(self) -> float:
        """What all workers work off in a second of full batches; 0 while that is unknown."""
        return self._outlook.rate()

    @property
    def workers(self) -> int:
        """Workers that are idle or busy."""
        return len(self._crew)

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
        if rows == 1 and self._crew.idle and not deferred:
            # Nothing waits while a worker is idle.
            self._expect(entry)
            entry.left = 0
            self._deferral.asked(entry.cost)
            cost, size, worker = entry.cost, entry.size, self._crew.take()
            expected = cost
            if not self._blind:
                self._last = 1, size, size
                expected = self._packing.expected_s(rows=1, size_max=size, size_sum=size) or cost
            self._occupy(worker, Busy(1, cost, expected, now_s), deadline_s)
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
        if deferred:
            self._deferral.come += rows
        else:
            self._deferral.asked(entry.cost * rows)
        if self._crew.idle:
            decisions.extend(self._dispatch(now_s))
        return decisions

    def idle(self, now_s: float, worker: int) -> list[Decision]:
        """A worker is ready for a batch, for the first time or again."""
        busy = self._crew.free(worker)
        self._deferral.workers.discard(worker)
        if busy is not None:
            self._learn(now_s, busy)
        decisions = self.tick(now_s) if now_s >= self._due_s else []
        if self._turns or self._deferral.turns:
            decisions.extend(self._dispatch(now_s))
        return decisions

    def hold(self, now_s: float, worker: int, *, deadline_s: float) -> None:
        """A worker runs a row again that does not wait here any more; it is idle after that."""
        self._crew.lose(worker)
        # Nothing is expected of it, and nothing learnt from it.
        self._occupy(worker, Busy(1, 0.0, 0.0, now_s), deadline_s)

    def lost(self, now_s: float, worker: int) -> list[Decision]:
        """A worker is gone; what it held is the caller's to answer."""
        self._crew.lose(worker)
        self._deferral.workers.discard(worker)
        decisions = self.tick(now_s)
        # What was left to others may be for deferred rows now.
        decisions.extend(self._dispatch(now_s))
        return decisions

    def done(self, request: int) -> None:
        """A request has its answer, or nobody wants one: rows that still wait are dropped."""
        entry = self._live.pop(request)
        if entry is not None and entry.flow is not None:
            entry.flow.turns.drop(entry)

    def tick(self, now_s: float) -> list[Decision]:
        """Time has passed: expire what is due and give up workers that hang."""
        decisions: list[Decision] = []
        if now_s < self._due_s:
            return decisions
        for entry in self._live.expired(now_s):
            if entry.flow is not None:
                entry.flow.turns.drop(entry)
            decisions.append(Expired(entry.request, started=entry.started))
        decisions.extend([Kill(worker) for worker in self._crew.hanging(now_s)])
        self._due_s = min(self._live.next_s(), self._crew.next_s())
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
        return self._outlook.wait_s(key, now_s)

    def backlog_s(self, now_s: float) -> float:
        """Return how long all that waits would take to start, whosever it is; see above."""
        return self._outlook.backlog_s(now_s)

    def deferred_s(self) -> float:
        """Return how long all workers would need for the deferred rows that wait."""
        return self._outlook.deferred_s()

    def cost(self, *, rows: int, sizes: Sequence[float] | float = 1) -> float:
        """Return what rows cost, in the packing's unit."""
        if self._blind:
            return float(rows)
        if isinstance(sizes, int | float):
            return rows * self._packing.cost(sizes)
        return sum(map(self._packing.cost, sizes))

    def run_s(self, *, rows: int, sizes: Sequence[float] | float = 1) -> float:
        """Return how long all workers together need for rows, once these start."""
        cost = self.cost(rows=rows, sizes=sizes)
        return self._outlook.seconds(rows, cost) / max(self.workers, 1)

    def share_of(self, key: str) -> tuple[int, float]:
        """Return how many keys wait, this one among them, and what its waiting rows cost."""
        flow = self._turns.flow(key)
        if flow is None:
            return self._turns.keys + 1, 0.0
        return self._turns.keys, flow.cost

    def fits(self, key: str, rows: int) -> bool:
        """Say whether so many rows of a key may wait, those that would give way left out."""
        excess = self._turns.rows + rows - self._queue_rows
        return excess <= 0 or bool(self._turns.surplus(key, rows, excess))

    def eta_s(
        self,
        now_s: float,
        *,
        rows: int = 1,
        sizes: Sequence[float] | float = 1,
        refused: bool = False,
    ) -> float:
        """Return when a deferred request that came now should have its answer.

        Infinity as long as no batch has run, and where there is no room for it.

        Args:
            now_s: The time.
            rows: How many it has.
            sizes: Size of each row, or one for all.
            refused: Whether it is deferred because it was refused.
        """
        if self._deferral.turns.rows + rows > self._queue_rows:
            return math.inf
        cost, before = self.cost(rows=rows, sizes=sizes), self._deferral.turns.cost
        return self._outlook.eta_s(now_s, cost, before=before, refused=refused)

    @property
    def rows_put_aside(self) -> int:
        """Deferred rows that ever came: after the last of a request, that is its place."""
        return self._deferral.come

    def eta_of(self, now_s: float, place: int) -> float:
        """Return when the deferred request at a place should have its answer; 0 once it started.

        Args:
            now_s: The time.
            place: What :attr:`rows_put_aside` was when it had come.
        """
        before = self._deferral.before(place)
        return self._outlook.eta_s(now_s, 0.0, before=before) if before > 0.0 else 0.0

    def refused(self, *, rows: int, sizes: Sequence[float] | float = 1) -> None:
        """A request was not let in: it counts as load all the same."""
        self._deferral.asked(self.cost(rows=rows, sizes=sizes))

    def retry_after_s(self) -> int:
        """Return what a rejected caller is told: when half of the queue should be gone."""
        return self._outlook.retry_after_s()

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
        self._live.add(entry)
        self._due_s = min(self._due_s, entry.deadline_s)

    def _dispatch(self, now_s: float) -> Iterator[Decision]:
        while self._crew.idle and (self._turns or self._deferral.may_start(len(self._crew))):
            yield self._start(now_s)

    def _start(self, now_s: float) -> Run:
        turns = self._deferral.next(self._turns)
        deferred = turns is not self._turns
        most = self._outlook.part(turns, self._packing.rows_max)
        if deferred and not self._turns:
            most = self._outlook.brief(most)
        if self._blind:
            window = turns.window(most)
            chosen = share(window, most)
        else:
            # Whoever was told when to come is overtaken by few.
            window = turns.window(min(WINDOW, self._outlook.near()) if deferred else WINDOW)
            last = turns.deep if turns.keys > 1 else None
            chosen = neighbours(self._packing, window, most=most, waiting=turns.rows, last=last)
        parts: list[Part] = []
        cost = 0.0
        for entry, size, count in chosen:
            turns.start(entry, count)
            taken = entry.take(size, count)
            parts.extend([Part(entry.request, start, stop) for start, stop in taken])
            cost += entry.cost * count
        if turns.keys > 1:
            turns.served(now_s, [(entry, count) for entry, _, count in chosen])
        for entry, _, _ in chosen:
            turns.finish(entry, turn=entry is window[0])
        self._deferral.charge(cost, deferred=deferred, others=bool(self._turns))
        if turns and not deferred:
            self._outlook.filled(sum([count for _, _, count in chosen]))
        return self._run(now_s, chosen, parts, deferred=deferred)

    def _run(self, now_s: float, chosen: Chosen, parts: list[Part], *, deferred: bool) -> Run:
        worker = self._crew.take()
        if deferred:
            self._deferral.workers.add(worker)
        rows, cost, size_sum, size_max, deadline_s = 0, 0.0, 0.0, 0.0, now_s
        for entry, size, count in chosen:
            rows += count
            cost += entry.cost * count
            size_sum += size * count
            size_max = max(size_max, size)
            deadline_s = max(deadline_s, entry.deadline_s)
        expected = cost
        if not self._blind:
            self._last = rows, size_max, size_sum
            expected = self._packing.expected_s(rows=rows, size_max=size_max, size_sum=size_sum)
        self._occupy(worker, Busy(rows, cost, expected or cost, now_s), deadline_s)
        return Run(worker, parts)

    def _occupy(self, worker: int, busy: Busy, deadline_s: float) -> None:
        busy.kill_at_s = min(deadline_s, busy.since_s + self._run_max_s) + self._grace_s
        self._crew.busy[worker] = busy
        self._due_s = min(self._due_s, busy.kill_at_s)

    def _dearer(self, packing: Packing) -> float:
        """Return how many times what it was a packing expects of the last batch."""
        if self._last is None:
            return 1.0
        rows, size_max, size_sum = self._last
        before = self._packing.expected_s(rows=rows, size_max=size_max, size_sum=size_sum)
        after = packing.expected_s(rows=rows, size_max=size_max, size_sum=size_sum)
        return after / before if before > 0.0 and after > 0.0 else 1.0

    def _make_room(self, turns: Turns, key: str, rows: int) -> list[Decision] | None:
        """Reject requests of the key that has most rows; ``None`` if that makes no room."""
        victims = turns.surplus(key, rows, turns.rows + rows - self._queue_rows)
        for entry in victims:
            self._live.pop(entry.request)
            turns.drop(entry)
        retry_after_s = self.retry_after_s()
        return [Rejected(entry.request, retry_after_s) for entry in victims] or None

    def _learn(self, now_s: float, busy: Busy) -> None:
        if busy.cost == 0.0:
            return
        seconds = now_s - busy.since_s
        self._outlook.ran(busy.rows, busy.cost, seconds)
        self._deferral.passed(now_s, rate=self._outlook.rate())
        if self.on_ran is not None:
            self.on_ran(Ran(now_s, busy.rows, busy.cost, busy.expected, seconds))
