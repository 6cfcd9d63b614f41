"""Runs every batch size once on real inputs before a worker is given to users."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Iterator
from typing import Any

from seatrial.core.clock import SYSTEM, Clock, TimeBudget
from seatrial.core.errors import InputError, ModelError
from seatrial.serve.events import Events
from seatrial.serve.identifiers import Identifiers
from seatrial.serve.journal import Arrival, Journal
from seatrial.serve.pending import Pending
from seatrial.serve.worker import Worker

BUDGET_S = 5.0
"""How long warm-up may keep a worker from users; sizes left over are warmed by them."""

CALL_LIMIT_S = 60.0
"""A first call may compile or load lazily; longer than this it hangs."""

ROUTE = "warm-up"


class WarmUp:
    """Warms workers and records the rows with origin ``warmup``.

    Args:
        inputs: Real inputs; none means that nothing is warmed.
        rows_max: Largest batch.
        journal: Records the rows.
        identifiers: Gives out ids.
        events: Told of errors.
        clock: Where time comes from.
    """

    def __init__(
        self,
        inputs: list[Any],
        *,
        rows_max: int,
        journal: Journal,
        identifiers: Identifiers,
        events: Events,
        clock: Clock = SYSTEM,
    ) -> None:
        self._inputs = inputs
        self._rows_max = rows_max
        self._journal = journal
        self._identifiers = identifiers
        self._events = events
        self._clock = clock
        self.told = "no eval inputs to warm up with"

    async def __call__(self, worker: Worker) -> None:
        """Warm one worker; one that fails on an eval input is warm all the same.

        Raises:
            ServingError: It hung or died.
        """
        if not self._inputs:
            return
        budget = TimeBudget(BUDGET_S, clock=self._clock)
        source, calls = itertools.cycle(self._inputs), 0
        for size in sizes(self._rows_max if worker.hello.takes_batches else 1):
            try:
                await self._call(worker, list(itertools.islice(source, size)))
            except (InputError, ModelError) as error:
                self._events.say("warm-up-failed", {"code": error.code, "message": error.message})
            calls += 1
            if budget.spent():
                break
        self.told = f"{calls} batches of up to {size} rows"

    async def _call(self, worker: Worker, inputs: list[Any]) -> None:
        arrival = Arrival(
            self._identifiers.new(len(inputs)), self._clock.utc(), self._clock.now_s(), ROUTE
        )
        pending = Pending(
            0,
            inputs,
            now_s=arrival.at_s,
            deadline_s=math.inf,
            done=asyncio.get_running_loop().create_future(),
        )
        pending.started_s = arrival.at_s
        pending.batch_size = len(inputs)
        batch = await worker.answer(inputs, limit_s=CALL_LIMIT_S)
        pending.answers = list(batch.answers)
        pending.ended_s = self._clock.now_s()
        self._journal.answered(arrival, pending, origin="warmup")


def sizes(rows_max: int) -> Iterator[int]:
    """Yield the batch sizes to warm: one twice, for its first time is loading, then doubling.

    >>> list(sizes(10))
    [1, 1, 2, 4, 8, 10]
    """
    yield 1
    size = 1
    while size < rows_max:
        yield size
        size *= 2
    yield rows_max
