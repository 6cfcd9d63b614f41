"""Drives a load over real sockets: the thin shell around :class:`Driver`."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from seatrial.core.errors import UnreachableError, UsageError
from seatrial.measure.load.alarm import set_up_alarm
from seatrial.measure.load.arrivals import FloatArray
from seatrial.measure.load.client import Connection, open_connection
from seatrial.measure.load.driver import Driver, Outcome
from seatrial.measure.load.result import LoadResult, result_of
from seatrial.measure.load.target import Target, make_requests, resolve_target

REACH_S = 5.0
"""Longest wait for the connection that shows whether anybody is there."""

LEAD_S = 0.005
"""From the first connection to time zero, so that even the first request is sent on time."""


def run_load(
    url: str,
    bodies: Iterable[bytes],
    *,
    arrivals_s: FloatArray,
    warmup_s: float = 0.0,
    duration_s: float | None = None,
    deadline_s: float = 10.0,
    connections_max: int = 256,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
) -> LoadResult:
    """Send requests when they are due, whatever the server does, and see what becomes of them.

    Latency counts from when a request was due, so a server that stalls cannot hide the requests
    that would have come meanwhile (coordinated omission; Tene, How NOT to Measure Latency, 2013).
    It ends ``deadline_s`` after the last arrival at the latest. May be called where an event loop
    is running already (a notebook).

    Args:
        url: Asked with every request.
        bodies: Prepared bodies, rotated through.
        arrivals_s: When each request is due, sorted; see :mod:`seatrial.measure.load.arrivals`.
        warmup_s: Requests due before this are sent but do not count.
        duration_s: Over which ``arrivals_s`` were drawn; default: up to the last of them.
        deadline_s: Longest wait for one answer, counted from when it was due.
        connections_max: Connections, and so requests in flight, at once.
        method: HTTP method.
        headers: Further request headers.

    Raises:
        UsageError: No arrivals, or arguments out of range.
        DataError: No bodies.
        UnreachableError: Nobody answers at that address when the load begins.
    """
    _check(arrivals_s, warmup_s, deadline_s, connections_max)
    target = resolve_target(url)
    requests = make_requests(target, bodies, method=method, headers=headers)
    driver = Driver(arrivals_s, deadline_s=deadline_s, connections_max=connections_max)
    generator = Generator(driver, target, requests)
    cpu_s = _complete(generator)
    span_s = float(arrivals_s[-1]) if duration_s is None else duration_s
    return result_of(
        driver,
        target=url,
        bodies=len(requests),
        warmup_s=warmup_s,
        duration_s=span_s - warmup_s,
        server_timings=generator.server_timings,
        connections=generator.connections,
        cpu_s=cpu_s,
        examples={
            status: body.decode("utf-8", "replace") for status, body in generator.examples.items()
        },
    )


class Generator:
    """Obeys a driver on real sockets; one use.

    Args:
        driver: Decides.
        target: Where requests go.
        requests: Complete requests, rotated through.
    """

    def __init__(self, driver: Driver, target: Target, requests: tuple[bytes, ...]) -> None:
        self.connections = 0
        self.server_timings: dict[int, bytes] = {}
        self.examples: dict[int, bytes] = {}
        self._driver = driver
        self._target = target
        self._requests = requests
        self._idle: list[Connection] = []
        self._busy: dict[int, Connection] = {}
        self._opening: set[asyncio.Task[None]] = set()
        self._zero_s = 0.0

    async def run(self) -> None:
        """Send everything and wait for every fate.

        Raises:
            UnreachableError: No connection can be made at the beginning.
        """
        loop = asyncio.get_running_loop()
        self._loop = loop
        self._finished = loop.create_future()
        loop.set_exception_handler(self._break_off)
        await self._reach()
        self._alarm = set_up_alarm(loop, self._pump)
        self._zero_s = time.perf_counter() + LEAD_S
        try:
            self._pump()
            await self._finished
        finally:
            self._alarm.close()
            await self._close()

    def ended(
        self, connection: Connection, request: int, outcome: Outcome, status: int, *, usable: bool
    ) -> None:
        """Record a fate, reuse the connection, send what waited for one."""
        driver = self._driver
        was_full = driver.full
        driver.resolve(request, time.perf_counter() - self._zero_s, outcome, status)
        del self._busy[request]
        if usable:
            self._idle.append(connection)
        if was_full or driver.finished:
            self._pump()

    def closed(self, connection: Connection) -> None:
        """Forget an idle connection that the server closed."""
        if connection in self._idle:
            self._idle.remove(connection)

    def example(self, status: int, body: bytes) -> None:
        """Keep the first answer of each status that is not 2xx."""
        self.examples.setdefault(status, body)

    def timing(self, request: int, header: bytes) -> None:
        """Keep a ``Server-Timing`` header; several headers of one answer are one list."""
        known = self.server_timings.get(request)
        self.server_timings[request] = header if known is None else known + b", " + header

    def _pump(self) -> None:
        """Cut what expired, send what is due, and have the alarm set for what comes next."""
        driver, clock, zero = self._driver, time.perf_counter, self._zero_s
        for request in driver.expire(clock() - zero):
            self._busy.pop(request).cut()
        while (request_due := driver.take(clock() - zero)) is not None:
            self._dispatch(request_due)
        wake = driver.wake_s()
        if wake is not None:
            self._alarm.arm(wake - (clock() - zero))
        elif not self._finished.done():
            self._finished.set_result(None)

    def _dispatch(self, request: int) -> None:
        data = self._requests[request % len(self._requests)]
        if self._idle:
            connection = self._idle.pop()
            self._busy[request] = connection
            connection.send(request, data)
            return
        connection = Connection(self, request, data)
        self._busy[request] = connection
        task = self._loop.create_task(self._open(connection))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _open(self, connection: Connection) -> None:
        try:
            await open_connection(self._target, connection)
            self.connections += 1
        except OSError:
            request = connection.request
            if request in self._busy:
                self.ended(connection, request, Outcome.REFUSED, 0, usable=False)

    def _break_off(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Let an error in a callback end the load; the loop alone would log it and wait on."""
        if not self._finished.done():
            error = context.get("exception") or RuntimeError(context["message"])
            self._finished.set_exception(error)

    async def _reach(self) -> None:
        """Open the first connection, to the first address of the host that takes one."""
        said: list[str] = []
        for address in (self._target.address, *self._target.others):
            target = replace(self._target, address=address)
            connection = Connection(self)
            try:
                async with asyncio.timeout(REACH_S):
                    await open_connection(target, connection)
            except (OSError, TimeoutError) as error:
                said.append(str(error) or f"no connection to {address} in time")
                continue
            self._target = target
            self.connections += 1
            self._idle.append(connection)
            return
        raise UnreachableError(
            f"nobody answers at {self._target.url}: {'; '.join(said)}.",
            hint="Start the service, or check host and port.",
        )

    async def _close(self) -> None:
        for task in self._opening:
            task.cancel()
        for connection in [*self._idle, *self._busy.values()]:
            connection.cut()
        await asyncio.gather(*self._opening, return_exceptions=True)


