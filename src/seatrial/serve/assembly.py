"""The parts of one server, put together: who is told of what is decided here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from seatrial.core.clock import SYSTEM
from seatrial.records.log import LogWriter
from seatrial.releases.control import Control
from seatrial.schedule.ladder import Ladder
from seatrial.serve import openapi
from seatrial.serve.app import App
from seatrial.serve.call import Call
from seatrial.serve.connections import Connections, Limits
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
from seatrial.serve.missing import MissingValues
from seatrial.serve.orders import Orders
from seatrial.serve.pending import Pending
from seatrial.serve.plan import Plan
from seatrial.serve.state import State
from seatrial.serve.tickets import Ticket, Tickets
from seatrial.serve.warmup import WarmUp

MIB = 2**20


class Assembly:
    """All parts of one server, none of them started.

    Args:
        plan: What the server shall be.
        writer: The prediction log.
        events: Told of what people should know.
        on_reload: Told when an operator orders the folder to be loaded anew.
        on_drain: Told when an operator orders the server to end.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        writer: LogWriter,
        events: Events,
        on_reload: Callable[[], None],
        on_drain: Callable[[], None],
    ) -> None:
        model, serving = plan.settings.model, plan.settings.serving
        body_max_bytes = int(serving.body_max_mib * MIB)
        self.identifiers = Identifiers(model.name)
        self.journal = Journal(
            writer,
            origin=plan.origin,
            keep_inputs=serving.log_inputs,
            redact=_redaction(plan.settings.log.redact),
            redact_outputs=model.task == "generation",
        )
        self.metrics = Metrics(
            model=model.name,
            release=lambda: self.fleet.current.release,
            variant=serving.variant,
        )
        self.tickets = Tickets()
        ladder = Ladder(serving.degrade, now_s=SYSTEM.now_s())
        self.fleet = Fleet(
            plan,
            entry=Entry(ladder, tickets=self.tickets, on_deferred=self._deferred),
            on_settled=self._settled,
            warm_up=WarmUp(
                journal=self.journal,
                identifiers=self.identifiers,
                events=events,
                halted=lambda: self.orders.killed,
            ),
            on_started=MissingValues(halted=lambda: self.orders.killed),
            metrics=self.metrics,
            events=events,
        )
        self.orders = Orders(
            Control(plan.folder),
            events=events,
            on_kill=self.fleet.fail_all,
            on_reload=on_reload,
            on_drain=on_drain,
        )
        self.state = State(self.fleet, killed=lambda: self.orders.killed)
        self._keyring = Keyring(plan.folder, required=serving.keys_required)
        self.keys = KeyGate(self._keyring)
        native = NativeDoor(model.input, rows_max=serving.queue_rows, signature=self._signature)
        self.inference = Inference(
            fleet=self.fleet,
            native=native,
            keys=self.keys,
            gates=[self.orders.gate, self.state.admit],
            journal=self.journal,
            metrics=self.metrics,
            events=events,
            identifiers=self.identifiers,
            timeout_s=serving.timeout_ms / 1000,
        )
        oip = OipDoor(
            model.name,
            self._signature,
            releases=self._releases,
            rows_max=serving.queue_rows,
            body_max_bytes=body_max_bytes,
        )

        def door_of(method: bytes, path: bytes) -> Door | None:
            if path == b"/predict":
                return native if method == b"POST" else None
            return oip if infers(method, path) else None

        self.connections = Connections(
            limits=Limits(
                head_s=serving.head_timeout_s,
                body_s=serving.body_timeout_s,
                write_s=serving.write_timeout_s,
                idle_s=serving.idle_timeout_s,
            ),
            door_of=door_of,
            inference=self.inference,
            body_max_bytes=body_max_bytes,
            most=plan.connections,
        )
        self.metrics.gauges = gauges(
            self.fleet, writer=writer, connections=self.connections, tickets=self.tickets
        )
        self.app = self._app(model.name)

    def _app(self, model: str) -> App:
        return App(
            state=self.state,
            catalogue=Catalogue(
                model, self._signature, releases=self._releases, unready=self.state.unready
            ),
            keyring=self._keyring,
            tickets=self.tickets,
            openapi=lambda: openapi.document(
                self._signature(), model=model, keys_required=self._keyring.required
            ),
            metrics=self.metrics,
            journal=self.journal,
            identifiers=self.identifiers,
        )

    def _signature(self) -> Signature:
        return self.fleet.current.examples.signature

    def _releases(self) -> list[str]:
        return [self.fleet.current.release]

    def _settled(self, settled: Sequence[Pending]) -> None:
        self.inference.settled(settled)

    def _deferred(self, call: Call, ticket: Ticket) -> None:
        self.inference.deferred(call, ticket)


def _redaction(kinds: Sequence[str]) -> Callable[[Any], Any] | None:
    if not kinds:
        return None
    from seatrial.records.redaction import Redaction  # patterns that most servers do not need

    return Redaction(kinds)
