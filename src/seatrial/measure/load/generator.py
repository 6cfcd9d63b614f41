"""Drives a load over real sockets: the thin shell around :class:`Driver`."""

from __future__ import annotations

import asyncio
import gc
import math
import sys
import threading
import time
from dataclasses import replace
from typing import Any

from seatrial.core.errors import UnreachableError
from seatrial.measure.load.alarm import set_up_alarm
from seatrial.measure.load.client import Connection
from seatrial.measure.load.connections import Connections
from seatrial.measure.load.driver import Driver, Outcome
from seatrial.measure.load.following import TicketFollower
from seatrial.measure.load.notes import LOCATION, RETRY_AFTER, Notes
from seatrial.measure.load.plan import CYCLE, LoadPlan
from seatrial.measure.load.result import LoadResult, result_of
from seatrial.measure.load.retries import RETRY_COUNT, parse_retry_after
from seatrial.measure.load.retrying import RetryingDriver
from seatrial.measure.load.target import Target, resolve_target
from seatrial.measure.load.tickets import TicketBook, read_ticket

REACH_S = 5.0
"""Longest wait for the connection that shows whether anybody is there."""

LEAD_S = 0.005
"""From the first connection to time zero, so that even the first request is sent on time."""

FAILED = 300
COUNT = RETRY_COUNT.encode()
FIRST = b"%s: 0\r\n" % COUNT
"""The header of a first attempt, which a later one replaces."""


def run_load(url: str, plan: LoadPlan) -> LoadResult:
    """Follow a plan on real sockets, and see what becomes of its requests.

    In an open loop requests go out when they are due, whatever the server does. Latency counts
    from when a request was due, so a server that stalls cannot hide the requests that would have
    come meanwhile (coordinated omission; Tene, How NOT to Measure Latency, 2013). It ends
    ``deadline_s`` after the last arrival at the latest, or once all tickets have been followed.
    May be called where an event loop is running already (a notebook).

    Args:
        url: Asked with every request.
        plan: What is sent, and when.

    Raises:
        DataError: No bodies.
        UsageError: Not a URL, or a header that cannot be sent.
        UnreachableError: Nobody answers at that address when the load begins.
    """
    target = resolve_target(url)
    driver = plan.driver()
    generator = Generator(driver, target, plan)
    cpu_s = _complete(generator)
    return result_of(
        driver,
        plan,
        target=url,
        notes=generator.notes,
        tickets=generator.tickets.fates,
        connections=generator.connections.opened,
        cpu_s=cpu_s,
        wall_s=generator.wall_s,
        examples={
            status: body.decode("utf-8", "replace") for status, body in generator.examples.items()
        },
    )


