"""One loaded release and variant with its workers and queue, and who says which one answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from seatrial.core.settings import Settings
from seatrial.schedule.batcher import RowPacking
from seatrial.serve.call import Call
from seatrial.serve.dispatcher import Dispatcher
from seatrial.serve.doors.door import Door
from seatrial.serve.pool import Pool
from seatrial.serve.sizes import Sizes, size_of


class Deployment:
    """What answers calls: one release, in one variant.

    Args:
        release: Its name and digest.
        variant: Which variant of it.
        settings: Those it was loaded with.
        dispatcher: The queue before its workers.
        pool: Its workers.
    """

    def __init__(
        self,
        *,
        release: str,
        variant: str,
        settings: Settings,
        dispatcher: Dispatcher,
        pool: Pool,
    ) -> None:
        self.release = release
        self.variant = variant
        self.settings = settings
        self.dispatcher = dispatcher
        self.pool = pool
        self.headers = [(b"x-release", release.encode()), (b"x-served-by", served_by(variant))]
        self._size_of: Sizes = size_of(settings.model.input)

    def submit(self, call: Call, *, now_s: float, deadline_s: float) -> None:
        """Take the rows of a call in; it comes back settled."""
        call.pending = self.dispatcher.submit(
            call.rows,
            owner=call,
            now_s=now_s,
            deadline_s=deadline_s,
            sizes=self._sizes(call),
            key=call.key_id or "",
        )

    @property
    def ready(self) -> bool:
        """Whether any of its workers answers."""
        return self.pool.ready > 0

    async def close(self) -> None:
        """End its workers; what they hold fails."""
        await self.pool.close()

    async def drained(self) -> None:
        """Return when nothing waits or runs here any more."""
        while self.dispatcher.inflight:
            await asyncio.sleep(DRAIN_LOOK_S)

    def _sizes(self, call: Call) -> Sequence[int] | int:
        if isinstance(self.dispatcher.batcher.packing, RowPacking):
            return 1
        return [self._size_of(value) for value in call.rows]


DRAIN_LOOK_S = 0.02
"""Pause between two looks at a deployment that drains."""


class Router:
    """Says what answers.

    Attributes:
        current: The deployment that new calls go to.
        native: The door that stands for the connection itself, where no request was read.
    """

    def __init__(self, current: Deployment, *, native: Door) -> None:
        self.current = current
        self.native = native

    def swap(self, following: Deployment) -> Deployment:
        """Let new calls go to another deployment; return the one that answered until now.

        What has been admitted stays where it is: no answer comes from the other one.
        """
        before, self.current = self.current, following
        return before


def served_by(variant: str) -> bytes:
    """Return the ``X-Served-By`` of a variant.

    >>> served_by("original"), served_by("int8")
    (b'model', b'variant:int8')
    """
    return b"model" if variant == "original" else b"variant:" + variant.encode()
