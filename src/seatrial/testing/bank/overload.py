"""overload-collapse and retry-storm: services that cannot say no, and twins that can.

Twins are handlers of :func:`~seatrial.testing.queueing.queueing`. They wait instead of computing,
and do a few dozen requests a second, so that ten times that is no work for any machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from seatrial.testing.bank import parts
from seatrial.testing.bank.entry import Failure, Parameters
from seatrial.testing.queueing import Handler, Reply

OVERLOAD_STYLES = ("endless queue", "all at once", "slower the fuller")
STORM_STYLES = ("endless queue", "asks twice inside", "cold after a rush")

WAIT_MAX_S = 0.3
"""What a twin lets anybody wait before it turns him away."""

FULL = 60
"""Requests in the bounded queue that slows its service down."""

RUSH = 20
OK: Reply = (200, {})


def draw_overload(seed: int) -> Parameters:
    """Return the parameters of one pair; ``limit`` is how many requests a second it can do."""
    return parts.drawn(seed, OVERLOAD_STYLES, {"limit": (20, 30, 45), "width": (0, 1)})


def draw_storm(seed: int) -> Parameters:
    """Return the parameters of one pair; ``limit`` as above, ``width`` 1 gives Retry-After."""
    return parts.drawn(seed, STORM_STYLES, {"limit": (20, 30, 45), "width": (0, 1)})


def healthy(parameters: Parameters) -> Callable[[], Handler]:
    """Return a service that turns away whom it would keep waiting for too long."""
    return lambda: _Service(parameters).shedding


def sick(parameters: Parameters) -> Callable[[], Handler]:
    """Return a service that takes everything, in the way of the style."""
    return lambda: _WAYS[parameters.style](_Service(parameters))


class _Service:
    """One worker; made inside the loop."""

    def __init__(self, parameters: Parameters) -> None:
        self.work_s = 1.0 / parameters.limit
        self.told = {"Retry-After": "1"} if parameters.width else {}
        self.turn = asyncio.Lock()
        self.inside = 0
        self.cold = False

    async def work(self, seconds: float) -> None:
        """Do one piece of work when its turn comes."""
        async with self.turn:
            await asyncio.sleep(seconds)

    async def shedding(self) -> Reply:
        """Answer in time or not at all."""
        if self.inside * self.work_s > WAIT_MAX_S:
            return 503, self.told
        return await self.queued()

    async def queued(self) -> Reply:
        """Wait for the worker however long it takes."""
        self.inside += 1
        try:
            await self.work(self.work_s)
        finally:
            self.inside -= 1
        return OK

    async def at_once(self) -> Reply:
        """Share the machine among all who are there."""
        self.inside += 1
        try:
            for _ in range(4):
                await asyncio.sleep(self.work_s / 4 * self.inside)
        finally:
            self.inside -= 1
        return OK

    async def slower(self) -> Reply:
        """Take a bounded number of requests, each of which slows the others down."""
        if self.inside >= FULL:
            return 503, self.told
        self.inside += 1
        try:
            async with self.turn:
                await asyncio.sleep(self.work_s * (1.0 + self.inside / 8))
        finally:
            self.inside -= 1
        return OK

    async def twice(self) -> Reply:
        """Ask what is behind it again where that takes long; both pieces of work are done."""
        first = asyncio.ensure_future(self.work(self.work_s))
        done, _ = await asyncio.wait({first}, timeout=WAIT_MAX_S)
        if not done:
            await asyncio.gather(first, self.work(self.work_s))
        return OK

    async def forgetful(self) -> Reply:
        """Lose in a rush what made it fast, and get it back only when nobody waits."""
        if self.inside >= FULL:
            return 503, {}
        self.cold = self.cold or self.inside > RUSH
        self.inside += 1
        try:
            async with self.turn:
                await asyncio.sleep(self.work_s * (4.0 if self.cold else 1.0))
        finally:
            self.inside -= 1
            self.cold = self.cold and self.inside > 0
        return OK


_WAYS: dict[str, Callable[[_Service], Handler]] = {
    "endless queue": lambda service: service.queued,
    "all at once": lambda service: service.at_once,
    "slower the fuller": lambda service: service.slower,
    "asks twice inside": lambda service: service.twice,
    "cold after a rush": lambda service: service.forgetful,
}

OVERLOAD_COLLAPSE = Failure(
    id="overload-collapse",
    family="serving",
    evidence="overload",
    draw=draw_overload,
    sick=sick,
    healthy=healthy,
    inputs=parts.texts,
    through=frozenset({"url"}),
)

RETRY_STORM = Failure(
    id="retry-storm",
    family="serving",
    evidence="overload",
    draw=draw_storm,
    sick=sick,
    healthy=healthy,
    inputs=parts.texts,
    through=frozenset({"url"}),
)
