"""All connections of one server: what each may take, and the timer that ends the overdue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct
from uvicorn.server import ServerState

from seatrial.serve.doors.door import Door
from seatrial.serve.inference import Inference


class Watched(Protocol):
    """What the timer sees of a connection.

    Attributes:
        due_s: When it is overdue, on the clock of the event loop.
    """

    due_s: float

    def overdue(self) -> None:
        """End what takes too long."""
        ...


class Limits(Struct, frozen=True):
    """What one connection may take.

    Attributes:
        head_s: From the first byte of a request to the end of its headers.
        body_s: From there to the end of its body.
        write_s: How long a reader may leave our buffer full.
        idle_s: Between two requests. Longer than the usual clients and balancers, so that it is
            they who close first and never meet a connection that is just going.
        linger_s: How long the rest of a refused body is thrown away: closing at once would reset
            the connection under the sender, and the answer be lost.
        last_s: How long a resting connection is kept when the server ends, for a request that is
            on its way.
        head_bytes: Request line and headers.
        head_count: Headers.
    """

    head_s: float = 10.0
    body_s: float = 30.0
    write_s: float = 30.0
    idle_s: float = 75.0
    linger_s: float = 2.0
    last_s: float = 0.3
    head_bytes: int = 65_536
    head_count: int = 128


DoorOf = Callable[[bytes, bytes], Door | None]
"""Finds the door of a method and a path; ``None`` where the request is no inference."""


class Connections:
    """All connections of one server, and the timer that ends those which take too long.

    Args:
        limits: What one connection may take.
        door_of: Finds the door of a request.
        inference: Takes inference requests.
        body_max_bytes: Largest body of one.

    Attributes:
        open: All of them.
        draining: Whether each answer is the last on its connection: callers go elsewhere.
    """

    def __init__(
        self,
        *,
        limits: Limits,
        door_of: DoorOf,
        inference: Inference,
        body_max_bytes: int,
    ) -> None:
        self.limits = limits
        self.door_of = door_of
        self.inference = inference
        self.body_max_bytes = body_max_bytes
        self.open: set[Watched] = set()
        self.draining = False
        self._head_of: list[tuple[bytes, bytes]] | None = None
        self._head = b""

    def sweep(self) -> None:
        """End what is overdue."""
        now_s = asyncio.get_running_loop().time()
        for connection in [at for at in self.open if at.due_s <= now_s]:
            connection.overdue()

    def default_head(self, state: ServerState) -> bytes:
        """Return the headers that uvicorn puts into every response, encoded once a second."""
        if state.default_headers is not self._head_of:
            self._head_of = state.default_headers
            self._head = b"".join(b"%b: %b\r\n" % pair for pair in state.default_headers)
        return self._head
