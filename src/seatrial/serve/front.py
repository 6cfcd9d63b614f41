"""The front: owns the socket, the queue and the log; loads no user code, and outlives workers."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
import socket
from collections.abc import Callable, Sequence

import uvicorn

from seatrial.core.clock import SYSTEM
from seatrial.core.errors import SeatrialError
from seatrial.records.log import LogWriter
from seatrial.releases.control import Control
from seatrial.schedule.ladder import Ladder
from seatrial.serve import openapi
from seatrial.serve.app import App
from seatrial.serve.attendant import Attendant
from seatrial.serve.call import Call
from seatrial.serve.connections import Connections, Limits
from seatrial.serve.deployment import Deployment
from seatrial.serve.dispatcher import shutting_down
from seatrial.serve.doors.catalogue import Catalogue
from seatrial.serve.doors.door import Door
from seatrial.serve.doors.native import NativeDoor
from seatrial.serve.doors.oip import OipDoor, infers
from seatrial.serve.doors.signature import Signature
from seatrial.serve.entry import Entry
from seatrial.serve.events import Events
from seatrial.serve.fleet import Fleet
from seatrial.serve.gauges import gauges
from seatrial.serve.identifiers import Identifiers
from seatrial.serve.inference import Inference
from seatrial.serve.journal import Journal
from seatrial.serve.keygate import KeyGate
from seatrial.serve.keys import Keyring
from seatrial.serve.metrics import Metrics
from seatrial.serve.orders import Orders
from seatrial.serve.pending import Pending
from seatrial.serve.plan import Plan, Ready
from seatrial.serve.protocol import Protocol
from seatrial.serve.rehearsal import QUIET_S, ROUNDS_FIRST, Rehearsal
from seatrial.serve.samples import samples
from seatrial.serve.server import Server
from seatrial.serve.state import State
from seatrial.serve.tickets import Ticket, Tickets
from seatrial.serve.warmup import WarmUp
from seatrial.serve.worker import Worker

DRAIN_LIMIT_S = 20.0
"""Longest wait for requests in flight when stopping; orchestrators kill after 30 s."""

KEEPER_LIMIT_S = 5.0
"""How long the keeper may take to end: what it leaves unsealed is readable, and sealed by the
next one."""

BACKLOG = 2048
"""Connections the kernel may hold for us during a burst."""

ADJUST_S = 1.0
"""Pause between two looks whether the model needs more workers."""

LOG_TICK_S = 0.1
"""Pause between two looks of the log at its own age and disk."""

MIB = 2**20


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
        self._hurry = False
        self._key_problem = ""
        self._reloads: set[asyncio.Task[None]] = set()
        self._assemble()

    def _assemble(self) -> None:
        plan, serving = self._plan, self._plan.settings.serving
        identifiers = self._identifiers = Identifiers(plan.settings.model.name)
        self._journal = Journal(
            self._writer,
            origin=plan.origin,
            keep_inputs=serving.log_inputs,
            confidence_min=serving.confidence_min,
        )
        self._metrics = Metrics(
            model=plan.settings.model.name,
            release=lambda: self._fleet.current.release,
            variant=serving.variant,
        )
        self._tickets = Tickets()
        ladder = Ladder(serving.degrade, now_s=SYSTEM.now_s())
        entry = Entry(ladder, tickets=self._tickets, on_deferred=self._deferred)
        self._fleet = Fleet(
            plan,
            entry=entry,
            on_settled=self._settled,
            warm_up=self._warm_up,
            metrics=self._metrics,
            events=self._events,
        )
        self._orders = Orders(
            Control(plan.folder),
            events=self._events,
            on_kill=self._fleet.fail_all,
            on_reload=self._reload,
            on_drain=self._stop,
        )
        self._state = State(self._fleet, killed=lambda: self._orders.killed)
        body_max_bytes = int(serving.body_max_mib * MIB)
        keyring = Keyring(plan.folder, required=serving.keys_required)
        self._keys = KeyGate(keyring)
        native = NativeDoor(plan.settings.model.input, rows_max=serving.queue_rows)
        self._inference = Inference(
            fleet=self._fleet,
            native=native,
            keys=self._keys,
            gates=[self._orders.gate, self._state.admit],
            journal=self._journal,
            metrics=self._metrics,
            events=self._events,
            identifiers=identifiers,
            timeout_s=serving.timeout_ms / 1000,
        )
        signature = Signature(plan.settings.model.input, plan.settings.model.task)
        oip = OipDoor(
            plan.settings.model.name,
            signature,
            releases=self._releases,
            rows_max=serving.queue_rows,
            body_max_bytes=body_max_bytes,
        )
        catalogue = Catalogue(
            plan.settings.model.name,
            signature,
            releases=self._releases,
            unready=self._state.unready,
        )

        def door_of(method: bytes, path: bytes) -> Door | None:
            if path == b"/predict":
                return native if method == b"POST" else None
            return oip if infers(method, path) else None

        self._connections = Connections(
            limits=Limits(
                head_s=serving.head_timeout_s,
                body_s=serving.body_timeout_s,
                write_s=serving.write_timeout_s,
                idle_s=serving.idle_timeout_s,
            ),
            door_of=door_of,
            inference=self._inference,
            body_max_bytes=body_max_bytes,
        )
        self._metrics.gauges = gauges(
            self._fleet,
            writer=self._writer,
            connections=self._connections,
            tickets=self._tickets,
        )
        self._app = App(
            state=self._state,
            catalogue=catalogue,
            keyring=keyring,
            tickets=self._tickets,
            openapi=openapi.document(
                signature, model=plan.settings.model.name, keys_required=keyring.required
            ),
            metrics=self._metrics,
            journal=self._journal,
            identifiers=identifiers,
        )

    def _deferred(self, call: Call, ticket: Ticket) -> None:
        self._inference.deferred(call, ticket)

    def _releases(self) -> list[str]:
        return [self._fleet.current.release]

    def _settled(self, settled: Sequence[Pending]) -> None:
        self._inference.settled(settled)

    async def run(self) -> None:
        """Serve until told to stop by a signal.

        Raises:
            SeatrialError: No worker could be started.
        """
        self._listen_to_signals()
        if self._plan.keeper:
            self._keeper = Attendant("seatrial.serve.keeper", self._keeper_arguments())
        self._warming = asyncio.create_task(self._prepare_warm_up())
        server = Server(self._config())
        serving = asyncio.create_task(server.serve(sockets=[self._bound]))
        ticking = [
            asyncio.create_task(self._tick()),
            asyncio.create_task(self._connections.sweep()),
            asyncio.create_task(self._orders.follow()),
            asyncio.create_task(self._adjust()),
        ]
        try:
            if await self._unless_stopped(self._fleet.start()):
                self._state.phase = "serving"
                await self._rehearse(server)
                self._say_ready()
                ticking.append(asyncio.create_task(self._keep_warm()))
                await self._stopping.wait()
                await self._drain()
        finally:
            server.end()
            await self._close(serving, ticking)

    def _keeper_arguments(self) -> list[str]:
        arguments = [str(self._plan.folder), "--log-folder", str(self._plan.log_folder)]
        arguments += ["--last-seal", str(KEEPER_LIMIT_S - 0.5)]
        admin_port = self._plan.settings.serving.admin_port
        if admin_port is not None:
            arguments += ["--admin-port", str(admin_port)]
        return arguments

    def _config(self) -> uvicorn.Config:
        return uvicorn.Config(
            self._app,
            loop="none",
            http=functools.partial(Protocol, self._connections),  # type: ignore[arg-type]  # uvicorn calls it like a class
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=int(DRAIN_LIMIT_S) + 2,
            backlog=BACKLOG,
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

    async def _prepare_warm_up(self) -> WarmUp:
        serving = self._plan.settings.serving
        inputs = []
        try:
            inputs = await samples(
                self._plan.folder, self._plan.settings.eval, count=serving.batch_max
            )
        except (SeatrialError, OSError) as error:
            self._events.say("warm-up-skipped", {"message": str(error)})
        return WarmUp(
            inputs,
            journal=self._journal,
            identifiers=self._identifiers,
            events=self._events,
        )

    async def _warm_up(self, worker: Worker, deployment: Deployment) -> str:
        warm_up = await asyncio.shield(self._warming)
        return await warm_up(worker, deployment)

    async def _rehearse(self, server: Server) -> None:
        def connect() -> Protocol:
            return Protocol(self._connections, server.config, server.server_state, {})

        warm_up = await asyncio.shield(self._warming)
        self._rehearsal = Rehearsal(connect, warm_up.inputs)
        await self._rehearsal.play(ROUNDS_FIRST)

    async def _keep_warm(self) -> None:
        """Walk the path again whenever nobody has for a while, once for each worker."""
        seen = -1
        while True:
            await asyncio.sleep(QUIET_S)
            if self._inference.begun == seen and not self._orders.killed:
                await self._rehearsal.play(self._fleet.current.pool.ready)
            seen = self._inference.begun

    def _reload(self) -> None:
        task = asyncio.create_task(self._fleet.reload())
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)

    def _say_ready(self) -> None:
        host, port = self._bound.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        self._announce(
            Ready(
                f"http://{shown}:{port}",
                os.getpid(),
                self._plan.release,
                self._fleet.current.pool.ready,
            )
        )

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._signalled, number)

    def _signalled(self, number: signal.Signals) -> None:
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
        self._state.phase = "draining"
        self._connections.draining = True
        self._events.say("draining", {"inflight": self._fleet.inflight})
        if not self._hurry:
            await asyncio.sleep(self._plan.drain_delay_s)

    async def _close(self, serving: asyncio.Task[None], ticking: list[asyncio.Task[None]]) -> None:
        loop = asyncio.get_running_loop()
        limit = loop.call_later(DRAIN_LIMIT_S, self._give_up)
        with contextlib.suppress(asyncio.CancelledError):
            await serving
        limit.cancel()
        self._state.phase = "stopping"
        ending = [*ticking, self._warming, *self._reloads]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        await self._fleet.close()
        self._writer.close()
        if self._keeper is not None:
            await self._keeper.stop(limit_s=KEEPER_LIMIT_S)

    def _give_up(self) -> None:
        """Answer what is still in flight: orchestrators wait no longer."""
        self._state.phase = "stopping"
        self._fleet.fail_all(shutting_down())

    async def _adjust(self) -> None:
        while True:
            await asyncio.sleep(ADJUST_S)
            if self._state.phase == "serving":
                await self._fleet.adjust()

    def _refresh_keys(self) -> None:
        problem = self._keys.refresh()
        if problem != self._key_problem:
            self._key_problem = problem
            self._events.say("keys-problem", {"message": problem or "solved"})

    async def _tick(self) -> None:
        keeper_told = False
        while True:
            await asyncio.sleep(LOG_TICK_S)
            self._writer.tick()
            self._refresh_keys()
            if self._keeper is not None and not self._keeper.alive() and not keeper_told:
                keeper_told = True
                self._events.say("keeper-lost", {"message": "rows are logged, but not sealed"})
