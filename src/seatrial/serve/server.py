"""uvicorn's server without its signals and without its ten looks a second."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn

DATE_S = 1.0
"""How often the Date header is renewed."""


class Server(uvicorn.Server):
    """A server that ends when it is told to, and not by a signal.

    uvicorn's own handling would close the listener first, and exit with the signal.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()
        self._bound: list[socket.socket] = []
        self._listening = asyncio.Lock()
        self._holds = False

    def end(self) -> None:
        """Stop listening, let connections finish."""
        self.should_exit = True
        self._ending.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen on copies of the sockets: to close a copy is to accept nothing for a while."""
        self._bound = sockets or []
        await super().startup([at.dup() for at in self._bound])

    async def hold(self, *, holds: bool) -> None:
        """Leave new connections with the kernel, or accept them again."""
        self._holds = holds
        async with self._listening:
            if self.should_exit or self._holds is not bool(self.servers):
                return
            if self._holds:
                while self.servers:
                    self.servers.pop().close()
            else:
                await super().startup([at.dup() for at in self._bound])

    async def main_loop(self) -> None:
        """Renew the Date header until it is told to end."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), DATE_S)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take whom the kernel has let in already, then close the door and let everybody finish.

        A connection that waits in the kernel's queue when its socket is closed is reset, though its
        caller was told that it stands.
        """
        for server in self.servers:
            server.close()
        for at in self._bound:
            await self._take_waiting(at)
        await super().shutdown(sockets)

    async def _take_waiting(self, at: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        at.settimeout(0.0)
        for _ in range(self.config.backlog):
            try:
                connection, _address = at.accept()
            except OSError:
                return
            await loop.connect_accepted_socket(self._protocol, connection)

    def _protocol(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class  # called as uvicorn calls it
        protocol: asyncio.Protocol = make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the front."""
        yield
