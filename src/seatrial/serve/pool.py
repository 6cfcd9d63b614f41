"""Keeps the wanted number of workers alive: starts, warms, replaces."""

from __future__ import annotations

import asyncio
import functools
import math
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from seatrial.core.clock import SYSTEM, Clock
from seatrial.core.errors import EnvironmentMismatchError, SeatrialError, WorkerLostError
from seatrial.core.settings import Settings
from seatrial.models.hostprocess import HostProcess
from seatrial.models.process import launch
from seatrial.schedule.restarts import Restarts
from seatrial.serve.background import Background
from seatrial.serve.loader import Loader
from seatrial.serve.recycling import HEADROOM, machine_bytes, memory_limits
from seatrial.serve.worker import Worker


class Employer(Protocol):
    """Who gives workers something to do."""

    def add(self, worker: Worker) -> None:
        """Take a warm worker into service."""
        ...

    def remove(self, worker: Worker) -> None:
        """Take a worker out of service that has died."""
        ...

    async def retire(self, worker: Worker) -> None:
        """Take a worker out of service between two batches; return when it holds nothing."""
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
        verify: Run when a process has loaded the model; raises where it may not be used.
        warm_up: Run on every worker before it is ready.
        on_loss: Told why a worker ended, for the log and the metrics.
        on_recycled: Told of the resident bytes of a worker whose replacement is in service.
        threads: Threads that numeric libraries may use in each worker.
        launched: Processes of this release that run already; they become the first workers.
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
        verify: Callable[[], Awaitable[None]],
        warm_up: Callable[[Worker], Awaitable[None]],
        on_loss: Callable[[SeatrialError], None] | None = None,
        on_recycled: Callable[[int], None] | None = None,
        threads: int = 1,
        launched: Sequence[HostProcess] = (),
        clock: Clock = SYSTEM,
    ) -> None:
        self.seats = [Seat() for _ in range(count)]
        self._settings = settings
        self._dispatcher = dispatcher
        self._warm_up = warm_up
        self._on_loss = on_loss
        self._on_recycled = on_recycled
        self._clock = clock
        self._loader = Loader(
            functools.partial(launch, folder, settings=settings, variant=variant, threads=threads),
            launched=launched,
            fork=settings.serving.fork_workers,
            verify=verify,
            on_gone=self._gone,
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._serving: set[Worker] = set()
        self._leaving = Background()

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
            await self._loader.close()
        finally:
            self._loader.end()  # nothing is left to end, unless whoever closes is cancelled

    async def _keep(self, seat: Seat, tried: asyncio.Event) -> None:
        restarts = Restarts()
        while True:
            began_s = self._clock.now_s()
            try:
                await self._sit(seat, tried)
            except Exception as error:  # noqa: BLE001  (edge of a process: its seat must not be lost)
                seat.error = self._say(error)
            seat.worker = None
            seat.state = "waiting"
            tried.set()
            await asyncio.sleep(restarts.pause_s(lived_s=self._clock.now_s() - began_s))

    async def _sit(self, seat: Seat, tried: asyncio.Event) -> None:
        """Have a worker in a seat, and others after it as they grow; raises why the last ended."""
        seat.state = "starting"
        seat.starts += 1
        worker = await self._hire(seat)
        self._employ(seat, worker)
        tried.set()
        while True:
            either: set[asyncio.Future[Any]] = {worker.lost, worker.due}
            await asyncio.wait(either, return_when="FIRST_COMPLETED")
            if worker.lost.done():
                seat.state = "waiting"
                raise worker.loss("serving")
            worker = await self._follow(seat, worker)

    async def _hire(self, seat: Seat | None = None) -> Worker:
        """Start a worker, load and warm it; a seat is told how far it is."""
        worker = await self._loader.worker()
        try:
            if seat is not None:
                seat.worker = worker
                seat.state = "warming"
            await self._warm_up(worker)
        except Exception:
            await worker.kill()
            raise
        limits = memory_limits(
            worker.rss_bytes,
            asked_mib=self._settings.serving.worker_memory_mib,
            machine_bytes=machine_bytes(),
            workers=len(self.seats),
        )
        worker.limit_memory(due_bytes=limits.due_bytes, ceiling_bytes=limits.ceiling_bytes)
        return worker

    def _employ(self, seat: Seat, worker: Worker) -> None:
        seat.worker = worker
        seat.state = "ready"
        seat.error = None
        self._serving.add(worker)
        self._dispatcher.add(worker)

    async def _follow(self, seat: Seat, worker: Worker) -> Worker:
        """Replace a worker that has grown; return who sits in the seat after it.

        The old one works on until the new one is warm, unless it reaches its ceiling before.
        """
        hiring = asyncio.create_task(self._hire())
        try:
            waits: set[asyncio.Future[Any]] = {hiring, worker.over, worker.lost}
            await asyncio.wait(waits, return_when="FIRST_COMPLETED")
            if not hiring.done():
                await self._dismiss(worker)
            following = await hiring
        except Exception as error:
            if worker not in self._serving:
                raise
            self._say(error)
            more = HEADROOM * worker.rss_bytes
            worker.limit_memory(due_bytes=more, ceiling_bytes=math.inf)
            return worker
        finally:
            hiring.cancel()
        grown_bytes = worker.rss_bytes
        self._employ(seat, following)
        seat.starts += 1
        await self._dismiss(worker)
        if self._on_recycled is not None:
            self._on_recycled(grown_bytes)
        return following

    async def _dismiss(self, worker: Worker) -> None:
        """Let a worker end once it holds nothing."""
        if worker in self._serving:
            await self._dispatcher.retire(worker)
            self._serving.discard(worker)
        self._leaving.start(worker.close())

    def _gone(self, worker: Worker) -> None:
        if worker in self._serving:
            self._serving.discard(worker)
            self._dispatcher.remove(worker)

    def _say(self, error: Exception) -> SeatrialError:
        said = _translated(error)
        if self._on_loss is not None:
            self._on_loss(said)
        return said


def _translated(error: Exception) -> SeatrialError:
    """Give what the machine refused (no process, no descriptor, no memory) a face of our own."""
    if isinstance(error, SeatrialError):
        return error
    kind = EnvironmentMismatchError if isinstance(error, OSError) else WorkerLostError
    return kind(
        f"a model process could not be started: {type(error).__name__}: {error}.",
        hint="Look at the limits of processes, open files and memory.",
    )
