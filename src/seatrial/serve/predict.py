"""``POST /predict``: parse, admit, wait, record, answer. Bare ASGI, for it is the hot path."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable
from typing import Any

from seatrial.core.clock import SYSTEM, Clock
from seatrial.core.errors import (
    BodyTooLargeError,
    CallerGoneError,
    SeatrialError,
)
from seatrial.serve import http, problems
from seatrial.serve.dispatcher import Dispatcher
from seatrial.serve.events import Events
from seatrial.serve.http import Receive, Scope, Send
from seatrial.serve.identifiers import Identifiers, trace_parent
from seatrial.serve.journal import MS, Arrival, Journal, status_of
from seatrial.serve.messages import PredictAnswer, Result, encode
from seatrial.serve.metrics import Metrics
from seatrial.serve.parsing import PredictParser, rows_seen
from seatrial.serve.pending import Pending

WATCH_AFTER_S = 0.05
"""How long a request waits before we look whether its caller is still there: most are answered
sooner, and looking costs as much as answering."""

SERVER_ERROR = 500


class Predict:
    """Answers predictions.

    Args:
        parser: Reads bodies.
        dispatcher: Has rows answered.
        journal: Records what became of them.
        metrics: Counts it.
        events: Told of failures.
        identifiers: Gives out request ids.
        release: What answers.
        variant: Which variant of it.
        body_max_bytes: Largest body.
        rows_max: Most rows of one request.
        timeout_ms: Deadline of a request that names none.
        admit: Raises while no request can be taken.
        clock: Where time comes from.
    """

    def __init__(
        self,
        *,
        parser: PredictParser,
        dispatcher: Dispatcher,
        journal: Journal,
        metrics: Metrics,
        events: Events,
        identifiers: Identifiers,
        release: str,
        variant: str,
        body_max_bytes: int,
        rows_max: int,
        timeout_ms: float,
        admit: Callable[[], None],
        clock: Clock = SYSTEM,
    ) -> None:
        self._parser = parser
        self._dispatcher = dispatcher
        self._journal = journal
        self._metrics = metrics
        self._events = events
        self._identifiers = identifiers
        self._release = release
        self._body_max_bytes = body_max_bytes
        self._rows_max = rows_max
        self._timeout_ms = timeout_ms
        self._admit = admit
        self._clock = clock
        self._fixed_headers = [
            (b"content-type", http.JSON),
            (b"x-release", release.encode()),
            (b"x-served-by", served_by(variant)),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever it is."""
        exchange = _Exchange(scope, self._clock)
        try:
            body = await self._answer(exchange, receive)
        except SeatrialError as error:
            await self._refuse(send, receive, exchange, error)
        except Exception as error:  # noqa: BLE001  (edge of the process: one request, not all)
            await self._refuse(send, receive, exchange, self._unexpected(error))
        else:
            headers = [*self._fixed_headers, *self._per_request(exchange)]
            await http.respond(send, 200, headers, body)
            seconds = self._clock.now_s() - exchange.at_s
            self._metrics.request(200, seconds, exchange.fates)

    async def _answer(self, exchange: _Exchange, receive: Receive) -> bytes:
        http.check_media_type(exchange.headers)
        timeout_s = http.timeout_s(exchange.headers, default_ms=self._timeout_ms)
        exchange.body = await http.read_body(
            receive, exchange.headers, max_bytes=self._body_max_bytes, timeout_s=timeout_s
        )
        exchange.unread = False
        rows = exchange.rows = self._parser.rows(exchange.body)
        if len(rows) > self._rows_max:
            raise BodyTooLargeError(
                f"the request has {len(rows)} rows; accepted are {self._rows_max}.",
                hint="Send fewer rows in one request.",
                details={"limit": self._rows_max},
            )
        self._admit()
        arrival = exchange.arrive(self._identifiers)
        results: list[Result] = []
        if rows:
            pending = exchange.pending = self._dispatcher.submit(
                rows, deadline_s=exchange.at_s + timeout_s
            )
            if not pending.done.done():
                await self._wait(pending, receive)
            if pending.error is not None:
                raise pending.error
            results = self._journal.answered(arrival, pending)
        exchange.results = results
        return encode(PredictAnswer(arrival.id, self._release, results))

    async def _wait(self, pending: Pending, receive: Receive) -> None:
        loop = asyncio.get_running_loop()
        watching: list[asyncio.Task[None]] = []
        watch = loop.call_later(
            WATCH_AFTER_S,
            lambda: watching.append(loop.create_task(self._watch(pending, receive))),
        )
        try:
            await pending.done
        finally:
            watch.cancel()
            for task in watching:
                task.cancel()

    async def _watch(self, pending: Pending, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        gone = CallerGoneError("the caller closed the connection before its answer.")
        self._dispatcher.fail(pending, gone)

    async def _refuse(
        self, send: Send, receive: Receive, exchange: _Exchange, error: SeatrialError
    ) -> None:
        rows = (exchange.rows or rows_seen(exchange.body))[: self._rows_max]
        exchange.rows = rows
        arrival = exchange.arrive(self._identifiers)
        try:
            self._journal.refused(arrival, rows, error, pending=exchange.pending)
        except SeatrialError as unrecorded:
            self._events.say("unrecorded", {"id": arrival.id, "message": unrecorded.message})
        status = problems.status_of(error)
        if status >= SERVER_ERROR and not error.retryable:
            fields = _told(arrival, error)
            # What a model raises often quotes its input.
            if not self._journal.keeps_inputs:
                fields["message"] = str(error.details.get("where", "")).strip()
            self._events.say("failed", fields)
        self._metrics.rejected(error.code)
        seconds = self._clock.now_s() - exchange.at_s
        self._metrics.request(status, seconds, {status_of(error): max(len(rows), 1)})
        if isinstance(error, CallerGoneError):
            return
        headers = [*problems.headers(error), *self._fixed_headers[1:2]]
        headers += self._per_request(exchange)
        body = problems.document(error, request=arrival.id, release=self._release)
        if exchange.unread:
            await http.respond_and_close(send, receive, status, headers, body)
        else:
            await http.respond(send, status, headers, body)

    def _per_request(self, exchange: _Exchange) -> list[tuple[bytes, bytes]]:
        parent = exchange.headers.get(b"traceparent")
        headers = [
            (b"x-request-id", exchange.arrive(self._identifiers).id.encode()),
            (b"traceparent", trace_parent(parent.decode("latin-1") if parent else None).encode()),
        ]
        if exchange.pending is not None:
            headers.append((b"server-timing", self._timing(exchange.at_s, exchange.pending)))
        if len(exchange.results) == 1 and exchange.results[0].confidence is not None:
            headers.append((b"x-confidence", b"%.6g" % exchange.results[0].confidence))
        return headers

    def _timing(self, at_s: float, pending: Pending) -> bytes:
        now_s = self._clock.now_s()
        started_s = now_s if pending.started_s is None else pending.started_s
        ended_s = now_s if pending.ended_s is None else pending.ended_s
        return b"admit;dur=%.3f, queue;dur=%.3f, model;dur=%.3f, send;dur=%.3f" % (
            (pending.submitted_s - at_s) * MS,
            (started_s - pending.submitted_s) * MS,
            (ended_s - started_s) * MS,
            (now_s - ended_s) * MS,
        )

    def _unexpected(self, error: Exception) -> SeatrialError:
        self._events.say(
            "internal-error",
            {"raised": type(error).__name__, "trace": traceback.format_exception(error)[-3:]},
        )
        return SeatrialError(
            "the server made a mistake; it has been logged.", hint="Report it with this id."
        )


class _Exchange:
    """One request on its way through: what is known of it so far."""

    __slots__ = (
        "_arrival",
        "at",
        "at_s",
        "body",
        "headers",
        "pending",
        "results",
        "rows",
        "unread",
    )

    def __init__(self, scope: Scope, clock: Clock) -> None:
        self.at_s = clock.now_s()
        self.at = clock.utc()
        self.headers: http.Headers = dict(scope["headers"])
        self.body = b""
        self.rows: list[Any] = []
        self.pending: Pending | None = None
        self.results: list[Result] = []
        self.unread = True
        self._arrival: Arrival | None = None

    def arrive(self, identifiers: Identifiers) -> Arrival:
        """Return its id and times; the id is given once its rows are counted."""
        if self._arrival is None:
            self._arrival = Arrival(identifiers.new(len(self.rows) or 1), self.at, self.at_s)
        return self._arrival

    @property
    def fates(self) -> dict[str, int]:
        """What became of the rows of an answered request."""
        withheld = sum(result.abstained for result in self.results)
        return {"answered": len(self.results) - withheld, "abstained": withheld}


def _told(arrival: Arrival, error: SeatrialError) -> dict[str, Any]:
    return {
        "id": arrival.id,
        "code": error.code,
        "message": error.message,
        "raised": error.details.get("raised"),
        "row": error.details.get("row"),
    }


def served_by(variant: str) -> bytes:
    """Return the ``X-Served-By`` of a variant.

    >>> served_by("original"), served_by("int8")
    (b'model', b'variant:int8')
    """
    return b"model" if variant == "original" else b"variant:" + variant.encode()
