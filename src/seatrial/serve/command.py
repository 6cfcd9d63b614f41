"""What ``seatrial serve`` does, as a function."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

# Little is imported here: until the model's process is launched, everybody waits for us.
from seatrial.core import settings as settings_table
from seatrial.core.settings import ServingSettings, Settings
from seatrial.models.hostprocess import HostProcess
from seatrial.models.process import launch
from seatrial.serve import descriptors
from seatrial.serve.listening import listen

if TYPE_CHECKING:
    import asyncio

    from seatrial.records.record import Origin
    from seatrial.serve.plan import Plan, Ready

WORKERS_MAX = 4
"""Most workers that ``auto`` starts: each holds its own copy of the model."""

WORKERS_FOR_URL = 4
"""Workers for a model behind a URL: they wait for the network, not for a core."""

DRAIN_DELAY_S = 0.5
"""Readiness is off this long before the listener closes, so that balancers can notice."""


def serve(
    folder: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    workers: int | Literal["auto"] | None = None,
    variant: str | None = None,
    origin: Origin = "user",
    log_folder: Path | None = None,
    drain_delay_s: float = DRAIN_DELAY_S,
    keeper: bool = True,
    flags: Mapping[str, Any] | None = None,
    announce: Callable[[Ready], None],
) -> None:
    """Serve the model of a folder until a signal stops it; returns after a clean drain.

    Args:
        folder: Holds ``seatrial.toml``.
        host: Address to listen on; loopback unless asked otherwise.
        port: Port to listen on; 0 takes a free one.
        workers: Model processes; default as configured.
        variant: Which variant to serve; default as configured.
        origin: Who causes the requests; only ``user`` counts in production figures.
        log_folder: Whose log is written; default the folder's own.
        drain_delay_s: After SIGTERM, how long requests are still taken while readiness is off.
        keeper: Start a keeper, which seals the log.
        flags: Further settings, dotted key to value.
        announce: Told where it listens once it is ready.

    Raises:
        SettingsError: The settings cannot be used.
        UnreachableError: The address cannot be had.
        EnvironmentMismatchError: The log cannot be written, the model lacks a library, or the
            machine refuses us processes or open files.
        ModelLoadError: The model does not load.
    """
    folder = folder.resolve()
    logged = (log_folder or folder).resolve()
    laid_over = {**(flags or {}), "serving.workers": workers, "serving.variant": variant}
    settings = settings_table.load(folder, flags=laid_over)
    count = worker_count(settings.serving, adapter=settings.model.adapter)
    first = first_workers(settings.serving, adapter=settings.model.adapter, workers=count)
    connections = descriptors.room(count)
    with (
        listen(host, port) as bound,
        _early_signals() as signals,
        _launched(folder, settings, first) as hosts,
    ):
        # Only now, while the model loads.
        import asyncio

        from seatrial.core.headroom import with_headroom
        from seatrial.models.identity import determining_files, release_of
        from seatrial.records.log import LogWriter
        from seatrial.serve.plan import Plan

        if keeper and settings.serving.admin_port is not None:
            from seatrial.serve.admin_server import prepare

            prepare(folder, settings.serving)

        files = frozenset(determining_files(settings, folder))
        plan = Plan(
            folder=folder,
            log_folder=logged,
            settings=settings,
            flags=laid_over,
            release=release_of(settings, folder, only=files),
            files=files,
            host=host,
            port=port,
            workers=count,
            connections=connections,
            origin=origin,
            drain_delay_s=drain_delay_s,
            keeper=keeper,
            launched=hosts,
        )
        descriptors.raise_limit()
        with LogWriter(logged) as writer, asyncio.Runner(loop_factory=_loop_factory()) as runner:
            with_headroom(runner.run, _run(plan, bound, writer, announce, signals))


def worker_count(serving: ServingSettings, *, adapter: str) -> int:
    """Return how many workers to start.

    >>> worker_count(ServingSettings(workers=3), adapter="load")
    3
    """
    if serving.workers != "auto":
        return serving.workers
    if adapter == "url":
        return WORKERS_FOR_URL
    return max(1, min(_usable_cores(), WORKERS_MAX))


def first_workers(serving: ServingSettings, *, adapter: str, workers: int) -> int:
    """Return how many processes to start before the model's speed, and whether it forks, is known.

    >>> first_workers(ServingSettings(), adapter="load", workers=4)
    1
    """
    one = serving.fork_workers or (serving.workers == "auto" and adapter != "url")
    return 1 if one else workers


@contextlib.contextmanager
def _launched(folder: Path, settings: Settings, count: int) -> Iterator[list[HostProcess]]:
    """Start the first model processes; whatever happens, they end with the block."""
    hosts: list[HostProcess] = []
    try:
        with contextlib.suppress(OSError):  # the pool tries again, and says what is wrong
            for _ in range(count):
                variant = settings.serving.variant
                hosts.append(launch(folder, settings=settings, variant=variant))
        yield hosts
    finally:
        for host in hosts:
            host.kill()


@contextlib.contextmanager
def _early_signals() -> Iterator[list[int]]:
    """Note the signals that would end us: processes run already, and they end with the front."""
    noted: list[int] = []
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.signal(number, lambda got, _: noted.append(got)) for number in numbers]
    try:
        yield noted
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


async def _run(
    plan: Plan,
    bound: Any,
    writer: Any,
    announce: Callable[[Ready], None],
    signals: list[int],
) -> None:
    import asyncio

    from seatrial.serve.front import Front

    front = Front(plan, bound=bound, writer=writer, announce=announce)
    # What lives now lives as long as the server: collections need not look at it again.
    gc.collect()
    gc.freeze()
    # As soon as the front listens to signals, those that came before it did.
    asyncio.get_running_loop().call_soon(front.recall, signals)
    await front.run()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:
        import asyncio

        return asyncio.new_event_loop
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
