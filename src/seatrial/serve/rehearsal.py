"""Keeps the whole path warm: requests to ourselves, marked, bounded, and counted nowhere.

Memory that nobody touched for a while, code paths that never ran and processors that sleep make
the first request after a start, or after a quiet time, the slowest. So one goes through the whole
path before the first caller, and again whenever nobody has asked for a while.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from seatrial.core.clock import TimeBudget
from seatrial.serve.protocol import Protocol

QUIET_S = 10.0
"""After so long without a request the path is walked again."""

ROUNDS_FIRST = 5
"""Walks before the first caller: by then what is done once has been done."""

FIRST_S = 0.25
"""No further one of these is begun after so long: what is slow is as warm after one."""

LIMIT_S = 5.0
"""Longest wait for one walk; it is given up then, and nothing else comes of it."""


Inputs = Callable[[], Awaitable[list[Any]]]
"""Returns inputs that are right for what answers now."""


class Rehearsal:
    """Walks the path.

    Args:
        connect: Makes the protocol of a connection, as for a caller.
        inputs: Says what to ask; nothing: requests without rows.
    """

    def __init__(self, connect: Callable[[], Protocol], inputs: Inputs) -> None:
        self._connect = connect
        self._inputs = inputs

    async def play(self, times: int, *, seconds: float = math.inf) -> None:
        """Walk the path so often, one after the other; begin none after so many seconds."""
        budget = TimeBudget(seconds)
        request = _request(await self._inputs())
        for _ in range(times):
            stage = _Stage()
            protocol = self._connect()
            protocol.origin = "warmup"
            protocol.connection_made(stage)
            protocol.data_received(request)
            try:
                await asyncio.wait_for(stage.answered.wait(), LIMIT_S)
            except TimeoutError:
                return
            finally:
                protocol.connection_lost(None)
            if budget.spent():
                return


def _request(inputs: list[Any]) -> bytes:
    body = msgspec.json.encode({"inputs": inputs[:1]})
    return (
        b"POST /predict HTTP/1.1\r\nHost: rehearsal\r\nContent-Type: application/json\r\n"
        b"Cache-Control: no-store\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    )


class _Stage(asyncio.Transport):
    """A connection without a network."""

    def __init__(self) -> None:
        super().__init__()
        self.answered = asyncio.Event()

    def write(self, data: Any) -> None:  # noqa: ARG002  (of a transport)
        self.answered.set()

    def is_closing(self) -> bool:
        return False

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ARG002
        return default

    def close(self) -> None:
        self.answered.set()

    def abort(self) -> None:
        self.answered.set()

    def pause_reading(self) -> None:
        """Nothing is read."""

    def resume_reading(self) -> None:
        """Nothing is read."""
