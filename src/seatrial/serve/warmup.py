"""Runs batches of real inputs on a worker before users get it, and learns what they cost."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from seatrial.core.clock import SYSTEM, Clock, TimeBudget
from seatrial.core.errors import InputError, ModelError
from seatrial.models.subject import Batch
from seatrial.records.record import Event
from seatrial.schedule.learning import Learner
from seatrial.schedule.sampling import Sampling
from seatrial.serve.call import Call
from seatrial.serve.deployment import Deployment
from seatrial.serve.doors.door import Request
from seatrial.serve.events import Events
from seatrial.serve.identifiers import Identifiers
from seatrial.serve.journal import Journal
from seatrial.serve.pending import Pending
from seatrial.serve.worker import Worker

BUDGET_S = 1.0
"""How long warm-up may keep a worker from users; sizes left over are warmed by them."""

CALL_LIMIT_S = 60.0
"""A first call may compile or load lazily; longer than this it hangs."""

ROUTE = "warm-up"


class WarmUp:
    """Warms workers and records the rows with origin ``warmup``.

    Args:
        journal: Records the rows.
        identifiers: Gives out ids.
        events: Told of errors.
        halted: Says whether no model call may start, as an operator may order at any time.
        clock: Where time comes from.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        identifiers: Identifiers,
        events: Events,
        halted: Callable[[], bool] = lambda: False,
        clock: Clock = SYSTEM,
    ) -> None:
        self._halted = halted
        self._journal = journal
        self._identifiers = identifiers
        self._events = events
        self._clock = clock

    async def __call__(self, worker: Worker, deployment: Deployment) -> str:
        """Warm one worker of a deployment, and teach the deployment what its batches cost.

        One that fails on an eval input is warm all the same.

        Returns:
            What was done, in words.

        Raises:
            ServingError: It hung or died.
        """
        inputs = await deployment.examples.inputs()
        if not inputs:
            return "no eval inputs to warm up with"
        budget = TimeBudget(BUDGET_S, clock=self._clock)
        sampling = Sampling([deployment.size_of(value) for value in inputs], deployment.rows_max)
        calls = observed = largest = 0
        places: list[int] | None = [0]
        while places is not None:
            if self._halted():
                return f"{calls} batches, then answering was switched off"
            batch = [inputs[at] for at in places]
            try:
                answered = await self._call(worker, batch, deployment)
            except (InputError, ModelError) as error:
                self._events.say("warm-up-failed", {"code": error.code, "message": error.message})
            else:
                if calls:  # the first call of all loads what the others find
                    deployment.observe(batch, answered)
                    sampling.ran(places, answered.elapsed_s)
                    observed += 1
            calls += 1
            largest = max(largest, len(batch))
            places = sampling.next(budget.left_s())
        if observed:
            deployment.learn()
        return f"{calls} batches of up to {largest} rows"

    async def _call(self, worker: Worker, inputs: list[Any], deployment: Deployment) -> Batch:
        now_s = self._clock.now_s()
        call = Call(
            _WARM,  # type: ignore[arg-type]  # only its route is read
            Request("", ROUTE, "", {}, b""),
            _WARM,
            at=self._clock.utc(),
            at_s=now_s,
            deployment=deployment,
            origin="warmup",
        )
        call.id = self._identifiers.new(len(inputs))
        pending = call.pending = Pending(0, inputs, owner=call, now_s=now_s, deadline_s=math.inf)
        pending.started_s = now_s
        pending.batch_size = len(inputs)
        batch = await worker.answer(inputs, limit_s=CALL_LIMIT_S)
        pending.answers = list(batch.answers)
        pending.ended_s = self._clock.now_s()
        records: list[Event] = []
        self._journal.results(call, records)
        self._journal.write(records)
        return batch


def practise() -> None:
    """Learn from calls that never were: the first time takes long, and may be while a model loads.

    >>> practise()
    """
    learner = Learner()
    for rows in (1, 2, 4):
        learner.add(rows, 1, rows, rows * 1e-3)
    learner.fit()


class _Warm:
    """Stands where users have a door and a connection."""

    route = ROUTE

    def send(self, response: Any, common: list[tuple[bytes, bytes]]) -> None:
        """Say nothing: nobody asked."""


_WARM = _Warm()
