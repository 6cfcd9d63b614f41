"""Who runs next: work-conserving, length-aware batching without clock, socket or sleep.

No row waits while a worker is idle. When all are busy, the next free one takes the request whose
turn it is and, of the next ``WINDOW`` requests, those nearest to it in size, as long as the packing
has room. Expired and cancelled rows are dropped before they run.

No request starves: each batch begins with the request whose turn it is, and a request that was cut
goes to the back of its key. So with one key, a request is in a batch after at most as many batches
as requests waited before it came, whatever sizes follow; with several, see
:class:`~seatrial.schedule.fairness.Turns`. Deferred requests, for which nobody holds a connection
open, run when no other row waits, and otherwise get ``DEFERRED_SHARE`` of the work.

Every method is an event at a given time and returns the decisions it leads to; the server, the
tests and the simulator obey the same ones.
"""

from __future__ import annotations

import heapq
import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from seatrial.schedule.fairness import Turns, Waiting
from seatrial.schedule.filling import Offer, Packing, RowPacking, neighbours, share
from seatrial.schedule.pace import Pace

__all__ = [
    "Batcher",
    "Decision",
    "Expired",
    "Kill",
    "Offer",
    "Packing",
    "Part",
    "Rejected",
    "RowPacking",
    "Run",
]

WINDOW = 64
"""Requests among which neighbours in size are sought, however many wait: it bounds a decision."""

DEFERRED_SHARE = 0.05
"""Part of the work that deferred rows get while others wait, so that they have an end in sight."""

PACE_MEMORY = 30.0
"""Batches from which waiting times are estimated: a tenfold slower model shows after a few."""

DEADLINES_SPARE = 64
"""Deadlines of requests that are gone, beyond as many as live, before they are swept out."""

RETRY_MIN_S = 1
"""Shortest wait told to a rejected caller: ``Retry-After`` knows whole seconds."""

RETRY_MAX_S = 60
"""Longest wait told to a rejected caller: beyond it the estimate means nothing."""


class Part(Struct, frozen=True):
    """Rows ``start`` to ``stop`` (exclusive) of a request."""

    request: int
    start: int
    stop: int


class Run(Struct, frozen=True):
    """Decision: ``worker`` runs these parts as one batch."""

    worker: int
    parts: list[Part]


class Expired(Struct, frozen=True):
    """Decision: the deadline of ``request`` has passed; ``started`` if a worker got rows of it."""

    request: int
    started: bool


class Rejected(Struct, frozen=True):
    """Decision: ``request`` does not fit into the queue; it may come again after that time."""

    request: int
    retry_after_s: int


class Kill(Struct, frozen=True):
    """Decision: ``worker`` hangs; nobody waits for its batch any more."""

    worker: int


Decision = Run | Expired | Rejected | Kill


