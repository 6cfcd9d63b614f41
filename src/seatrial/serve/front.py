"""The front: owns the socket, the queue and the log; loads no user code, and outlives workers."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import os
import signal
import socket
from collections.abc import Callable, Sequence
from typing import Any

import uvicorn

from seatrial.core.clock import SYSTEM
from seatrial.records.log import LogWriter
from seatrial.serve.assembly import Assembly
from seatrial.serve.attendant import Attendant
from seatrial.serve.background import Background
from seatrial.serve.dispatcher import shutting_down
from seatrial.serve.events import Events
from seatrial.serve.heartbeat import Beat, Heartbeat
from seatrial.serve.plan import Plan, Ready
from seatrial.serve.protocol import Protocol
from seatrial.serve.rehearsal import FIRST_S, QUIET_S, ROUNDS_FIRST, Rehearsal
from seatrial.serve.server import Server
from seatrial.serve.warmup import practise

DRAIN_LIMIT_S = 20.0
"""Longest wait for requests in flight when stopping; orchestrators kill after 30 s."""

KEEPER_LIMIT_S = 5.0
"""How long the keeper may take to end: what it leaves unsealed is readable, and sealed by the
next one."""

BEHIND = 19
"""Niceness of a keeper that serves no operators: it starts when the first requests come."""

LOOK_S = 0.05
"""Pause between two looks for an operator's orders: no model call starts later than twice this
after a kill. Other looks are every so many of these."""

ECHO_S = 0.1
"""How long after a start a signal may be the one that came during it."""

FULL_AGAIN_S = 60.0
"""After so long with free places it is said again that all are taken."""


class Front:
    """One running server.

    Args:
        plan: What it shall be.
        bound: The socket to listen on.
        writer: The prediction log.
        announce: Told once it is ready.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        bound: socket.socket,
        writer: LogWriter,
        announce: Callable[[Ready], None],
    ) -> None:
        self._plan = plan
        self._bound = bound
        self._writer = writer
        self._announce = announce
        self._events = Events()
        self._keeper: Attendant | None = None
        self._stopping = asyncio.Event()
        self._signals = 0
        self._echoes = False
        self._hurry = False
        self._key_problem = ""
        self._full_told_s = -math.inf
        self._keeper_told = False
        self._adjusting: asyncio.Task[None] | None = None
        self._background = Background()
        self._parts = Assembly(
            plan,
            writer=writer,
            events=self._events,
            on_reload=self._reload,
            on_drain=self._stop,
        )

    async def run(self) -> None:
        """Serve until told to stop by a signal.

        Raises:
            SeatrialError: No worker could be started.
        """
        self._listen_to_signals()
        if self._plan.settings.serving.admin_port is not None:
            self._start_keeper()  # operators may be needed before the model is there
        server = Server(self._config())
        self._parts.connections.on_full = functools.partial(self._full, server)
        serving = asyncio.create_task(server.serve(sockets=[self._bound]))
        heartbeat = Heartbeat(
            LOOK_S,
            [
                Beat(1, self._parts.orders.look),
                Beat(5, self._parts.connections.sweep),
                Beat(5, self._tick),
                Beat(20, self._adjust),
            ],
            on_error=self._look_failed,
        )
        ticking = [asyncio.create_task(heartbeat.run())]
        try:
            if await self._unless_stopped(self._start(server)):
                self._parts.state.phase = "serving"
                self._start_keeper()
                self._say_ready()
                ticking.append(asyncio.create_task(self._keep_warm()))
                await self._stopping.wait()
                await self._drain()
        finally:
            server.end()
            await self._close(serving, ticking)

    def _start_keeper(self) -> None:
        """Start the keeper, if there shall be one: late, as it takes time from what answers."""
        if not self._plan.keeper or self._keeper is not None:
            return
        niceness = BEHIND if self._plan.settings.serving.admin_port is None else 0
        arguments = self._keeper_arguments()
        try:
            self._keeper = Attendant("seatrial.serve.keeper", arguments, niceness=niceness)
        except OSError as error:
            self._events.say("no-keeper", {"message": f"it could not be started: {error}"})

    def _keeper_arguments(self) -> list[str]:
        arguments = [str(self._plan.folder), "--log-folder", str(self._plan.log_folder)]
        arguments += ["--last-seal", str(KEEPER_LIMIT_S - 0.5)]
        admin_port = self._plan.settings.serving.admin_port
        if admin_port is not None:
            arguments += ["--admin-port", str(admin_port)]
        return arguments

    def _config(self) -> uvicorn.Config:
        return uvicorn.Config(
            self._parts.app,
            loop="none",
            http=functools.partial(Protocol, self._parts.connections),  # type: ignore[arg-type]  # uvicorn calls it like a class
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=int(DRAIN_LIMIT_S) + 2,
            backlog=self._parts.connections.backlog,
        )

    async def _unless_stopped(self, starting: object) -> bool:
        """Await the start; say whether it came to an end before a signal did."""
        start = asyncio.ensure_future(starting)  # type: ignore[call-overload]  # a coroutine
        stop = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({start, stop}, return_when="FIRST_COMPLETED")
        stop.cancel()
        if start.done():
            start.result()
            return True
        start.cancel()
        return False

    async def _start(self, server: Server) -> None:
        await asyncio.gather(self._parts.fleet.start(), self._practise())
        await self._rehearse(server)

    async def _practise(self) -> None:
        """Do what can be done while the model loads, once its inputs are read."""
        await self._parts.fleet.current.examples.inputs()
        practise()

    async def _rehearse(self, server: Server) -> None:
        def connect() -> Protocol:
            return Protocol(self._parts.connections, server.config, server.server_state, {})

        async def inputs() -> list[Any]:
            return await self._parts.fleet.current.examples.inputs()

        self._rehearsal = Rehearsal(connect, inputs)
        await self._rehearsal.play(ROUNDS_FIRST, seconds=FIRST_S)

    def _full(self, server: Server) -> None:
        connections, now_s = self._parts.connections, SYSTEM.now_s()
        if connections.full:
            if now_s - self._full_told_s > FULL_AGAIN_S:
                self._events.say("full", {"connections": len(connections.open)})
            self._full_told_s = now_s
        self._background.start(server.hold(holds=connections.full))

    async def _keep_warm(self) -> None:
        """Walk the path again whenever nobody has for a while, once for each worker."""
        seen = -1
        while True:
            await asyncio.sleep(QUIET_S)
            if self._parts.inference.begun == seen and not self._parts.orders.killed:
                await self._rehearsal.play(self._parts.fleet.current.pool.ready)
            seen = self._parts.inference.begun

    def _reload(self) -> None:
        self._background.start(self._parts.fleet.reload())

    def _say_ready(self) -> None:
        host, port = self._bound.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        self._announce(
            Ready(
                f"http://{shown}:{port}",
                os.getpid(),
                self._plan.release,
                self._parts.fleet.current.pool.ready,
            )
        )

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._signalled, number)

    def recall(self, signals: Sequence[int]) -> None:
        """Act on signals that came before it listened; the loop may tell of them once more."""
        if signals:
            self._signalled(signals[-1])
            self._echoes = True
            asyncio.get_running_loop().call_later(ECHO_S, self._heed)

    def _heed(self) -> None:
        self._echoes = False

    def _signalled(self, number: int) -> None:
        if self._echoes:
            return
        self._signals += 1
        if self._signals > 1:
            # Rows are in the log already; workers and keeper die with us.
            os._exit(128 + number)
        self._hurry = number == signal.SIGINT
        self._stop()

    def _stop(self) -> None:
        self._stopping.set()

    async def _drain(self) -> None:
        """Turn readiness off, go on answering for the delay, then stop listening."""
        self._parts.state.phase = "draining"
        self._parts.connections.draining = True
        self._events.say("draining", {"inflight": self._parts.fleet.inflight})
        if not self._hurry:
            await asyncio.sleep(self._plan.drain_delay_s)

    async def _close(self, serving: asyncio.Task[None], ticking: list[asyncio.Task[None]]) -> None:
        loop = asyncio.get_running_loop()
        limit = loop.call_later(DRAIN_LIMIT_S, self._give_up)
        with contextlib.suppress(asyncio.CancelledError):
            await serving
        limit.cancel()
        self._parts.state.phase = "stopping"
        for task in ticking:
            task.cancel()
        await asyncio.gather(*ticking, return_exceptions=True)
        await self._background.close()
        # Nobody fetches a ticket from a server that has ended; what became of it is recorded.
        self._parts.fleet.fail_all(shutting_down())
        await self._parts.fleet.close()
        self._writer.close()
        if self._keeper is not None:
            await self._keeper.stop(limit_s=KEEPER_LIMIT_S)

    def _give_up(self) -> None:
        """Answer what is still in flight: orchestrators wait no longer."""
        self._parts.state.phase = "stopping"
        self._parts.fleet.fail_all(shutting_down())

    def _look_failed(self, error: Exception) -> None:
        told = {"raised": type(error).__name__, "message": str(error)}
        self._events.say("internal-error", told)

    def _adjust(self) -> None:
        if self._parts.state.phase == "serving" and (
            self._adjusting is None or self._adjusting.done()
        ):
            self._adjusting = self._background.start(self._parts.fleet.adjust())

    def _refresh_keys(self) -> None:
        problem = self._parts.keys.refresh()
        if problem != self._key_problem:
            self._key_problem = problem
            self._events.say("keys-problem", {"message": problem or "solved"})

    def _tick(self) -> None:
        self._writer.tick()
        self._refresh_keys()
        if self._keeper is not None and not self._keeper.alive() and not self._keeper_told:
            self._keeper_told = True
            self._events.say("keeper-lost", {"message": "rows are logged, but not sealed"})
