"""How much work may be in flight: a limit that appears when the model becomes slower.

The rule is Gradient2 of Netflix's concurrency-limits: compare what work takes now with what it used
to take, ``gradient = clamp(tolerance * long / short, 0.5, 1)``, and move the limit towards
``gradient * limit + sqrt(limit)``. Differences, each for a reason:

- The time of a batch is compared with what is expected of a batch of its cost, in the model only.
  Waiting, batches of other sizes and large requests change latency without the model being slower.
- What it used to take is learnt from live traffic over minutes. Nothing is throttled to find out.
- A model at its usual speed is not limited at all: how much may wait for it is a question of
  deadlines, which other rules answer. Narrowing starts from twice what is in flight.
- While less than half of what is admissible is in flight the limit rests: it is not what binds.
- After a start or a new release, it learns and rejects nothing.
"""

from __future__ import annotations

import math
from collections import deque
from statistics import median

from msgspec import Struct

from seatrial.schedule.batcher import Ran
from seatrial.schedule.pace import Pace

TOLERANCE = 2.0
"""Slower by this factor is still usual: other work on the machine does that."""

GRADIENT_MIN = 0.5
"""Most that one window narrows, before smoothing."""

SMOOTHING = 0.6
"""Weight of a window that narrows; one that widens counts whole."""

WINDOW_S = 0.1
"""Shortest time between two changes of the limit."""

WINDOW_BATCHES = 5
"""Fewest batches between two changes."""

RECENT_BATCHES = 20
"""Batches whose median is compared: a few pauses do not move it, noise moves it little."""

USUAL_MEMORY_S = 300.0
"""How long a past the usual speed is learnt from: a slower model becomes usual after minutes."""

CALIBRATION_S = 10.0
"""Shortest time after a start or a new release in which nothing is rejected."""

CALIBRATION_BATCHES = 50
"""Fewest batches in that time."""

CALM_S = 10.0
"""After so long at the usual speed there is no limit."""

FLOOR_BATCHES = 2.0
"""The limit leaves each worker so many batches: one runs, one waits."""

SHAPE_MEMORY = 2_000.0
"""Batches from which the time of a batch by its cost is learnt."""

BATCH_SMOOTHING = 0.05
"""Weight of the newest batch in the mean cost of batches and rows."""


class Load(Struct, frozen=True):
    """What a limiter has to know of the queue.

    Attributes:
        inflight: Cost that waits or runs.
        workers: Workers that share it.
        admissible: Most cost that other rules let in at the present speed.
    """

    inflight: float
    workers: int
    admissible: float


class Limiter:
    """A limit on the cost in flight.

    Attributes:
        limit: Most cost in flight; infinity while the model has its usual speed.
        calibrating: Whether the usual speed is still being learnt.
        slowness: Time per cost in the last window over the usual one; 1 is usual.
    """

    def __init__(self) -> None:
        self.recalibrate()

    def recalibrate(self) -> None:
        """Forget everything: another release answers now."""
        self.limit = math.inf
        self.calibrating = True
        self.slowness = 1.0
        self._shape = Pace(memory=SHAPE_MEMORY)
        self._usual = 1.0
        self._recent: deque[tuple[float, float]] = deque(maxlen=RECENT_BATCHES)
        self._fresh = 0
        self._since_s = self._moved_s = self._slow_s = -math.inf
        self._batches = 0
        self._batch_cost = self._row_cost = 0.0

    def ran(self, ran: Ran, load: Load) -> None:
        """A batch has ended, and this is in flight beside it."""
        now_s, cost = ran.now_s, ran.cost
        if self._batches == 0:
            self._since_s = self._moved_s = now_s
            self._batch_cost, self._row_cost = cost, cost / ran.rows
            self._shape.learn(ran.expected, ran.seconds)
        self._batches += 1
        self._batch_cost += BATCH_SMOOTHING * (cost - self._batch_cost)
        self._row_cost += BATCH_SMOOTHING * (cost / ran.rows - self._row_cost)
        self._recent.append((ran.expected, ran.seconds))
        self._fresh += 1
        if self._fresh >= WINDOW_BATCHES and now_s - self._moved_s >= WINDOW_S:
            self._judge(now_s - self._moved_s)
            self._moved_s = now_s
            self._move(load, load.inflight + cost, now_s)

    def _judge(self, elapsed_s: float) -> None:
        """Compare the last batches with what is usual, and learn from those that are new."""
        ratios = [took / max(self._shape.expect(expected), 1e-9) for expected, took in self._recent]
        ratio = median(ratios)
        if self.calibrating:
            self._usual = 1.0
        else:
            self._usual += (ratio - self._usual) * -math.expm1(-elapsed_s / USUAL_MEMORY_S)
        self.slowness = ratio / self._usual
        # Slow batches would teach the shape that large ones, which come with them, take long.
        most = math.inf if self.calibrating else TOLERANCE * self._usual
        fresh = min(self._fresh, len(ratios))
        if ratio < most:
            for own, (expected, took) in list(zip(ratios, self._recent, strict=True))[-fresh:]:
                if own < most:
                    self._shape.learn(expected, took / self._usual)
        self._fresh = 0

    def _move(self, load: Load, inflight: float, now_s: float) -> None:
        if self.calibrating:
            learnt_s = now_s - self._since_s
            self.calibrating = learnt_s < CALIBRATION_S or self._batches < CALIBRATION_BATCHES
            return
        if self.slowness > TOLERANCE:
            self._slow_s = now_s
        elif now_s - self._slow_s >= CALM_S:
            self.limit = math.inf
        if self.slowness <= TOLERANCE and self.limit == math.inf:
            return
        if inflight < min(self.limit, load.admissible) / 2:
            return
        # A limit far above what is in flight says nothing: narrow from where it would bind.
        limit = min(self.limit, 2 * inflight)
        queue = math.sqrt(limit * self._row_cost)
        if self.slowness > TOLERANCE:
            gradient = max(TOLERANCE / self.slowness, GRADIENT_MIN)
            limit += SMOOTHING * min(gradient * limit + queue - limit, 0.0)
        else:
            limit = self.limit + queue
        self.limit = max(limit, FLOOR_BATCHES * load.workers * self._batch_cost)
