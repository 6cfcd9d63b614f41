"""Gives workers that hold the model: forked from a process that has loaded it, where possible."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from seatrial.models.hostprocess import HostProcess
from seatrial.serve.origin import Origin
from seatrial.serve.worker import Worker


class Loader:
    """The processes of one release, from their start to their end.

    Args:
        launch: Starts a process that loads the model.
        launched: Processes of this release that load already; they are taken first.
        fork: Whether workers may be forked from one that has loaded the model.
        verify: Run when a process has loaded the model; raises where it may not be used.
        on_gone: Told of a worker that has ended, whyever.
    """

    def __init__(
        self,
        launch: Callable[[], HostProcess],
        *,
        launched: Sequence[HostProcess],
        fork: bool,
        verify: Callable[[], Awaitable[None]],
        on_gone: Callable[[Worker], None],
    ) -> None:
        self._launch = launch
        self._launched = deque(launched)
        self._forks = fork
        self._verify = verify
        self._on_gone = on_gone
        self._numbers = itertools.count()
        self._origin: Origin | None = None
        self._loading = asyncio.Lock()
        self._living: set[Worker] = set()

    async def worker(self) -> Worker:
        """Return a worker that holds the model; it is ended by this object at the latest.

        Raises:
            SeatrialError: What loading or verifying raised; the process died.
            OSError: The machine refuses another process or descriptor.
        """
        if not self._forks:
            return await self._loaded()
        # One load at a time: whoever waits may be forked from it.
        async with self._loading:
            if self._origin is None or not self._origin.alive:
                loaded = await self._loaded()
                self._forks = loaded.hello.forks
                if not self._forks:
                    return loaded
                self._living.discard(loaded)
                self._origin = Origin(loaded)
            origin = self._origin
        return await self._opened(origin.fork)

    async def close(self) -> None:
        """Let every process end by itself, also those that nobody has taken."""
        while self._launched:
            self._living.add(Worker(next(self._numbers), self._launched.popleft()))
        await asyncio.gather(*(worker.close() for worker in self._living))
        if self._origin is not None:
            await self._origin.close()

    def end(self) -> None:
        """End every process now."""
        for worker in self._living:
            worker.end()
        if self._origin is not None:
            self._origin.end()

    async def _loaded(self) -> Worker:
        worker = await self._opened(self._launched.popleft if self._launched else self._launch)
        try:
            await self._verify()
        except Exception:
            await worker.kill()
            raise
        return worker

    async def _opened(self, start: Callable[[], HostProcess]) -> Worker:
        # Nothing is awaited before it is among the living: no start can be cancelled in between.
        worker = Worker(next(self._numbers), start())
        self._living.add(worker)
        worker.lost.add_done_callback(lambda _: self._gone(worker))
        try:
            await worker.open()
        except Exception:
            await worker.kill()
            raise
        return worker

    def _gone(self, worker: Worker) -> None:
        self._living.discard(worker)
        self._on_gone(worker)
