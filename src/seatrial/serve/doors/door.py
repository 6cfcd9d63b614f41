"""The seam between HTTP and the model: one wire format is one door.

A door turns a whole request into rows, and results or an error into a whole response. It does no
I/O and knows no clock, so that the same door stands behind any server and any test.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from msgspec import Struct

from seatrial.core.errors import BodyTooLargeError, SeatrialError
from seatrial.serve.messages import Result

Header = tuple[bytes, bytes]


class Request(Struct, frozen=True, gc=False):
    """A request that has come in whole; the names of headers are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[bytes, bytes]
    body: bytes


class Reading(Struct, gc=False):
    """What a request asks.

    Attributes:
        rows: What the model gets.
        timeout_s: How long the caller said they wait; ``None`` where they did not say.
        id: The caller's own id of the request, echoed where the protocol does so.
        release: The release that the caller insists on; ``None`` for whichever answers.
        context: Whatever the door needs again when it answers.
    """

    rows: list[Any]
    timeout_s: float | None = None
    id: str | None = None
    release: str | None = None
    context: Any = None


class Response(Struct, gc=False):
    """A whole answer; its length is for the server to say."""

    status: int
    headers: list[Header]
    body: bytes


class Door(Protocol):
    """One wire format.

    Attributes:
        route: How the route is called in records and metrics; never with a caller's words in it.
        defers: Whether its callers understand a ticket instead of an answer.
    """

    route: str
    defers: bool

    def read(self, request: Request) -> Reading:
        """Return what a request asks.

        Raises:
            SeatrialError: It cannot be read, or asks for what cannot be had.
        """
        ...

    def seen(self, request: Request) -> list[Any]:
        """Return the rows of a request that ``read`` refused, for the log; empty if unknown."""
        ...

    def answer(
        self,
        reading: Reading,
        *,
        id: str,  # noqa: A002  (its name on the wire)
        release: str,
        results: list[Result],
    ) -> Response:
        """Return the response that carries the results, one per row and in their order.

        Raises:
            SeatrialError: The results cannot be said in this format.
        """
        ...

    def refuse(self, error: SeatrialError, *, id: str, release: str) -> Response:  # noqa: A002
        """Return the response that tells of an error."""
        ...


def confidence_header(results: list[Result]) -> list[Header]:
    """Return the ``X-Confidence`` of an answer: that of its only row, where it has one.

    >>> confidence_header([Result("yes", 0.25, None, False)])
    [(b'x-confidence', b'0.25')]
    """
    if len(results) != 1 or (confidence := results[0].confidence) is None:
        return []
    return [(b"x-confidence", b"%.6g" % confidence)]


def check_rows(rows: int, *, rows_max: int) -> None:
    """Refuse a request of too many rows.

    Raises:
        BodyTooLargeError: It has more than ``rows_max``.
    """
    if rows > rows_max:
        raise BodyTooLargeError(
            f"the request has {rows} rows; accepted are {rows_max}.",
            hint="Send fewer rows in one request.",
            details={"limit": rows_max},
        )
