"""One keep-alive connection: a request out, an answer in, nothing in between."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol, cast

import httptools

from seatrial.measure.load.driver import Outcome
from seatrial.measure.load.notes import NOTED
from seatrial.measure.load.tickets import ACCEPTED

if TYPE_CHECKING:
    from seatrial.measure.load.target import Target

IDLE = -1
EXAMPLE_BYTES = 200
TICKET_BYTES = 65_536
"""Of a 202 answer that are read for its ticket."""

INFORMATIONAL = range(100, 200)
SUCCESS = range(200, 300)
FRAMING = b"framing"
KEPT = {name: name for name in NOTED} | {
    b"content-length": FRAMING,
    b"transfer-encoding": FRAMING,
}
"""Headers that are looked at; all others cost one lookup."""


class Owner(Protocol):
    """Who is told what became of a request."""

    def ended(
        self, connection: Connection, request: int, outcome: Outcome, status: int, *, usable: bool
    ) -> None:
        """A request ended; the connection can carry another if ``usable``."""
        ...

    def closed(self, connection: Connection) -> None:
        """A connection without a request was closed by the server."""
        ...

    def example(self, status: int, body: bytes) -> None:
        """An answer that is not 2xx began with ``body``."""
        ...

    def note(self, request: int, name: bytes, value: bytes) -> None:
        """An answer carried one of the headers in :data:`NOTED`."""
        ...

    def deferred(self, request: int, body: bytes) -> bool:
        """A 202 came; say whether it holds a ticket."""
        ...


class Connection(asyncio.Protocol):
    """Carries one request at a time; also receives the parser's callbacks.

    Args:
        owner: Who is told.
        request: Index of the request to send as soon as the connection stands; none by default.
        data: That request.
    """

    def __init__(self, owner: Owner, request: int = IDLE, data: bytes = b"") -> None:
        self.request = request
        self._owner = owner
        self._waiting = data
        self._wanted = True
        self._transport: asyncio.WriteTransport | None = None
        self._framed = False
        self._headers_done = False
        self._ticket = b""
        self._parser = httptools.HttpResponseParser(self)

    def send(self, request: int, data: bytes) -> None:
        """Send a request on an idle connection."""
        self.request = request
        self._transport.write(data)  # type: ignore[union-attr]  # idle means connected

    def cut(self) -> None:
        """Close at once, without telling the owner."""
        self.request = IDLE
        self._wanted = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send what was waiting; a request that expired meanwhile needs no connection."""
        # Not asyncio.Transport by inheritance under uvloop, only by its methods.
        self._transport = cast("asyncio.WriteTransport", transport)
        if not self._wanted:
            self._transport.abort()
        elif self._waiting:
            self._transport.write(self._waiting)
            self._waiting = b""

    def data_received(self, data: bytes) -> None:
        """Feed the parser, which calls back below."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(Outcome.MALFORMED)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the request that was in flight, or leave the pool."""
        if self.request == IDLE:
            self._owner.closed(self)
        elif self._headers_done and not self._framed and exc is None:
            # A body without a length ends with the connection (RFC 9112, section 6.3).
            self._end(self._parser.get_status_code(), usable=False)
        else:
            self._fail(Outcome.DISCONNECTED)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep what tells stages and framing."""
        kept = KEPT.get(name.lower())
        if kept is None:
            return
        if kept is FRAMING:
            self._framed = True
        else:
            self._owner.note(self.request, kept, value)

    def on_headers_complete(self) -> None:
        """Remember that an answer has begun."""
        self._headers_done = True

    def on_body(self, body: bytes) -> None:
        """Keep the start of an answer that is not 2xx, and what a 202 says."""
        status = self._parser.get_status_code()
        if status == ACCEPTED:
            self._ticket = (self._ticket + body)[:TICKET_BYTES]
        elif status not in SUCCESS:
            self._owner.example(status, body[:EXAMPLE_BYTES])

    def on_message_complete(self) -> None:
        """End the request; interim answers (1xx) do not."""
        status = self._parser.get_status_code()
        if status in INFORMATIONAL:
            self._headers_done = False
            return
        if self.request == IDLE:
            # Nothing was asked: the stream is out of step and cannot be trusted again.
            self.cut()
            return
        self._end(status, usable=self._parser.should_keep_alive())

    def _end(self, status: int, *, usable: bool) -> None:
        request, self.request = self.request, IDLE
        self._framed = self._headers_done = False
        outcome = Outcome.ANSWERED if status in SUCCESS else Outcome.STATUS
        if status == ACCEPTED:
            said, self._ticket = self._ticket, b""
            if self._owner.deferred(request, said):
                outcome = Outcome.DEFERRED
        if not usable and self._transport is not None:
            self._transport.abort()
        self._owner.ended(self, request, outcome, status, usable=usable)

    def _fail(self, outcome: Outcome) -> None:
        request = self.request
        self.cut()
        if request != IDLE:
            self._owner.ended(self, request, outcome, 0, usable=False)


async def open_connection(target: Target, connection: Connection) -> None:
    """Connect; the connection sends its request by itself once it stands.

    Raises:
        OSError: No connection could be made.
    """
    loop = asyncio.get_running_loop()
    await loop.create_connection(
        lambda: connection,
        target.address,
        target.port,
        ssl=target.tls,
        server_hostname=target.host if target.tls else None,
    )
