"""The workers: who is idle, who runs what since when, and who hangs."""

from __future__ import annotations

import math
from collections import OrderedDict

from seatrial.schedule.pace import Pace

OVERDUE = 2.0
"""A batch is overdue after so many times what it should take."""

SPEED_MIN = 0.01
"""Least speed of all workers together, in workers: waits become long, not endless."""


class Busy:
    """What a worker runs.

    Attributes:
        rows: Rows of its batch.
        cost: What they cost alone.
        expected: What was expected of the batch.
        since_s: Since when.
        kill_at_s: When the worker is given up.
    """

    __slots__ = ("cost", "expected", "kill_at_s", "rows", "since_s")

    def __init__(self, rows: int, cost: float, expected: float, since_s: float) -> None:
        self.rows = rows
        self.cost = cost
        self.expected = expected
        self.since_s = since_s
        self.kill_at_s = math.inf


class Crew:
    """All workers that live.

    Attributes:
        idle: Those that wait for a batch, longest first.
        busy: Those that run one.
    """

    __slots__ = ("busy", "idle")

    def __init__(self) -> None:
        self.idle: OrderedDict[int, None] = OrderedDict()
        self.busy: dict[int, Busy] = {}

    def __len__(self) -> int:
        return len(self.idle) + len(self.busy)

    def take(self) -> int:
        """Return the worker that has been idle longest; one must be."""
        return self.idle.popitem(last=False)[0]

    def free(self, worker: int) -> Busy | None:
        """A worker is idle; return what it ran, if anything."""
        self.idle[worker] = None
        return self.busy.pop(worker, None)

    def lose(self, worker: int) -> None:
        """A worker is gone."""
        self.busy.pop(worker, None)
        self.idle.pop(worker, None)

    def rescale(self, factor: float) -> None:
        """Costs are so many times what they were; 0 if they are in another unit.

        Nothing is learnt then from what runs.
        """
        for busy in self.busy.values():
            busy.cost *= factor
            busy.expected *= factor

    def hanging(self, now_s: float) -> list[int]:
        """Return the workers to give up, each once."""
        hung = [worker for worker, busy in self.busy.items() if busy.kill_at_s <= now_s]
        for worker in hung:
            self.busy[worker].kill_at_s = math.inf
        return hung

    def next_s(self) -> float:
        """Return when the next worker is to be given up; infinity if none is busy."""
        return min((busy.kill_at_s for busy in self.busy.values()), default=math.inf)

    def speed(self, now_s: float, pace: Pace) -> float:
        """Return how many workers do their work at the pace learnt.

        Of one that has run its batch for longer than it should, only as much is counted as would
        explain that: a model that became slower shows before its first slow batch has ended.
        """
        speed = float(len(self.idle))
        for busy in self.busy.values():
            usual_s = OVERDUE * pace.expect(busy.cost)
            ran_s = now_s - busy.since_s
            speed += 1.0 if ran_s <= usual_s else usual_s / ran_s
        return max(speed, SPEED_MIN)
