"""Whose turn it is: every caller key gets an equal share of the cost that is worked off.

Deficit round robin (Shreedhar & Varghese 1995), in the form that lets a key overdraw: a key is
served while its credit is positive, every row that starts is charged to its key, and keys whose
credit is used up are passed over, a quantum dearer each time. Rows that join a batch out of turn
because their size fits are charged too, so that nobody gains by them in the long run.
"""

from __future__ import annotations

import math
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from seatrial.schedule.waiting import Waiting

DEBT_ROUNDS = 64
"""A key owes at most so many quanta: rows that filled places nobody else wanted are forgiven."""

DEEP_ROUNDS = 8
"""A key that owes so many quanta joins a batch out of turn only after all others."""

COST_MIN = 1e-12
"""A row that is said to cost nothing still takes its turn."""

ROW_KEEP = 15 / 16
"""What a row that starts leaves of the weight of those before it, in how fast a key is served."""

BATCH_KEEP = 3 / 4
"""What a batch leaves of it at the least, however many rows of the key it holds."""

QUANTUM_SMOOTHING = 0.02
"""Weight of the newest row in the quantum, which follows the mean cost of a row."""


class Flow:
    """The requests of one key that wait, oldest turn first.

    Attributes:
        turns: Where they wait.
        key: Whose they are.
        entries: By number.
        rows: Rows that wait.
        cost: What they cost.
        credit: What the key may still use in this round; negative if it used more.
        row_s: Time between two of its rows that start, while it waits beside others; 0 if unknown.
    """

    __slots__ = ("_started_s", "cost", "credit", "entries", "key", "row_s", "rows", "turns")

    def __init__(self, turns: Turns, key: str) -> None:
        self.turns = turns
        self.key = key
        self.entries: OrderedDict[int, Waiting] = OrderedDict()
        self.rows = 0
        self.cost = 0.0
        self.credit = 0.0
        self.row_s = 0.0
        self._started_s = math.inf

    def started(self, now_s: float, rows: int) -> None:
        """So many of its rows have just started."""
        elapsed_s = now_s - self._started_s
        self._started_s = now_s
        if elapsed_s >= 0.0:
            keep = max(ROW_KEEP**rows, BATCH_KEEP) if self.row_s else 0.0
            self.row_s = keep * self.row_s + (1.0 - keep) * elapsed_s / rows


