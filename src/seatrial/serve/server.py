"""uvicorn's server without its signals and without its ten looks a second."""

from __future__ import annotations

import asyncio
import contextlib
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

    def end(self) -> None:
        """Stop listening, let connections finish."""
        self.should_exit = True
        self._ending.set()

    async def main_loop(self) -> None:
        """Renew the Date header until it is told to end."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), DATE_S)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the front."""
        yield
