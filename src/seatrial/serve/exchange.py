"""One inference request on a connection: collects its body, hands it on, sends the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from seatrial.core.errors import BodyTooLargeError, InputError, SeatrialError
from seatrial.serve.doors.door import Door, Request, Response
from seatrial.serve.doors.headers import timeout_s

if TYPE_CHECKING:
    from seatrial.serve.call import Call
    from seatrial.serve.protocol import Protocol

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
CLOSE = b"connection: close\r\n"


class Exchange:
    """One inference request on a connection; stands where uvicorn has its cycle.

    Args:
        protocol: The connection.
        door: The wire format of the route.
        method: Of the request, as are the others.
        path: Without the query.
        query: What follows the question mark.

    Attributes:
        response_complete: Nothing more will be sent for it.
        keep_alive: The connection is used again after it.
        disconnected: The caller has gone; set by uvicorn.
        more_body: Its body is not whole yet.
    """

    __slots__ = (
        "_call",
        "_has_turn",
        "_parts",
        "_protocol",
        "_request",
        "_size",
        "disconnected",
        "keep_alive",
        "message_event",
        "more_body",
        "response_complete",
    )

    def __init__(
        self, protocol: Protocol, door: Door, method: str, path: bytes, query: bytes
    ) -> None:
        self._protocol = protocol
        headers = dict(protocol.headers)
        self._request = (method, path, query, headers)
        self._parts: list[bytes] = []
        self._size = 0
        self._has_turn = False
        self.message_event = _SILENT
        self.more_body = True
        self.disconnected = False
        self.response_complete = False
        parser = protocol.parser
        self.keep_alive = (
            parser.should_keep_alive()
            and parser.get_http_version() != "1.0"
            and not protocol.all.draining
        )
        peer = protocol.client[0] if protocol.client else ""
        self._call: Call | None = protocol.all.inference.begin(
            door, self, peer=peer, origin=protocol.origin
        )

    def body_s(self, limit_s: float) -> float:
        """Return how long its body may take: no longer than the caller waits for the answer."""
        try:
            patience_s = timeout_s(self._request[3])
        except InputError:
            return limit_s  # it is told when the request is read
        return limit_s if patience_s is None else min(limit_s, patience_s)

    def turn(self) -> None:
        """All requests before it are answered: it may be too."""
        self._has_turn = True
        if not self.more_body:
            self._take()
            return
        announced = self._request[3].get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > self._protocol.all.body_max_bytes:
            self.refuse(self._too_large(f"{int(announced)} bytes are announced"))
        elif self._protocol.expect_100_continue:
            self._protocol.transport.write(CONTINUE)

    def more(self, part: bytes) -> None:
        """A part of its body has come."""
        self._size += len(part)
        if self._size > self._protocol.all.body_max_bytes:
            self._parts = []
            if self._has_turn and not self.response_complete:
                limit = self._protocol.all.body_max_bytes
                self.refuse(self._too_large(f"more than {limit} bytes came"))
            return
        self._parts.append(part)

    def whole(self) -> None:
        """Its body has come whole."""
        self.more_body = False
        if self._has_turn and not self.response_complete:
            self._take()

    def refuse(self, error: SeatrialError) -> None:
        """Answer with an error, whatever of it has come."""
        if self._call is None:
            return
        self._protocol.all.inference.refuse(self._call, error)

    def gone(self) -> None:
        """The caller has gone."""
        self.response_complete = True
        if self._call is not None:
            self._protocol.all.inference.gone(self._call)

    def send(self, response: Response, common: list[tuple[bytes, bytes]]) -> None:
        """Send the response; see :class:`seatrial.serve.call.Reply`."""
        protocol = self._protocol
        if self.response_complete:
            return
        self.response_complete = True
        self._call = None  # each holds the other: so nothing is left for the collector
        unread = self.more_body
        head = b"".join(
            b"%b: %b\r\n" % pair for pairs in (response.headers, common) for pair in pairs
        )
        protocol.transport.write(
            b"%b%b%bcontent-length: %d\r\n%b\r\n%b"
            % (
                STATUS_LINE[response.status],
                protocol.all.default_head(protocol.server_state),
                head,
                len(response.body),
                b"" if self.keep_alive and not unread else CLOSE,
                response.body,
            )
        )
        protocol.finish(unread=unread, keep_alive=self.keep_alive)

    def _take(self) -> None:
        if self._size > self._protocol.all.body_max_bytes:
            self.refuse(self._too_large(f"{self._size} bytes came"))
            return
        method, path, query, headers = self._request
        parts = self._parts
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        self._parts = []
        call = self._call
        if call is not None:
            call.request = Request(
                method, path.decode("latin-1"), query.decode("latin-1"), headers, body
            )
            self._protocol.all.inference.take(call)

    def _too_large(self, what: str) -> BodyTooLargeError:
        limit = self._protocol.all.body_max_bytes
        return BodyTooLargeError(
            f"the body is too large: {what}; accepted are {limit} bytes.",
            hint="Send fewer rows in one request, or raise serving.body_max_mib.",
            details={"limit": limit},
        )


class _Silent:
    """Stands where a cycle has its event: nobody waits for an exchange."""

    def set(self) -> None:
        """Do nothing."""


_SILENT = _Silent()