class Turns:
    """Requests that wait, in the order in which they are served.

    With one key this is first come, first served, and costs nothing more.

    Bound: a request behind ``n`` others of its key becomes head within
    ``(n + 1) (DEBT_ROUNDS + 1)`` rounds, for a key is never further in debt. In a round every other
    key is head until it has used a quantum, which is what one row costs on average.

    >>> turns = Turns()
    >>> for number, key in enumerate("aaab"):
    ...     turns.add(key, Waiting(number, 1, 1, 9.0, 1.0))
    >>> [entry.request for entry in turns.window(3)]
    [0, 3, 1]
    """

    __slots__ = ("_flows", "_quantum", "cost", "rows")

    def __init__(self) -> None:
        self._flows: OrderedDict[str, Flow] = OrderedDict()
        self._quantum = 0.0
        self.rows = 0
        self.cost = 0.0

    def __bool__(self) -> bool:
        return bool(self._flows)

    def __len__(self) -> int:
        return sum(len(flow.entries) for flow in self._flows.values())

    def __iter__(self) -> Iterator[Waiting]:
        for flow in self._flows.values():
            yield from flow.entries.values()

    @property
    def keys(self) -> int:
        """Keys that wait."""
        return len(self._flows)

    def add(self, key: str, entry: Waiting) -> None:
        """A request waits."""
        priced = max(entry.cost, COST_MIN)
        self._quantum += (QUANTUM_SMOOTHING if self._quantum else 1.0) * (priced - self._quantum)
        flow = self._flows.get(key)
        if flow is None:
            flow = self._flows[key] = Flow(self, key)
            flow.credit = self._quantum
        flow.entries[entry.request] = entry
        entry.flow = flow
        cost = entry.cost * entry.left
        flow.rows += entry.left
        flow.cost += cost
        self.rows += entry.left
        self.cost += cost

    def price(self, cost: Callable[[float], float], *, factor: float) -> None:
        """Tell anew what a row of a size costs.

        Args:
            cost: Returns it.
            factor: About how many times what it was that is; 0 if it is in another unit.
        """
        self.cost = 0.0
        for flow in self._flows.values():
            flow.credit *= factor
            flow.cost = 0.0
            for entry in flow.entries.values():
                entry.price(cost)
                flow.cost += entry.cost * entry.left
            self.cost += flow.cost
        self._quantum *= factor
        if self.rows and not factor:
            self._quantum = max(self.cost / self.rows, COST_MIN)

    def drop(self, entry: Waiting) -> None:
        """Nobody waits for a request any more."""
        flow = entry.flow
        if flow is not None:
            self._count(flow, entry, entry.left)
            self._leave(flow, entry)

    def start(self, entry: Waiting, count: int) -> None:
        """So many rows of a request start: its key is charged."""
        flow = entry.flow
        if flow is None:
            return
        self._count(flow, entry, count)
        if len(self._flows) > 1:
            owes = -DEBT_ROUNDS * self._quantum
            flow.credit = max(flow.credit - entry.cost * count, owes)

    def served(self, now_s: float, chosen: Iterable[tuple[Waiting, int]]) -> None:
        """A batch has started: note how fast each key is served, where there are several.

        Args:
            now_s: The time.
            chosen: Requests and how many rows of each, before any of them is finished.
        """
        started: Counter[Flow] = Counter()
        for entry, count in chosen:
            if entry.flow is not None:
                started[entry.flow] += count
        for flow, count in started.items():
            flow.started(now_s, count)

    def finish(self, entry: Waiting, *, turn: bool) -> None:
        """After a batch: a request all of which has started leaves; if it had its turn it moves.

        Args:
            entry: A request of which rows have just started.
            turn: Whether it was its turn: then the rest goes to the back of its key.
        """
        flow = entry.flow
        if flow is None:
            return
        if entry.left == 0:
            self._leave(flow, entry)
        elif turn:
            flow.entries.move_to_end(entry.request)

    def window(self, most: int) -> list[Waiting]:
        """Return up to ``most`` requests in the order of their turns, the head first."""
        flows = self._flows
        if len(flows) == 1:
            (flow,) = flows.values()
            return list(islice(flow.entries.values(), most))
        while (first := next(iter(flows.values()))).credit <= 0.0:
            first.credit += self._quantum
            flows.move_to_end(first.key)
        return self._interleaved(most)

    def _interleaved(self, most: int) -> list[Waiting]:
        """Play the coming rounds without charging anybody."""
        chosen: list[Waiting] = []
        quantum = self._quantum
        lanes = [(flow.credit, iter(flow.entries.values())) for flow in self._flows.values()]
        while len(lanes) > 1 and len(chosen) < most:
            lasting = []
            for credit, entries in lanes:
                left = credit
                while left > 0.0 and (entry := next(entries, None)) is not None:
                    chosen.append(entry)
                    left -= min(entry.cost * entry.left, DEBT_ROUNDS * quantum)
                if left <= 0.0:
                    lasting.append((left, entries))
            # As many rounds at once as it takes until somebody has credit again.
            owed = min((-left for left, _ in lasting), default=0.0)
            lift = quantum * (1 + owed // quantum)
            lanes = [(left + lift, entries) for left, entries in lasting]
        for _, entries in lanes:
            chosen.extend(islice(entries, max(most - len(chosen), 0)))
        return chosen[:most]

    def deep(self, entry: Waiting) -> bool:
        """Whether the key of a request has used so much more than others that it comes last."""
        flow = entry.flow
        return flow is not None and flow.credit <= -DEEP_ROUNDS * self._quantum

    def flow(self, key: str) -> Flow | None:
        """Return what waits of a key."""
        return self._flows.get(key)

    def surplus(self, key: str, rows: int, excess: int) -> list[Waiting]:
        """Return what gives way so that a key gets room for more rows.

        Args:
            key: Whose rows have come.
            rows: How many.
            excess: How many of those that wait are too many then.

        Returns:
            The newest requests of the key that has most rows waiting, none of which has started;
            none where that would leave it fewer rows than the other.
        """
        if len(self._flows) < 2 and key in self._flows:  # noqa: PLR2004  (itself and another)
            return []
        heaviest = max(self._flows.values(), key=lambda flow: flow.rows, default=None)
        own = self._flows.get(key)
        kept = (own.rows if own is not None else 0) + rows
        if heaviest is None or heaviest is own or heaviest.rows - excess < kept:
            return []
        chosen: list[Waiting] = []
        for entry in reversed(heaviest.entries.values()):
            if excess > 0 and not entry.started:
                chosen.append(entry)
                excess -= entry.rows
        return chosen if excess <= 0 else []

    def _count(self, flow: Flow, entry: Waiting, count: int) -> None:
        cost = entry.cost * count
        flow.rows -= count
        flow.cost -= cost
        self.rows -= count
        self.cost -= cost

    def _leave(self, flow: Flow, entry: Waiting) -> None:
        del flow.entries[entry.request]
        entry.flow = None
        if not flow.entries:
            del self._flows[flow.key]
            if not self._flows:
                # Sums of floats drift; an empty queue costs nothing.
                self.cost = 0.0
