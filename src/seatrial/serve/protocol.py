"""HTTP/1.1 as this server speaks it: uvicorn's protocol with deadlines, caps and a direct path.

uvicorn alone waits for ever for a header, a body or a reader, and takes headers of any size. Here
every connection is in one phase with one time at which it ends, and one timer looks after them
all. Inference requests do not pass through ASGI: they are handed to :class:`Inference` when they
are whole, and answered by one write, without a task of their own.
"""

from __future__ import annotations

import asyncio
import math
from typing import Any, cast

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from seatrial.core.errors import (
    DeadlineExceededError,
    HeadTooLargeError,
    MalformedBodyError,
    SeatrialError,
)
from seatrial.records.record import Origin
from seatrial.serve import problems
from seatrial.serve.connections import Connections
from seatrial.serve.doors.door import Door
from seatrial.serve.exchange import CLOSE, Exchange
from seatrial.serve.heads import pathless, target, without_upgrade

IDLE, HEAD, BODY, BUSY, LINGERING = range(5)


class Protocol(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        connections: Connections,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.all = connections
        self.limits = connections.limits
        self.origin: Origin | None = None
        self.phase = IDLE
        self.due_s = math.inf
        self._phase_due_s = math.inf
        self._write_due_s = math.inf
        self._in_head = False
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Begin to wait for a request."""
        super().connection_made(transport)
        self.all.enter(self)
        self._enter(IDLE, self.limits.idle_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up what nobody waits for any more."""
        self.all.leave(self)
        waiting: list[Any] = [self.cycle, *(cycle for cycle, _ in self.pipeline)]
        super().connection_lost(exc)
        for cycle in waiting:
            if type(cycle) is Exchange:
                cycle.gone()

    def data_received(self, data: bytes) -> None:
        """Feed the parser, which calls back below."""
        if self.phase == IDLE:
            self._enter(HEAD, self.limits.head_s)
            self._head_bytes = 0
        try:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                self._begin_again(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._unreadable(
                MalformedBodyError(
                    f"the request cannot be read as HTTP/1.1: {error}.",
                    hint="Check what speaks to this port.",
                )
            )
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > self.limits.head_bytes:
                self._unreadable(self._head_too_large())

    def on_message_begin(self) -> None:
        """See httptools."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._in_head = True

    def on_headers_complete(self) -> None:
        """See httptools: from here on it is known whose request this is."""
        self._in_head = False
        if self.phase == LINGERING:
            return
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > self.limits.head_bytes or len(self.headers) > self.limits.head_count:
            self._unreadable(self._head_too_large())
            return
        method = self.parser.get_method()
        path, query = target(self.url)
        if not path:
            self._unreadable(pathless(self.url))
            return
        if self.parser.should_upgrade():
            return  # it comes again without
        door = self.all.door_of(method, path)
        if door is None:
            self._begin_asgi()
        else:
            self._begin_exchange(door, method.decode(), path, query)

    def on_body(self, body: bytes) -> None:
        """See httptools."""
        cycle: Any = self.cycle
        if self.phase == LINGERING:
            return
        if type(cycle) is Exchange:
            cycle.more(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """See httptools."""
        if self.phase == LINGERING:
            self.transport.close()
            return
        if self.parser.should_upgrade():
            return
        cycle: Any = self.cycle
        if cycle.response_complete:
            self._enter(IDLE, self.limits.idle_s)
            return
        self._enter(BUSY, math.inf)
        if type(cycle) is Exchange:
            cycle.whole()
        else:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Take the next request that has come meanwhile, or wait for one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing() or self.phase == LINGERING:
            return
        if not self.flow.write_paused:
            self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        elif self._in_head:
            self._enter(HEAD, self.limits.head_s)
        elif self.phase == BUSY:
            self._enter(IDLE, self.limits.idle_s)

    def shutdown(self) -> None:
        """Take no request but those that are on their way; see uvicorn."""
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete:
            self.due_s = min(self.due_s, self.loop.time() + self.limits.last_s)
        else:
            cycle.keep_alive = False

    def pause_writing(self) -> None:
        """The reader is slow: take no further request until it has read."""
        super().pause_writing()
        self.flow.pause_reading()
        self._write_due_s = self.loop.time() + self.limits.write_s
        self.due_s = min(self._phase_due_s, self._write_due_s)

    def resume_writing(self) -> None:
        """The reader has caught up."""
        super().resume_writing()
        self._write_due_s = math.inf
        self.due_s = self._phase_due_s
        self.flow.resume_reading()

    @property
    def resting(self) -> bool:
        """Whether it waits for the first byte of a request."""
        return self.phase == IDLE

    def overdue(self) -> None:
        """End a connection that took longer than it may."""
        now_s = self.loop.time()
        if self._write_due_s <= now_s:
            self.transport.abort()
        elif self.phase == HEAD:
            self._unreadable(_late("headers of the request"))
        elif self.phase == BODY and type(cast("Any", self.cycle)) is Exchange:
            self.cycle.refuse(_late("request body"))  # type: ignore[attr-defined]  # an Exchange
        else:
            self.transport.close()

    def finish(self, *, unread: bool, keep_alive: bool) -> None:
        """Close after a response, wait for the rest of a refused body, or take the next request."""
        if unread:
            self._enter(LINGERING, self.limits.linger_s)
            self.flow.resume_reading()
        elif not keep_alive:
            self.transport.close()
        self.on_response_complete()

    def _begin_again(self, rest: bytes) -> None:
        """Read a request that asks for another protocol beside (HTTP/2, WebSocket) in this one.

        RFC 9110, section 7.8 allows that. The parser takes all that follows such a head for the
        other protocol, body included: so a new one gets the head once more, without the wish.
        """
        while self.phase != LINGERING and not self.transport.is_closing():
            old, self.parser = self.parser, httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as in uvicorn
            line = b"%b %b HTTP/%b" % (old.get_method(), self.url, old.get_http_version().encode())
            fields = [b"%b: %b" % field for field in without_upgrade(self.headers)]
            data = b"\r\n".join([line, *fields, b"", rest])
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                rest = data[upgrade.args[0] :]
            else:
                return

    def _enter(self, phase: int, seconds: float) -> None:
        self.phase = phase
        self._phase_due_s = self.loop.time() + seconds
        self.due_s = min(self._phase_due_s, self._write_due_s)

    def _begin_asgi(self) -> None:
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.headers, self.expect_100_continue = url, headers, expects
        self.scope["headers"] = headers
        self._enter(BODY, self.limits.body_s)
        super().on_headers_complete()
        if self.all.draining:
            cast("Any", self.cycle).keep_alive = False

    def _begin_exchange(self, door: Door, method: str, path: bytes, query: bytes) -> None:
        before: Any = self.cycle
        exchange = Exchange(self, door, method, path, query)
        self.cycle = exchange  # type: ignore[assignment]  # it has the parts of a cycle that are used
        self._enter(BODY, exchange.body_s(self.limits.body_s))
        if before is None or before.response_complete:
            exchange.turn()
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((exchange, self.app))  # type: ignore[arg-type]  # see above

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        if type(cycle) is Exchange:
            cycle.turn()
        else:
            super()._start_asgi_task(cycle, app)

    def _head_too_large(self) -> HeadTooLargeError:
        return HeadTooLargeError(
            f"the headers are too large; accepted are {self.limits.head_bytes} bytes and "
            f"{self.limits.head_count} headers.",
            hint="Send what is large in the body.",
            details={"limit": self.limits.head_bytes},
        )

    def _unreadable(self, error: SeatrialError) -> None:
        """Refuse what is no request yet, and close; requests before it are answered first."""
        if self.phase == LINGERING or self.transport.is_closing():
            return
        cycle: Any = self.cycle
        self._in_head = False
        if cycle is not None and not cycle.response_complete:
            cycle.keep_alive = False
            if type(cycle) is Exchange and cycle.more_body:
                cycle.refuse(error)
            elif cycle.more_body:
                self.transport.close()
            else:
                self._enter(LINGERING, math.inf)
            return
        identifier, body = self.all.inference.unread(error)
        head = [STATUS_LINE[problems.status_of(error)], self.all.default_head(self.server_state)]
        pairs = [*problems.headers(error), (b"x-request-id", identifier.encode())]
        head += [b"%b: %b\r\n" % pair for pair in pairs]
        head.append(b"content-length: %d\r\n" % len(body) + CLOSE + b"\r\n")
        self.transport.write(b"".join(head) + body)
        self._enter(LINGERING, self.limits.linger_s)


def _late(what: str) -> DeadlineExceededError:
    return DeadlineExceededError(
        f"the {what} did not arrive in time.",
        hint="Send it at once.",
        details={"http_status": 408},
    )
