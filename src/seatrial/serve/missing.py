"""Finds out whether a table model answers rows in which a value is missing.

Whether null may be sent is for the model to say, and an eval set without missing values says
nothing of it. So a worker of each release is asked, before callers are let in: a row of the eval
set with all its values missing and, where that fails, with one missing at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

from seatrial.core.clock import SYSTEM, Clock, TimeBudget
from seatrial.core.errors import InputError, ModelError, ServingError
from seatrial.serve.deployment import Deployment
from seatrial.serve.doors.signature import Signature
from seatrial.serve.worker import Worker

BUDGET_S: Final = 0.5
"""How long asking may keep a release from its callers; columns left over are let through."""

CALL_LIMIT_S: Final = 5.0
"""A warm model that takes longer for one row hangs on it."""

REPLACED_S: Final = 30.0
"""How long a start waits for the successor of a worker that null has killed."""

LOOK_S: Final = 0.05
"""Between two looks whether it is there."""


class MissingValues:
    """Asks each release once what it makes of null, before it gets calls.

    Args:
        halted: Says whether no model call may start.
        clock: Where time comes from.
    """

    def __init__(
        self,
        *,
        halted: Callable[[], bool],
        clock: Clock = SYSTEM,
    ) -> None:
        self._halted = halted
        self._clock = clock
        self._asked: Signature | None = None

    async def __call__(self, deployment: Deployment) -> None:
        """Ask one worker of a deployment that has been started.

        Where null kills it, no caller may send any, and its place is waited for.
        """
        signature, worker = deployment.examples.signature, deployment.pool.seats[0].worker
        # A model that is somebody else's service: its calls are not ours to spend.
        remote = deployment.settings.model.adapter == "url"
        if signature.sample is None or worker is None or remote or self._halted():
            return
        if self._asked is signature:
            return  # a variant of the same release
        self._asked = signature
        await deployment.dispatcher.retire(worker)
        try:
            await self._ask(worker, signature, signature.sample)
        except ServingError:
            await self._replaced(deployment)
        else:
            deployment.dispatcher.add(worker)

    async def _replaced(self, deployment: Deployment) -> None:
        budget = TimeBudget(REPLACED_S, clock=self._clock)
        await asyncio.sleep(LOOK_S)  # for the pool to notice
        while not deployment.pool.ready and not budget.spent():
            await asyncio.sleep(LOOK_S)

    async def _ask(self, worker: Worker, signature: Signature, sample: Mapping[str, Any]) -> None:
        names = [name for name, value in sample.items() if value is not None]
        # Should one row kill the model, callers may send none like it.
        signature.learn_missing(set(names))
        if not names or await self._takes(worker, sample, names):
            signature.learn_missing(set())
            return
        budget = TimeBudget(BUDGET_S, clock=self._clock)
        refused = set()
        for name in names:
            if budget.left_s() > 0 and not await self._takes(worker, sample, [name]):
                refused.add(name)
        signature.learn_missing(refused)

    @staticmethod
    async def _takes(worker: Worker, sample: Mapping[str, Any], names: list[str]) -> bool:
        row = {**sample, **dict.fromkeys(names)}
        try:
            await worker.answer([row], limit_s=CALL_LIMIT_S)
        except (InputError, ModelError):
            return False
        return True