class _Busy:
    __slots__ = ("cost", "kill_at_s", "rows", "since_s")

    def __init__(self, rows: int, cost: float, since_s: float, kill_at_s: float) -> None:
        self.rows = rows
        self.cost = cost
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
        on_ran: Told the time, cost and seconds of every batch that ended.

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
        on_ran: Callable[[float, float, float], None] | None = None,
    ) -> None:
        self.on_ran = on_ran
        self.pace = Pace(memory=PACE_MEMORY)
        self._blind = True
        self._queue_rows = queue_rows
        self._grace_s = grace_s
        self._run_max_s = run_max_s
        self._turns = Turns()
        self._deferred = Turns()
        self._deferred_credit = 0.0
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
        self._turns.price(packing.cost)
        self._deferred.price(packing.cost)

    @property
    def rows_waiting(self) -> int:
        """Rows that wait, deferred ones not counted."""
        return self._turns.rows

    @property
    def rows_deferred(self) -> int:
        """Deferred rows that wait."""
        return self._deferred.rows

    @property
    def rows_running(self) -> int:
        """Rows that workers hold."""
        return sum(busy.rows for busy in self._busy.values())

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
        size: float | None = None,
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
            size: The same, for all.
            key: Whose share of the work it uses.
            deferred: Whether nobody holds a connection open for it.
        """
        decisions = self.tick(now_s) if now_s >= self._due_s else []
        entry = self._entry(request, rows, sizes if size is None else size, deadline_s)
        if self._idle and rows == 1:
            # Nothing waits while a worker is idle.
            self._expect(entry)
            entry.left = 0
            worker, _ = self._idle.popitem(last=False)
            self._occupy(worker, 1, entry.cost, now_s, deadline_s)
            decisions.append(Run(worker, [Part(request, 0, 1)]))
            return decisions
        turns = self._deferred if deferred else self._turns
        if turns.rows + rows > self._queue_rows and not self._make_room(
            turns, key, rows, decisions
        ):
            decisions.append(Rejected(request, self.retry_after_s()))
            return decisions
        self._expect(entry)
        turns.add(key, entry)
        if self._idle:
            decisions.extend(self._dispatch(now_s))
        return decisions

    def idle(self, now_s: float, worker: int) -> list[Decision]:
        """A worker is ready for a batch, for the first time or again."""
        busy = self._busy.pop(worker, None)
        if busy is not None:
            self._learn(now_s, busy)
        self._idle[worker] = None
        decisions = self.tick(now_s) if now_s >= self._due_s else []
        if self._turns or self._deferred:
            decisions.extend(self._dispatch(now_s))
        return decisions

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

    def expected_wait_s(self, key: str = "") -> float:
        """Return how long a row of that key that came now would wait before it starts."""
        turns = self._turns
        rows, cost = float(turns.rows), turns.cost
        if turns.keys > 1 or (rows and turns.flow(key) is None):
            flow = turns.flow(key)
            before = (flow.rows, flow.cost) if flow is not None else (0, 0.0)
            keys = turns.keys + (flow is None)
            # Each other key is served as much as this one, as long as it has anything.
            rows = min(rows, (before[0] + 1.0) * keys - 1.0)
            cost = min(cost, before[1] * keys + (keys - 1.0) * cost / max(turns.rows, 1))
        return self._seconds(rows, cost) / max(self.workers, 1)

    def retry_after_s(self) -> int:
        """Return what a rejected caller is told: when half of the queue should be gone."""
        return min(max(math.ceil(self.expected_wait_s() / 2), RETRY_MIN_S), RETRY_MAX_S)

    def _seconds(self, rows: float, cost: float) -> float:
        """Return how long one worker needs for so many rows of that cost, in full batches."""
        return self.pace.expect(cost, batches=rows / self._packing.rows_max)

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
        while self._idle and (self._turns or self._deferred):
            worker, _ = self._idle.popitem(last=False)
            yield self._start(now_s, worker)

    def _start(self, now_s: float, worker: int) -> Run:
        turns = self._next_turns()
        packing = self._packing
        if self._blind:
            window = turns.window(packing.rows_max)
            chosen = share(window, packing.rows_max)
        else:
            window = turns.window(WINDOW)
            chosen = neighbours(packing, window, waiting=turns.rows, last=turns.deep)
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
        if self._deferred:
            charged = cost if turns is self._deferred and self._turns else 0.0
            self._deferred_credit += DEFERRED_SHARE * cost - charged
        else:
            self._deferred_credit = 0.0
        self._occupy(worker, rows, cost, now_s, deadline_s)
        return Run(worker, parts)

    def _next_turns(self) -> Turns:
        if not self._deferred:
            return self._turns
        if not self._turns or self._deferred_credit > 0.0:
            return self._deferred
        return self._turns

    def _make_room(self, turns: Turns, key: str, rows: int, decisions: list[Decision]) -> bool:
        """Reject newest requests of the key that has most rows, if that is more than its share."""
        own = turns.flow(key)
        wanted = (own.rows if own is not None else 0) + rows
        excess = turns.rows + rows - self._queue_rows
        victims: list[Waiting] = []
        if turns and turns.heaviest().rows - excess >= wanted:
            for entry in reversed(turns.heaviest().entries.values()):
                if excess <= 0:
                    break
                if not entry.started:
                    victims.append(entry)
                    excess -= entry.rows
        if excess > 0 or not victims:
            return False
        retry_after_s = self.retry_after_s()
        for entry in victims:
            del self._live[entry.request]
            turns.drop(entry)
            decisions.append(Rejected(entry.request, retry_after_s))
        return True

    def _learn(self, now_s: float, busy: _Busy) -> None:
        seconds = now_s - busy.since_s
        self.pace.learn(busy.cost, seconds)
        if self.on_ran is not None:
            self.on_ran(now_s, busy.cost, seconds)