def _complete(generator: Generator) -> float:
    """Run a generator to its end in a loop of its own; return the CPU seconds it took."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _in_this_thread(generator)
    box: list[float] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            box.append(_in_this_thread(generator))
        except BaseException as error:  # noqa: BLE001  (carried to the caller's thread)
            errors.append(error)

    thread = threading.Thread(target=work, name="seatrial-load")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return box[0]


def _in_this_thread(generator: Generator) -> float:
    # Objects that live already are set aside: a full collection over a notebook's heap would
    # stop the generator for longer than most models take to answer.
    gc.collect()
    gc.freeze()
    started = time.thread_time()
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(generator.run())
    finally:
        gc.unfreeze()
    return time.thread_time() - started


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    # Elsewhere the loop's own timers are the finer ones; see the alarm.
    if sys.platform != "linux":
        return None
    try:
        import uvloop
    except ImportError:
        return None
    factory: type[asyncio.AbstractEventLoop] = uvloop.Loop
    return factory


def _check(
    arrivals_s: FloatArray, warmup_s: float, deadline_s: float, connections_max: int
) -> None:
    if len(arrivals_s) == 0 or float(arrivals_s[-1]) < warmup_s:
        raise UsageError(
            f"no request is due after the warm-up of {warmup_s:g} s.",
            hint="Load longer or at a higher rate.",
        )
    if deadline_s <= 0 or connections_max < 1:
        raise UsageError(
            f"received a deadline of {deadline_s:g} s and {connections_max} connections; accepted "
            "are a deadline above 0 and at least one connection.",
            hint="Leave them at their defaults.",
        )
