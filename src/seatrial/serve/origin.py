"""The process that has loaded a model and answers nobody: workers are forked from it.

They share the memory of what was loaded, and are there at once: one that died is replaced without
loading anything.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence

from seatrial.core.errors import SeatrialError
from seatrial.models import frames
from seatrial.models.hostprocess import HostProcess, Running
from seatrial.serve.worker import Worker

BURY_S = 5.0
"""How long a copy that was ended may take to be gone."""


class Origin:
    """Makes workers of a process that has loaded the model.

    Args:
        loaded: The process; it has said that it ``forks``, and is ended by this from now on.
    """

    def __init__(self, loaded: Worker) -> None:
        self._loaded = loaded
        self._loop = asyncio.get_running_loop()
        self._numbers = itertools.count(1)
        self._asking = asyncio.Lock()

    @property
    def alive(self) -> bool:
        """Whether it can still be forked."""
        return not self._loaded.ended

    def fork(self) -> HostProcess:
        """Have it copied, without waiting; the copy says Hello where a new host would.

        Raises:
            OSError: The machine refuses descriptors.
        """
        return HostProcess(self._start)

    async def buried(self, number: int) -> int | None:
        """Wait for a copy that ends; return its exit status, ``None`` where nobody knows it."""
        if not self.alive:
            return None
        async with self._asking:
            try:
                said = await self._loaded.ask(frames.Bury(number), BURY_S, "waiting for a worker")
            except SeatrialError:  # it has died or hangs; others are loaded anew
                self._loaded.end()
                return None
        return said.status if isinstance(said, frames.Buried) else None

    async def close(self) -> None:
        """Let it end."""
        await self._loaded.close()

    def end(self) -> None:
        """End it now."""
        self._loaded.end()

    def _start(self, inherited: Sequence[int]) -> Running:
        number = next(self._numbers)
        try:
            self._loaded.send_descriptors(frames.Fork(number), inherited)
        except OSError:  # it is dying; the next worker is loaded anew
            self._loaded.end()
            raise
        return _Copy(self, number, self._loop)


class _Copy:
    """A copy of the origin, which alone can wait for it; the end of its lifeline ends it."""

    pid = 0

    def __init__(self, origin: Origin, number: int, loop: asyncio.AbstractEventLoop) -> None:
        self._origin = origin
        self._number = number
        self._loop = loop
        self._status: int | None = None
        self._gone = False

    def end(self) -> None:
        """Nothing more to do."""

    def wait(self) -> int | None:
        if not self._gone:
            asking = self._origin.buried(self._number)
            self._status = asyncio.run_coroutine_threadsafe(asking, self._loop).result()
            self._gone = True
        return self._status
