"""Keep-alive connections that are used again; each carries one request at a time."""

from __future__ import annotations

import asyncio

from seatrial.measure.load.client import Connection, Owner, open_connection
from seatrial.measure.load.driver import Outcome
from seatrial.measure.load.target import Target


class Connections:
    """The connections of one load to one target; as many as there are requests at one time.

    Args:
        owner: Who is told what became of requests. It hands on to :meth:`release` and
            :meth:`forget` what it is told of connections.
        target: Where they go; may be changed for those opened later.

    Attributes:
        opened: Connections that were made.
    """

    def __init__(self, owner: Owner, target: Target) -> None:
        self.target = target
        self.opened = 0
        self._owner = owner
        self._idle: list[Connection] = []
        self._busy: dict[int, Connection] = {}
        self._opening: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        """Return how many carry a request."""
        return len(self._busy)

    async def reach(self, target: Target) -> None:
        """Open one that carries nothing yet.

        Raises:
            OSError: No connection could be made.
        """
        connection = Connection(self._owner)
        await open_connection(target, connection)
        self.target = target
        self.opened += 1
        self._idle.append(connection)

    def send(self, request: int, data: bytes) -> None:
        """Send a request on a connection that is idle, or on a new one."""
        if self._idle:
            connection = self._busy[request] = self._idle.pop()
            connection.send(request, data)
            return
        connection = self._busy[request] = Connection(self._owner, request, data)
        task = asyncio.get_running_loop().create_task(self._open(connection))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    def release(self, connection: Connection, request: int, *, usable: bool) -> None:
        """Take a connection back whose request has ended."""
        del self._busy[request]
        if usable:
            self._idle.append(connection)

    def forget(self, connection: Connection) -> None:
        """Forget an idle connection that the server closed."""
        if connection in self._idle:
            self._idle.remove(connection)

    def cut(self, request: int) -> None:
        """Close the connection of a request that nobody waits for any more."""
        self._busy.pop(request).cut()

    async def close(self) -> None:
        """Close them all."""
        for task in self._opening:
            task.cancel()
        for connection in [*self._idle, *self._busy.values()]:
            connection.cut()
        await asyncio.gather(*self._opening, return_exceptions=True)

    async def _open(self, connection: Connection) -> None:
        try:
            await open_connection(self.target, connection)
            self.opened += 1
        except OSError:
            request = connection.request
            if request in self._busy:
                self._owner.ended(connection, request, Outcome.REFUSED, 0, usable=False)
