"""From a whole request to its answer: read, admit, wait, record, answer. The hot path.

Nothing here waits: a call is taken when it is whole, and comes back when its rows are settled.
What one model call settles is recorded with one write, and only then answered.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from seatrial.core.clock import SYSTEM, Clock
from seatrial.core.errors import CallerGoneError, OverloadedError, SeatrialError
from seatrial.records.record import Origin
from seatrial.serve import problems
from seatrial.serve.call import Call, Reply
from seatrial.serve.doors.door import Door, Request, Response
from seatrial.serve.entry import RETRY_COUNT
from seatrial.serve.envelope import Envelope
from seatrial.serve.events import Events
from seatrial.serve.fleet import Fleet
from seatrial.serve.identifiers import Identifiers
from seatrial.serve.journal import Journal, status_of
from seatrial.serve.keygate import KeyGate
from seatrial.serve.metrics import Metrics
from seatrial.serve.pending import Pending
from seatrial.serve.tickets import Ticket

ANSWERED = 200
SERVER_ERROR = 500

NO_REQUEST = Request("", "", "", {}, b"")
"""Stands for the request while its body is on its way."""

Gate = Callable[[Call], None]
"""Lets a call in, or raises why not."""


class Inference:
    """Answers calls.

    Attributes:
        begun: Requests of callers so far.

    Args:
        fleet: Has calls answered.
        native: The door that stands for the connection itself, where no request was read.
        keys: Lets callers in by their keys.
        gates: Asked after that, in this order, before a call is read.
        journal: Records what became of calls.
        metrics: Counts it.
        events: Told of failures.
        identifiers: Gives out request ids.
        timeout_s: Deadline of a request that names none.
        clock: Where time comes from.
    """

    def __init__(
        self,
        *,
        fleet: Fleet,
        native: Door,
        keys: KeyGate,
        gates: Sequence[Gate],
        journal: Journal,
        metrics: Metrics,
        events: Events,
        identifiers: Identifiers,
        timeout_s: float,
        clock: Clock = SYSTEM,
    ) -> None:
        self._fleet = fleet
        self._native = native
        self._keys = keys
        self._gates = gates
        self._journal = journal
        self._metrics = metrics
        self._events = events
        self._identifiers = identifiers
        self._timeout_s = timeout_s
        self._clock = clock
        self.begun = 0
        self._envelope = Envelope()
        self._turned_away: list[tuple[Call, SeatrialError]] = []

    def begin(
        self, door: Door, reply: Reply, *, peer: str = "", origin: Origin | None = None
    ) -> Call:
        """Note the arrival of a request whose headers have come."""
        clock = self._clock
        if origin is None:
            self.begun += 1
        return Call(
            door,
            NO_REQUEST,
            reply,
            at=clock.utc(),
            at_s=clock.now_s(),
            deployment=self._fleet.current,
            peer=peer,
            origin=origin,
        )

    def take(self, call: Call) -> None:
        """Take a whole request; it is answered at once or when its rows are settled."""
        try:
            self._take(call)
        except OverloadedError as error:
            self._turn_away(call, error)
        except SeatrialError as error:
            self.refuse(call, error)
        except Exception as error:  # noqa: BLE001  (edge of the process: one request, not all)
            self.refuse(call, self._unexpected(error))

    def settled(self, settled: Sequence[Pending]) -> None:
        """Record and answer calls whose rows are settled, all with one write."""
        answered: list[Call] = []
        refused: list[tuple[Call, SeatrialError]] = []
        for pending in settled:
            call: Call = pending.owner
            if call.closed:
                continue
            if pending.error is not None:
                self._close(call)
                refused.append((call, pending.error))
            else:
                answered.append(call)
        if refused:
            self._refuse(refused)
        if answered:
            self._answer(answered)

    def deferred(self, call: Call, ticket: Ticket) -> None:
        """Hand a ticket to the caller of a call that was put aside; the ticket gets the answer."""
        now_s = self._clock.now_s()
        response, _ = ticket.told(now_s)
        call.reply.send(response, self._envelope.headers(call, now_s))
        call.reply = ticket
        self._metrics.deferred(call.door.route, now_s - call.at_s)

    def gone(self, call: Call) -> None:
        """Give up a call whose caller has closed the connection."""
        if call.closed:
            return
        gone = CallerGoneError("the caller closed the connection before its answer.")
        if call.pending is not None and not call.pending.settled():
            self._fleet.abandon(call, gone)
        else:
            self.refuse(call, gone)

    def unread(self, error: SeatrialError) -> tuple[str, bytes]:
        """Record what came instead of a request; return its id and the problem document."""
        call = self.begin(self._native, _NOBODY)
        self.refuse(call, error)
        release = call.deployment.release
        return call.id, problems.document(error, request=call.id, release=release)

    def refuse(self, call: Call, error: SeatrialError) -> None:
        """Record and answer a call that cannot be answered otherwise."""
        if not call.closed:
            self._close(call)
            self._refuse([(call, error)])

    def _turn_away(self, call: Call, error: OverloadedError) -> None:
        """Refuse a call for want of room, and all others that come meanwhile with it: cheaper."""
        if call.closed:
            return
        self._close(call)
        if not self._turned_away:
            asyncio.get_running_loop().call_soon(self._turn_all_away)
        self._turned_away.append((call, error))

    def _turn_all_away(self) -> None:
        refused, self._turned_away = self._turned_away, []
        self._refuse(refused)

    def _refuse(self, refused: Sequence[tuple[Call, SeatrialError]]) -> None:
        """Record refusals with one write, and answer them."""
        records: list[Any] = []
        for call, error in refused:
            call.rows = call.rows or call.door.seen(call.request)
            call.id = call.id or self._identifiers.new(len(call.rows) or 1)
            self._journal.refused(call, error, records)
        try:
            self._journal.write(records)
        except SeatrialError as unrecorded:
            ids = [call.id for call, _ in refused]
            self._events.say("unrecorded", {"ids": ids, "message": unrecorded.message})
        for call, error in refused:
            self._send_refusal(call, error)

    def _send_refusal(self, call: Call, error: SeatrialError) -> None:
        status = problems.status_of(error)
        if status >= SERVER_ERROR and not error.retryable:
            self._tell(call, error)
        now_s = self._clock.now_s()
        if call.origin is None:
            self._count(call, status, now_s)
            self._metrics.refused(error.code, status_of(error), len(call.rows) or 1)
            if call.degraded is not None:
                self._metrics.degraded(call.degraded)
        if not isinstance(error, CallerGoneError):
            response = call.door.refuse(error, id=call.id, release=call.deployment.release)
            call.reply.send(response, self._envelope.headers(call, now_s))
        call.pending = None  # as where it is answered: each holds the other

    def _take(self, call: Call) -> None:
        if call.origin is None:
            if call.request.headers.get(RETRY_COUNT, b"0") != b"0":
                self._metrics.count("retries")
            self._keys(call)
        for gate in self._gates:
            gate(call)
        reading = call.reading = call.door.read(call.request)
        rows = call.rows = reading.rows
        call.id = self._identifiers.new(len(rows) or 1)
        if not rows:
            self._answer([call])
            return
        now_s = self._clock.now_s()
        timeout_s = self._timeout_s if reading.timeout_s is None else reading.timeout_s
        self._fleet.submit(call, now_s=now_s, deadline_s=call.at_s + timeout_s)

    def _answer(self, calls: list[Call]) -> None:
        records: list[Any] = []
        told: list[tuple[Call, Response]] = []
        for call in calls:
            before = len(records)
            try:
                call.results = self._journal.results(call, records)
                told.append((call, self._response(call)))
            except SeatrialError as error:
                del records[before:]
                self.refuse(call, error)
            except Exception as error:  # noqa: BLE001  (edge of the process: one request, not all)
                del records[before:]
                self.refuse(call, self._unexpected(error))
        try:
            self._journal.write(records)
        except SeatrialError as error:
            for call, _ in told:
                self.refuse(call, error)
            return
        for call, response in told:
            self._send(call, response)

    def _response(self, call: Call) -> Response:
        if call.reading is None:
            raise SeatrialError("a call was answered that was never read.")
        release = call.deployment.release
        return call.door.answer(call.reading, id=call.id, release=release, results=call.results)

    def _send(self, call: Call, response: Response) -> None:
        self._close(call)
        now_s = self._clock.now_s()
        call.reply.send(response, self._envelope.headers(call, now_s))
        call.pending = None  # each holds the other: so nothing is left for the collector
        if call.origin is None:
            self._count(call, ANSWERED, now_s)
            self._metrics.answered(call.results)
            if call.caches is not None:
                self._metrics.cached(call.caches)
            if call.degraded is not None:
                self._metrics.degraded(call.degraded)

    def _count(self, call: Call, status: int, now_s: float) -> None:
        """Count a request by the first status that its caller is told, and only by that."""
        if type(call.reply) is Ticket:
            self._metrics.settled(status, now_s - call.at_s)
        else:
            self._metrics.responded(call.door.route, status, now_s - call.at_s)

    def _close(self, call: Call) -> None:
        call.closed = True
        if call.caller is not None:
            self._keys.leave(call)

    def _tell(self, call: Call, error: SeatrialError) -> None:
        message = error.message
        if not self._journal.keeps_inputs:
            # What a model raises often quotes its input.
            message = str(error.details.get("where", "")).strip()
        self._events.say(
            "failed",
            {
                "id": call.id,
                "code": error.code,
                "message": message,
                "raised": error.details.get("raised"),
                "row": error.details.get("row"),
            },
        )

    def _unexpected(self, error: Exception) -> SeatrialError:
        self._events.say(
            "internal-error",
            {"raised": type(error).__name__, "trace": traceback.format_exception(error)[-3:]},
        )
        return SeatrialError(
            "the server made a mistake; it has been logged.", hint="Report it with this id."
        )


class _Nobody:
    """The reply of what was no request."""

    def send(self, response: Any, common: list[tuple[bytes, bytes]]) -> None:
        """Say nothing: the connection itself answers."""


_NOBODY = _Nobody()
