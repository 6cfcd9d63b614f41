"""Keeps the wanted number of workers alive: starts, warms, replaces."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from seatrial.core.clock import SYSTEM, Clock
from seatrial.core.errors import SeatrialError, WorkerLostError
from seatrial.core.settings import Settings
from seatrial.schedule.restarts import Restarts
from seatrial.serve.worker import Worker


class Employer(Protocol):
    """Who gives workers something to do."""

    def add(self, worker: Worker) -> None:
        """Take a warm worker into service."""
        ...

    def remove(self, worker: Worker) -> None:
        """Take a worker out of service that has died."""
        ...


class Seat(Struct):
    """The place of one worker, and who sits there.

    Attributes:
        state: ``starting``, ``warming``, ``ready`` or ``waiting`` (before another try).
        worker: The process; ``None`` where there is none.
        error: Why the last one ended, or could not start.
        starts: How many there have been.
    """

    state: str = "starting"
    worker: Worker | None = None
    error: SeatrialError | None = None
    starts: int = 0


class Pool:
    """The workers of one release.

    Args:
        folder: The project folder.
        settings: Its settings.
        variant: What the workers load.
        count: How many there shall be.
        dispatcher: Who is told of workers that are ready or gone.
        warm_up: Run on every worker before it is ready.
        on_loss: Told why a worker ended, for the log and the metrics.
        clock: Where time comes from.
    """

    def __init__(
        self,
        *,
        folder: Path,
        settings: Settings,
        variant: str,
        count: int,
        dispatcher: Employer,
        warm_up: Callable[[Worker], Awaitable[None]],
        on_loss: Callable[[SeatrialError], None] | None = None,
        clock: Clock = SYSTEM,
    ) -> None:
        self.seats = [Seat() for _ in range(count)]
        self._folder = folder
        self._settings = settings
        self._variant = variant
        self._dispatcher = dispatcher
        self._warm_up = warm_up
        self._on_loss = on_loss
        self._clock = clock
        self._numbers = itertools.count()
        self._tasks: list[asyncio.Task[None]] = []
        self._living: set[Worker] = set()

    @property
    def ready(self) -> int:
        """How many workers answer."""
        return sum(seat.state == "ready" for seat in self.seats)

    async def start(self) -> None:
        """Start every worker, and wait until each is ready or has failed once.

        Raises:
            SeatrialError: None is ready; the first one's reason.
        """
        tried = [asyncio.Event() for _ in self.seats]
        self._tasks = [
            asyncio.create_task(self._keep(seat, event))
            for seat, event in zip(self.seats, tried, strict=True)
        ]
        await asyncio.gather(*(event.wait() for event in tried))
        if not self.ready:
            for seat in self.seats:
                if seat.error is not None:
                    raise seat.error

    async def grow(self, count: int) -> None:
        """Have at least ``count`` workers; return when each new one is ready or has failed once."""
        added = [Seat() for _ in range(count - len(self.seats))]
        tried = [asyncio.Event() for _ in added]
        self.seats += added
        self._tasks += [
            asyncio.create_task(self._keep(seat, event))
            for seat, event in zip(added, tried, strict=True)
        ]
        await asyncio.gather(*(event.wait() for event in tried))

    async def close(self) -> None:
        """Let every worker end, also those that are being started; may be called again."""
        for task in self._tasks:
            task.cancel()
        try:
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await asyncio.gather(*(worker.close() for worker in self._living))
        finally:
            for worker in self._living:  # none, unless whoever closes is cancelled
                worker.end()

    async def _keep(self, seat: Seat, tried: asyncio.Event) -> None:
        restarts = Restarts()
        while True:
            began_s = self._clock.now_s()
            try:
                await self._sit(seat, tried)
            except Exception as error:  # noqa: BLE001  (edge of a process: its seat must not be lost)
                seat.error = _translated(error)
                if self._on_loss is not None:
                    self._on_loss(seat.error)
            seat.worker = None
            seat.state = "waiting"
            tried.set()
            await asyncio.sleep(restarts.pause_s(lived_s=self._clock.now_s() - began_s))

    async def _sit(self, seat: Seat, tried: asyncio.Event) -> None:
        """Run one worker from start to end; always raises why it ended."""
        seat.state = "starting"
        seat.starts += 1
        worker = Worker.launch(next(self._numbers), folder=self._folder, variant=self._variant)
        self._living.add(worker)
        worker.lost.add_done_callback(lambda _: self._living.discard(worker))
        try:
            await worker.open(self._folder, self._settings, self._variant)
            seat.worker = worker
            seat.state = "warming"
            await self._warm_up(worker)
        except Exception:
            await worker.kill()
            raise
        seat.state = "ready"
        seat.error = None
        self._dispatcher.add(worker)
        tried.set()
        await asyncio.shield(worker.lost)
        seat.state = "waiting"
        self._dispatcher.remove(worker)
        raise worker.loss("serving")


def _translated(error: Exception) -> SeatrialError:
    """Give what the machine refused (no process, no descriptor, no memory) a face of our own."""
    if isinstance(error, SeatrialError):
        return error
    return WorkerLostError(
        f"a model process could not be started: {type(error).__name__}: {error}.",
        hint="Look at the limits of processes, open files and memory; it is tried again.",
    )
