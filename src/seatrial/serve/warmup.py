"""Runs every batch size once on real inputs before a worker is given to users."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

from seatrial.core.clock import SYSTEM, Clock, TimeBudget
from seatrial.core.errors import InputError, ModelError
from seatrial.records.record import Event
from seatrial.serve.call import Call
from seatrial.serve.deployment import Deployment
from seatrial.serve.doors.door import Request
from seatrial.serve.events import Events
from seatrial.serve.identifiers import Identifiers
from seatrial.serve.journal import Journal
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

    async def __call__(self, worker: Worker, deployment: Deployment) -> None:
        """Warm one worker of a deployment; one that fails on an eval input is warm all the same.

        Raises:
            ServingError: It hung or died.
        """
        if not self._inputs:
            return
        budget = TimeBudget(BUDGET_S, clock=self._clock)
        source, calls = itertools.cycle(self._inputs), 0
        for size in sizes(self._rows_max if worker.hello.takes_batches else 1):
            try:
                await self._call(worker, list(itertools.islice(source, size)), deployment)
            except (InputError, ModelError) as error:
                self._events.say("warm-up-failed", {"code": error.code, "message": error.message})
            calls += 1
            if budget.spent():
                break
        self.told = f"{calls} batches of up to {size} rows"

    async def _call(self, worker: Worker, inputs: list[Any], deployment: Deployment) -> None:
        now_s = self._clock.now_s()
        call = Call(
            _WARM,  # type: ignore[arg-type]  # only its route is read
            Request("", ROUTE, "", {}, b""),
            _WARM,
            at=self._clock.utc(),
            at_s=now_s,
            deployment=deployment,
        )
        call.id = self._identifiers.new(len(inputs))
        pending = call.pending = Pending(0, inputs, owner=call, now_s=now_s, deadline_s=math.inf)
        pending.started_s = now_s
        pending.batch_size = len(inputs)
        batch = await worker.answer(inputs, limit_s=CALL_LIMIT_S)
        pending.answers = list(batch.answers)
        pending.ended_s = self._clock.now_s()
        records: list[Event] = []
        self._journal.results(call, records, origin="warmup")
        self._journal.write(records)


class _Warm:
    """Stands where users have a door and a connection."""

    route = ROUTE

    def send(self, response: Any, common: list[tuple[bytes, bytes]]) -> None:
        """Say nothing: nobody asked."""


_WARM = _Warm()


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
