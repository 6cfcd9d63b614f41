"""Finds out whether a table model answers rows in which a value is missing.

Whether null may be sent is for the model to say, and an eval set without missing values says
nothing of it. So the first worker of a release is asked, before callers are let in: a row of the
eval set with all its values missing and, where that fails, with one missing at a time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
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


class MissingValues:
    """Warms a worker, and asks the first one of each release for what it makes of null.

    Args:
        warm_up: Warms it.
        signature: Knows the columns, and is told which of them must hold something.
        remote: The model is somebody else's service, whose calls are not ours to spend.
        halted: Says whether no model call may start.
        clock: Where time comes from.
    """

    def __init__(
        self,
        warm_up: Callable[[Worker, Deployment], Awaitable[str]],
        *,
        signature: Signature,
        remote: bool,
        halted: Callable[[], bool],
        clock: Clock = SYSTEM,
    ) -> None:
        self._warm_up = warm_up
        self._signature = signature
        self._remote = remote
        self._halted = halted
        self._clock = clock
        self._asked = ""

    async def __call__(self, worker: Worker, deployment: Deployment) -> str:
        """Warm one worker of a deployment; return what was done, in words.

        Raises:
            ServingError: It hung or died while it was warmed.
        """
        told = await self._warm_up(worker, deployment)
        sample = self._signature.sample
        if sample is None or self._remote or self._halted() or self._asked == deployment.release:
            return told
        self._asked = deployment.release
        with suppress(ServingError):  # whoever keeps workers sees that this one is lost
            await self._ask(worker, sample)
        return told

    async def _ask(self, worker: Worker, sample: Mapping[str, Any]) -> None:
        names = [name for name, value in sample.items() if value is not None]
        # Should one row kill the model, callers may send none like it.
        self._signature.learn_missing(set(names))
        if not names or await self._takes(worker, sample, names):
            self._signature.learn_missing(set())
            return
        budget = TimeBudget(BUDGET_S, clock=self._clock)
        refused = set()
        for name in names:
            if budget.left_s() > 0 and not await self._takes(worker, sample, [name]):
                refused.add(name)
        self._signature.learn_missing(refused)

    @staticmethod
    async def _takes(worker: Worker, sample: Mapping[str, Any], names: list[str]) -> bool:
        row = {**sample, **dict.fromkeys(names)}
        try:
            await worker.answer([row], limit_s=CALL_LIMIT_S)
        except (InputError, ModelError):
            return False
        return True
