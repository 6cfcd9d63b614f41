"""uvicorn's server without its signals and without its ten looks a second."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

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

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the front."""
        yield
