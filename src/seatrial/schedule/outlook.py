"""How long what waits will take: estimates from the batches that ran."""

from __future__ import annotations

import math

from seatrial.schedule.crew import Crew
from seatrial.schedule.deferral import Deferral
from seatrial.schedule.fairness import Turns
from seatrial.schedule.pace import COST_MIN, Pace

FULL_SMOOTHING = 0.05
"""Weight of the newest batch in the rows of a full one: as many as went while more waited."""

ROW_SMOOTHING = 0.02
"""Weight of the newest batch in the mean cost of a row."""

PACE_MEMORY = 20.0
"""Batches from which waiting times are estimated: a tenfold slower model shows after a few."""

STEADY_MEMORY = 100.0
"""Batches from which is estimated when deferred rows are answered, which is further away."""

FULL_KNOWN = 10.0
"""Batches that ended while others waited, from which what is got through then is known."""

RETRY_MIN_S = 1
"""Shortest wait told to a rejected caller: ``Retry-After`` knows whole seconds."""

RETRY_MAX_S = 60
"""Longest wait told to a rejected caller: beyond it the estimate means nothing."""


class Outlook:
    """Estimates for one batcher.

    Args:
        turns: The requests that wait.
        deferral: Those of them that are deferred.
        crew: The workers.

    Attributes:
        pace: How long batches take by their cost; another object once costs have another unit.
    """

    __slots__ = (
        "_crew",
        "_deferral",
        "_fills",
        "_full_cost",
        "_full_n",
        "_full_rows",
        "_full_s",
        "_row_cost",
        "_steady",
        "_turns",
        "pace",
    )

    def __init__(self, turns: Turns, deferral: Deferral, crew: Crew) -> None:
        self._turns = turns
        self._deferral = deferral
        self._crew = crew
        self._full_rows = math.inf
        self._fills = 0
        self._row_cost = 0.0
        self.pace = Pace(memory=PACE_MEMORY)
        self._steady = Pace(memory=STEADY_MEMORY)
        self._full_n = self._full_cost = self._full_s = 0.0

    def repack(self, rows_max: int, *, factor: float) -> None:
        """Batches are packed in another way.

        Args:
            rows_max: Most rows of one.
            factor: About how many times what it was a cost is; 0 if it is in another unit.
        """
        self._row_cost *= factor
        if factor:
            self._full_rows = min(self._full_rows, float(rows_max))
            self.pace.rescale(factor)
            self._steady.rescale(factor)
            self._full_cost *= factor
        else:
            self._full_rows = float(rows_max)
            self._fills = 0
            self.pace = Pace(memory=PACE_MEMORY)
            self._steady = Pace(memory=STEADY_MEMORY)
            self._full_n = self._full_cost = self._full_s = 0.0

    def ran(self, rows: int, cost: float, seconds: float) -> None:
        """A batch has ended."""
        self.pace.learn(cost, seconds)
        self._steady.learn(cost, seconds)
        if self._turns.rows:
            keep = 1.0 - 1.0 / STEADY_MEMORY
            self._full_n = self._full_n * keep + 1.0
            self._full_cost = self._full_cost * keep + cost
            self._full_s = self._full_s * keep + seconds
        weight = ROW_SMOOTHING if self._row_cost else 1.0
        self._row_cost += weight * (cost / rows - self._row_cost)

    def filled(self, rows: int) -> None:
        """A batch of so many rows has started while more waited."""
        self._fills += 1
        self._full_rows += max(FULL_SMOOTHING, 1.0 / self._fills) * (rows - self._full_rows)

    def seconds(self, rows: float, cost: float) -> float:
        """Return how long one worker needs for so many rows of that cost, in full batches."""
        return self.pace.expect(cost, batches=rows / self._full_rows)

    def rate(self) -> float:
        """Return what cost all workers work off in a second; 0 while that is unknown."""
        seconds = self.seconds(1.0, self._row_cost)
        return len(self._crew) * self._row_cost / seconds if seconds else 0.0

    def wait_s(self, key: str, now_s: float | None) -> float:
        """Return how long a row of that key that came now would wait before it starts."""
        turns = self._turns
        rows, cost = float(turns.rows), turns.cost
        flow = turns.flow(key)
        if rows and (flow is None or turns.keys > 1):
            before = (flow.rows, flow.cost) if flow is not None else (0, 0.0)
            keys = turns.keys + (flow is None)
            # Each other key is served as much as this one, as long as it has anything.
            cost = min(cost, before[1] * keys + (keys - 1.0) * cost / rows)
            rows = min(rows, (before[0] + 1.0) * keys - 1.0)
        wait_s = self.seconds(rows, cost) / self._speed(now_s)
        if flow is not None and turns.keys > 1:
            # Keys that come and go take turns too, though they do not wait now.
            wait_s = max(wait_s, flow.rows * flow.row_s)
        return wait_s

    def backlog_s(self, now_s: float) -> float:
        """Return how long all that waits would take to start."""
        return self.seconds(self._turns.rows, self._turns.cost) / self._speed(now_s)

    def deferred_s(self) -> float:
        """Return how long all workers would need for the deferred rows that wait."""
        turns = self._deferral.turns
        return self.seconds(turns.rows, turns.cost) / max(len(self._crew), 1)

    def _speed(self, now_s: float | None) -> float:
        crew = self._crew
        return max(len(crew), 1) if now_s is None else crew.speed(now_s, self.pace)

    def retry_after_s(self) -> int:
        """Return what a rejected caller is told: when half of the queue should be gone."""
        return min(max(math.ceil(self.wait_s("", None) / 2), RETRY_MIN_S), RETRY_MAX_S)

    def eta_s(self, now_s: float, cost: float, *, before: float, refused: bool = False) -> float:
        """Return when a deferred request should have its answer.

        Args:
            now_s: The time.
            cost: Of its rows.
            before: Cost of the deferred rows before it.
            refused: Whether it was just refused.
        """
        rate = self.steady_rate()
        if not rate:
            return math.inf
        workers = len(self._crew)
        whole = max(before + cost, COST_MIN)
        batch = min(self._full_rows * self._row_cost, whole)
        starts_s = self._deferral.eta_s(
            now_s,
            before=math.floor(whole / batch * (1.0 - 1e-9)) * batch,
            ahead=self._turns.cost,
            rate=rate,
            workers=workers,
            refused=refused,
        )
        # Its own batch takes one time; half of another is over until a worker is free.
        return starts_s + 1.5 * batch * workers / rate

    def steady_rate(self) -> float:
        """As :meth:`rate`, over more batches: what is far away must not follow each of them.

        Taken from what was got through while others waited, once that is known.
        """
        if self._full_n >= FULL_KNOWN:
            return len(self._crew) * self._full_cost / max(self._full_s, COST_MIN)
        seconds = self._steady.expect(self._row_cost, batches=1.0 / self._full_rows)
        return len(self._crew) * self._row_cost / seconds if seconds else 0.0

    def brief(self, rows_max: int) -> int:
        """Return the most rows of a deferred batch while nobody else waits.

        It takes twice as long as a single row: whoever comes meanwhile waits for little, and the
        model is used at half of its best at the least.
        """
        row_s = self.pace.per_cost * self._row_cost
        return min(rows_max, 2 + int(self.pace.per_batch / row_s)) if row_s else rows_max

    def near(self) -> int:
        """Return among how many requests the mates of a deferred one are sought."""
        return math.ceil(2 * self._full_rows)

    def part(self, turns: Turns, rows_max: int) -> int:
        """Return the most rows of the next batch: other idle workers get their part.

        Unless entering the model costs more than its share of the rows.
        """
        idle = len(self._crew.idle)
        if idle > 1 and self.pace.per_cost * turns.cost / idle > self.pace.per_batch:
            return min(rows_max, math.ceil(turns.rows / idle))
        return rows_max
