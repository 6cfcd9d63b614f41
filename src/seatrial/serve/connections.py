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

    @property
    def resting(self) -> bool:
        """Whether it waits for the first byte of a request."""
        ...

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


BACKLOG_MAX = 2048
"""Connections the kernel may hold for us during a burst."""

GO_ON_SHARE = 0.9
"""Part of the places that are taken when connections are accepted again."""

REST_MIN_S = 1.0
"""A connection that rests may be closed to make room for others after so long, not earlier: its
request may be on its way."""

AT_ONCE = 50
"""Connections ended before others get their turn: each may be told why, and recorded."""

DoorOf = Callable[[bytes, bytes], Door | None]
"""Finds the door of a method and a path; ``None`` where the request is no inference."""


class Connections:
    """All connections of one server, and the timer that ends those which take too long.

    Args:
        limits: What one connection may take.
        door_of: Finds the door of a request.
        inference: Takes inference requests.
        body_max_bytes: Largest body of one.
        most: How many may be open.

    Attributes:
        open: All of them; changed by :meth:`enter` and :meth:`leave`.
        full: Whether so many are open that no further one is taken from the kernel.
        on_full: Told when that changes.
        draining: Whether each answer is the last on its connection: callers go elsewhere.
    """

    def __init__(
        self,
        *,
        limits: Limits,
        door_of: DoorOf,
        inference: Inference,
        body_max_bytes: int,
        most: int,
    ) -> None:
        # What the kernel holds for us may come all at once, before we can say stop.
        self.backlog = min(BACKLOG_MAX, max(most // 4, 1))
        self._stop_at = most - self.backlog
        self._go_at = int(self._stop_at * GO_ON_SHARE)
        self.full = False
        self.on_full: Callable[[], None] = lambda: None
        self.limits = limits
        self.door_of = door_of
        self.inference = inference
        self.body_max_bytes = body_max_bytes
        self.open: set[Watched] = set()
        self.draining = False
        self._head_of: list[tuple[bytes, bytes]] | None = None
        self._head = b""

    def enter(self, connection: Watched) -> None:
        """Count a connection in."""
        self.open.add(connection)
        if len(self.open) >= self._stop_at and not self.full:
            self.full = True
            self.on_full()

    def leave(self, connection: Watched) -> None:
        """Count a connection out."""
        self.open.discard(connection)
        if self.full and len(self.open) <= self._go_at:
            self.full = False
            self.on_full()

    def sweep(self) -> None:
        """End what is overdue, and where all places are taken, those that rest longest."""
        now_s = asyncio.get_running_loop().time()

        def overdue(at: Watched) -> bool:
            return at.due_s <= now_s

        def rested(at: Watched) -> bool:
            return at.resting and at.due_s <= now_s + self.limits.idle_s - REST_MIN_S

        self._end([at for at in self.open if overdue(at)], overdue)
        if self.full:
            longest = sorted(filter(rested, self.open), key=lambda at: at.due_s)
            self._end(longest[: len(self.open) - self._go_at], rested)

    def _end(self, connections: list[Watched], still: Callable[[Watched], bool]) -> None:
        """End connections, a few at a time: requests come in between, also on these."""
        for connection in connections[:AT_ONCE]:
            if connection in self.open and still(connection):
                connection.overdue()
        if rest := connections[AT_ONCE:]:
            asyncio.get_running_loop().call_soon(self._end, rest, still)

    def default_head(self, state: ServerState) -> bytes:
        """Return the headers that uvicorn puts into every response, encoded once a second."""
        if state.default_headers is not self._head_of:
            self._head_of = state.default_headers
            self._head = b"".join(b"%b: %b\r\n" % pair for pair in state.default_headers)
        return self._head
