"""Who runs next: work-conserving batching as a state machine without clock, socket or sleep.

No row waits while a worker is idle. When all are busy, the next free one takes the request whose
turn it is and whatever else fits. A request larger than a batch is cut; after each cut its rest
goes to the back, so that a small request waits for at most one batch of each request before it.
Expired and cancelled rows are dropped before they run.

Every method is an event at a given time and returns the decisions it leads to; the server, the
tests and the simulator obey the same ones.
"""

from __future__ import annotations

import heapq
import math
from collections import OrderedDict
from collections.abc import Iterator
from typing import Protocol

from msgspec import Struct

RATE_SMOOTHING = 0.1
"""Weight of the newest batch in the mean time per row: about the last twenty batches count."""

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


class Packing(Protocol):
    """How many more rows a batch may take: where length-aware budgets go."""

    def room(self, *, rows: int, size_max: int, candidate: Waiting) -> int:
        """Return how many rows of ``candidate`` fit a batch that holds ``rows`` rows already.

        Args:
            rows: Rows in the batch so far.
            size_max: Size of the largest of them.
            candidate: A request with rows waiting.
        """
        ...


class RowPacking(Struct, frozen=True):
    """A batch holds at most ``rows_max`` rows, whatever their sizes."""

    rows_max: int

    def room(self, *, rows: int, size_max: int, candidate: Waiting) -> int:  # noqa: ARG002  (of Packing)
        """Return what is left of ``rows_max``."""
        return max(self.rows_max - rows, 0)


class Waiting:
    """A request of which rows wait or run.

    Attributes:
        request: Its number, chosen by the caller, unique while it lives.
        rows: How many rows it has.
        next_row: The first row that has not started.
        size: Size of its largest row, in the model's own unit.
        deadline_s: When nobody waits for it any more.
    """

    __slots__ = ("deadline_s", "next_row", "request", "rows", "size")

    def __init__(self, request: int, rows: int, size: int, deadline_s: float) -> None:
        self.request = request
        self.rows = rows
        self.size = size
        self.deadline_s = deadline_s
        self.next_row = 0


class _Busy:
    __slots__ = ("kill_at_s", "rows", "since_s")

    def __init__(self, rows: int, since_s: float, kill_at_s: float) -> None:
        self.rows = rows
        self.since_s = since_s
        self.kill_at_s = kill_at_s