class Generator:
    """Obeys a driver on real sockets; one use.

    Args:
        driver: Decides.
        target: Where requests go.
        plan: What they carry.
    """

    def __init__(self, driver: Driver, target: Target, plan: LoadPlan) -> None:
        self.connections = Connections(self, target)
        self.wall_s = 0.0
        self.notes = Notes()
        self.examples: dict[int, bytes] = {}
        self.tickets = TicketBook(wait_max_s=plan.ticket_wait_s)
        self._driver = driver
        self._target = target
        self._plan = plan
        self._requests = plan.requests(target)
        self._attempts = driver.attempts if isinstance(driver, RetryingDriver) else None
        self._callers = plan.caller_of(plan.count or CYCLE)
        self._follower = TicketFollower(self.tickets, target, dict(plan.headers))
        self._retry_after = self.notes.by_header[RETRY_AFTER]
        self._armed_s = math.inf
        self._zero_s = 0.0

    async def run(self) -> None:
        """Send everything and wait for every fate.

        Raises:
            UnreachableError: No connection can be made at the beginning.
        """
        loop = asyncio.get_running_loop()
        self._finished = loop.create_future()
        loop.set_exception_handler(self._break_off)
        await self._reach()
        self._alarm = set_up_alarm(loop, self._woken)
        self._zero_s = time.perf_counter() + LEAD_S
        self._follower.begin(self._zero_s, self.connections.target)
        try:
            self._pump()
            await self._finished
            self.wall_s = time.perf_counter() - self._zero_s
            await self._follower.finish()
        finally:
            self._alarm.close()
            await self.connections.close()
            await self._follower.close()

    def ended(
        self, connection: Connection, request: int, outcome: Outcome, status: int, *, usable: bool
    ) -> None:
        """Record a fate, reuse the connection, send what waited for one."""
        now_s = time.perf_counter() - self._zero_s
        retry_after = self._retry_after.get(request) if status >= FAILED else None
        self.connections.release(connection, request, usable=usable)
        if self._driver.resolve(
            request,
            now_s,
            outcome,
            status,
            None if retry_after is None else parse_retry_after(retry_after),
        ):
            self._pump()

    def closed(self, connection: Connection) -> None:
        """Forget an idle connection that the server closed."""
        self.connections.forget(connection)

    def example(self, status: int, body: bytes) -> None:
        """Keep the first answer of each status that is not 2xx."""
        self.examples.setdefault(status, body)

    def note(self, request: int, name: bytes, value: bytes) -> None:
        """Keep a header that an answer carried."""
        self.notes.keep(request, name, value)

    def deferred(self, request: int, body: bytes) -> bool:
        """Follow the ticket of a 202, if it holds one and tickets are followed."""
        if not self._plan.ticket_wait_s > 0:
            return False
        location = self.notes.by_header[LOCATION].get(request)
        retry_after = self._retry_after.get(request)
        ticket = read_ticket(
            body,
            location=None if location is None else location.decode("latin-1"),
            retry_after_s=None if retry_after is None else parse_retry_after(retry_after),
        )
        if ticket is None:
            return False
        self._follower.follow(request, ticket, self._own_headers(request))
        return True

    def _own_headers(self, request: int) -> dict[str, str]:
        """Return what the caller of a request adds to it."""
        if not self._plan.callers:
            return {}
        return dict(self._plan.callers[self._callers[request % len(self._callers)]].headers)

    def _woken(self) -> None:
        self._armed_s = math.inf
        self._pump()

    def _pump(self) -> None:
        """Cut what expired, send what is due, and have the alarm set for what comes next."""
        driver, clock, zero = self._driver, time.perf_counter, self._zero_s
        for request in driver.expire(clock() - zero):
            self.connections.cut(request)
        while (request_due := driver.take(clock() - zero)) is not None:
            self._dispatch(request_due)
        wake = driver.wake_s()
        if wake is None:
            if not self._finished.done():
                self._finished.set_result(None)
        elif wake < self._armed_s:
            # What is armed for an earlier moment stays: it looks again then.
            self._armed_s = wake
            self._alarm.arm(wake - (clock() - zero))

    def _dispatch(self, request: int) -> None:
        data = self._requests[request % len(self._requests)]
        if self._attempts is not None and self._attempts[request] > 1:
            data = data.replace(FIRST, b"%s: %d\r\n" % (COUNT, self._attempts[request] - 1), 1)
            self.notes.forget(request)
        self.connections.send(request, data)

    def _break_off(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Let an error in a callback end the load; the loop alone would log it and wait on."""
        if not self._finished.done():
            error = context.get("exception") or RuntimeError(context["message"])
            self._finished.set_exception(error)

    async def _reach(self) -> None:
        """Open the first connection, to the first address of the host that takes one."""
        said: list[str] = []
        for address in (self._target.address, *self._target.others):
            try:
                async with asyncio.timeout(REACH_S):
                    await self.connections.reach(replace(self._target, address=address))
            except (OSError, TimeoutError) as error:
                said.append(str(error) or f"no connection to {address} in time")
                continue
            return
        raise UnreachableError(
            f"nobody answers at {self._target.url}: {'; '.join(said)}.",
            hint="Start the service, or check host and port.",
        )


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
    # In a thread of its own: an interrupt that arrives in a finalizer is lost.
    collecting = threading.Thread(target=gc.collect, name="seatrial-collect")
    collecting.start()
    collecting.join()
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
