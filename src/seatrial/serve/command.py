"""What ``seatrial serve`` does, as a function."""

from __future__ import annotations

import asyncio
import gc
import resource
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from seatrial.core import settings as settings_table
from seatrial.core.settings import ServingSettings
from seatrial.evidence.machine import usable_cores
from seatrial.models.identity import release_of
from seatrial.records.log import LogWriter
from seatrial.records.record import Origin
from seatrial.serve.front import Front
from seatrial.serve.listening import listen
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
        EnvironmentMismatchError: The log cannot be written, or the model lacks a library.
        ModelLoadError: The model does not load.
    """
    folder = folder.resolve()
    logged = (log_folder or folder).resolve()
    laid_over = {**(flags or {}), "serving.workers": workers, "serving.variant": variant}
    settings = settings_table.load(folder, flags=laid_over)
    with listen(host, port) as bound:
        plan = Plan(
            folder=folder,
            log_folder=logged,
            settings=settings,
            flags=laid_over,
            release=release_of(settings, folder),
            host=host,
            port=port,
            workers=worker_count(settings.serving, adapter=settings.model.adapter),
            origin=origin,
            drain_delay_s=drain_delay_s,
            keeper=keeper,
        )
        _raise_file_limit()
        with LogWriter(logged) as writer, asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_run(plan, bound, writer, announce))


def worker_count(serving: ServingSettings, *, adapter: str) -> int:
    """Return how many workers to start.

    >>> worker_count(ServingSettings(workers=3), adapter="load")
    3
    """
    if serving.workers != "auto":
        return serving.workers
    if adapter == "url":
        return WORKERS_FOR_URL
    return max(1, min(usable_cores(), WORKERS_MAX))


async def _run(
    plan: Plan, bound: Any, writer: LogWriter, announce: Callable[[Ready], None]
) -> None:
    front = Front(plan, bound=bound, writer=writer, announce=announce)
    # What lives now lives as long as the server: collections need not look at it again.
    gc.collect()
    gc.freeze()
    await front.run()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def _raise_file_limit() -> None:
    """Allow as many connections as the system lets us have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (ValueError, OSError):
            return
