"""Asks for tickets on connections of its own, so that the load is not disturbed."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from seatrial.measure.load.client import Connection
from seatrial.measure.load.connections import Connections
from seatrial.measure.load.driver import Outcome
from seatrial.measure.load.target import Target, make_requests
from seatrial.measure.load.tickets import Ticket, TicketBook

CONNECTIONS_MAX = 16
PAUSE_S = 0.01
"""Shortest time between two rounds of asking."""


class TicketFollower:
    """Obeys a :class:`TicketBook` on real sockets; one use.

    Args:
        book: Says when to ask for which ticket.
        target: Where the load goes.
        headers: Request headers of the load (a ticket belongs to whoever got it).
    """

    def __init__(self, book: TicketBook, target: Target, headers: dict[str, str]) -> None:
        self._book = book
        self._target = target
        self._headers = headers
        self._connections = Connections(self, target)
        self._wanted: list[int] = []
        self._own: dict[int, dict[str, str]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._zero_s = 0.0
        self._finished: asyncio.Event | None = None

    def begin(self, zero_s: float, target: Target) -> None:
        """Start counting time where the load does, and ask whom it reached."""
        self._connections.target = target
        self._zero_s = zero_s
        self._finished = asyncio.Event()

    def follow(self, request: int, ticket: Ticket, headers: dict[str, str]) -> None:
        """Ask for a ticket until it is there; ``headers`` are those of its caller."""
        self._own[request] = headers
        self._book.opened(request, self._now_s(), ticket)
        self._look_later()

    async def finish(self) -> None:
        """Wait until the fate of every ticket is known."""
        if self._finished is not None and not self._book.finished:
            self._finished.clear()
            self._look_later()
            await self._finished.wait()

    async def close(self) -> None:
        """Close every connection."""
        if self._timer is not None:
            self._timer.cancel()
        await self._connections.close()

    def ended(
        self, connection: Connection, request: int, outcome: Outcome, status: int, *, usable: bool
    ) -> None:
        """Tell the book what came of asking for a ticket."""
        self._connections.release(connection, request, usable=usable)
        answered = outcome in {Outcome.ANSWERED, Outcome.STATUS, Outcome.DEFERRED}
        self._book.told(request, self._now_s(), status if answered else 0)
        self._look()

    def closed(self, connection: Connection) -> None:
        """Forget an idle connection that the server closed."""
        self._connections.forget(connection)

    def example(self, status: int, body: bytes) -> None:
        """Nothing of a ticket's answer is shown."""

    def note(self, request: int, name: bytes, value: bytes) -> None:
        """Nothing of a ticket's answer is kept."""

    def deferred(self, request: int, body: bytes) -> bool:  # noqa: ARG002  (the book knows)
        """Say that a 202 for a ticket is no new one."""
        return False

    def _now_s(self) -> float:
        return time.perf_counter() - self._zero_s

    def _look(self) -> None:
        """Ask for what is due as far as there are connections, and come back for the rest."""
        self._wanted += self._book.due(self._now_s())
        while self._wanted and len(self._connections) < CONNECTIONS_MAX:
            self._ask(self._wanted.pop(0))
        self._look_later()
        if self._book.finished and self._finished is not None:
            self._finished.set()

    def _look_later(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        wake = self._book.wake_s()
        if wake is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(wake - self._now_s(), PAUSE_S), self._look)

    def _ask(self, request: int) -> None:
        target = replace(self._target, path=self._book.fates[request].ticket.path)
        headers = self._headers | self._own[request]
        (data,) = make_requests(target, [b""], method="GET", headers=headers)
        self._connections.send(request, data)