class Batcher:
    """Decides what runs where. Times are monotonic seconds of the caller's clock.

    Args:
        packing: How many rows fit one batch; may be replaced at any time.
        queue_rows: Rows that may wait; a request that would exceed them is rejected whole.
        grace_s: How long past its last deadline a batch may run before its worker is killed.

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

    def __init__(self, packing: Packing, *, queue_rows: int, grace_s: float) -> None:
        self.packing = packing
        self._queue_rows = queue_rows
        self._grace_s = grace_s
        self._waiting: OrderedDict[int, Waiting] = OrderedDict()
        self._live: dict[int, Waiting] = {}
        self._idle: OrderedDict[int, None] = OrderedDict()
        self._busy: dict[int, _Busy] = {}
        self._deadlines: list[tuple[float, int]] = []
        self._row_s = 0.0
        self.rows_waiting = 0

    @property
    def rows_running(self) -> int:
        """Rows that workers hold."""
        return sum(busy.rows for busy in self._busy.values())

    @property
    def workers(self) -> int:
        """Workers that are idle or busy."""
        return len(self._idle) + len(self._busy)

    def arrive(
        self, now_s: float, request: int, *, rows: int, deadline_s: float, size: int = 1
    ) -> list[Decision]:
        """A request has come in.

        Args:
            now_s: The time.
            request: Its number.
            rows: How many rows, at least 1.
            deadline_s: When it expires.
            size: Size of its largest row.
        """
        decisions = self.tick(now_s)
        if self.rows_waiting + rows > self._queue_rows:
            decisions.append(Rejected(request, self.retry_after_s()))
            return decisions
        waiting = Waiting(request, rows, size, deadline_s)
        self._waiting[request] = self._live[request] = waiting
        self.rows_waiting += rows
        heapq.heappush(self._deadlines, (deadline_s, request))
        decisions.extend(self._dispatch(now_s))
        return decisions

    def idle(self, now_s: float, worker: int) -> list[Decision]:
        """A worker is ready for a batch, for the first time or again."""
        busy = self._busy.pop(worker, None)
        if busy is not None:
            self._learn((now_s - busy.since_s) / busy.rows)
        self._idle[worker] = None
        return [*self.tick(now_s), *self._dispatch(now_s)]

    def lost(self, now_s: float, worker: int) -> list[Decision]:
        """A worker is gone; what it held is the caller's to answer."""
        self._busy.pop(worker, None)
        self._idle.pop(worker, None)
        return self.tick(now_s)

    def done(self, request: int) -> None:
        """A request has its answer, or nobody wants one: rows that still wait are dropped."""
        if self._live.pop(request, None) is not None:
            self._drop(request)

    def tick(self, now_s: float) -> list[Decision]:
        """Time has passed: expire what is due and give up workers that hang."""
        decisions: list[Decision] = []
        while self._deadlines and self._deadlines[0][0] <= now_s:
            _, request = heapq.heappop(self._deadlines)
            entry = self._live.pop(request, None)
            if entry is not None:
                self._drop(request)
                decisions.append(Expired(request, started=entry.next_row > 0))
        for worker, busy in self._busy.items():
            if busy.kill_at_s <= now_s:
                busy.kill_at_s = math.inf
                decisions.append(Kill(worker))
        return decisions

    def wakes_at_s(self) -> float:
        """Return when :meth:`tick` has something to do next; infinity if never."""
        while self._deadlines and self._deadlines[0][1] not in self._live:
            heapq.heappop(self._deadlines)
        deadline = self._deadlines[0][0] if self._deadlines else math.inf
        return min([deadline, *(busy.kill_at_s for busy in self._busy.values())])

    def expected_wait_s(self) -> float:
        """Return how long a row that came now would wait before it starts."""
        return self.rows_waiting * self._row_s / max(self.workers, 1)

    def retry_after_s(self) -> int:
        """Return what a rejected caller is told: when half of the queue should be gone."""
        return min(max(math.ceil(self.expected_wait_s() / 2), RETRY_MIN_S), RETRY_MAX_S)

    def _dispatch(self, now_s: float) -> Iterator[Decision]:
        while self._idle and self._waiting:
            worker, _ = self._idle.popitem(last=False)
            yield self._start(now_s, worker)

    def _start(self, now_s: float, worker: int) -> Run:
        parts: list[Part] = []
        rows = size_max = 0
        deadline_s = now_s
        for _ in range(len(self._waiting)):
            entry = next(iter(self._waiting.values()))
            fits = self.packing.room(rows=rows, size_max=size_max, candidate=entry)
            take = min(entry.rows - entry.next_row, fits if parts else max(fits, 1))
            if take <= 0:
                break
            parts.append(Part(entry.request, entry.next_row, entry.next_row + take))
            rows += take
            size_max = max(size_max, entry.size)
            deadline_s = max(deadline_s, entry.deadline_s)
            self._advance(entry, take)
        self._busy[worker] = _Busy(rows, now_s, deadline_s + self._grace_s)
        return Run(worker, parts)

    def _advance(self, entry: Waiting, take: int) -> None:
        entry.next_row += take
        self.rows_waiting -= take
        if entry.next_row == entry.rows:
            del self._waiting[entry.request]
        else:
            self._waiting.move_to_end(entry.request)

    def _drop(self, request: int) -> None:
        entry = self._waiting.pop(request, None)
        if entry is not None:
            self.rows_waiting -= entry.rows - entry.next_row

    def _learn(self, row_s: float) -> None:
        if self._row_s == 0.0:
            self._row_s = row_s
        self._row_s += RATE_SMOOTHING * (row_s - self._row_s)
