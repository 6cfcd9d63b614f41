"""Errors as callers see them: RFC 9457 problem documents."""

from __future__ import annotations

import math
from http import HTTPStatus

import msgspec
from msgspec import Struct

from seatrial.core.errors import SeatrialError, UnauthorizedError

MEDIA_TYPE = b"application/problem+json"

TYPE_PREFIX = "urn:seatrial:problem:"
"""A URI of the problem's kind that needs no web site; what follows is our error code."""

CHALLENGE = b'Bearer realm="seatrial"'
"""How a key is shown (RFC 6750); ``X-API-Key`` is taken too."""

TITLES = {status.value: status.phrase for status in HTTPStatus}


class Place(Struct, frozen=True, omit_defaults=True):
    """Where in the request something is wrong."""

    detail: str
    pointer: str = ""
    row: int | None = None


class Problem(Struct, frozen=True, omit_defaults=True):
    """A problem document; ``code``, ``hint`` and ``retryable`` are our extensions."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    retryable: bool | None = None
    hint: str = ""
    errors: list[Place] = []
    retry_after_ms: int | None = None
    release: str = ""


def status_of(error: SeatrialError) -> int:
    """Return the HTTP status; an error may carry one more exact than that of its class."""
    return int(error.details.get("http_status", error.http_status))


def document(error: SeatrialError, *, request: str, release: str) -> bytes:
    """Return the problem document of an error, without anything of our inside.

    Args:
        error: What went wrong; ``details["retry_after_s"]`` becomes ``retry_after_ms``.
        request: Id of the request.
        release: What would have answered.
    """
    status = status_of(error)
    # Where in the model's code it happened is for its owner, who finds it in the server's events.
    detail = error.message.removesuffix(str(error.details.get("where", "")))
    retry_after_s = error.details.get("retry_after_s")
    return msgspec.json.encode(
        Problem(
            type=TYPE_PREFIX + error.code,
            title=TITLES.get(status, "Error"),
            status=status,
            detail=detail,
            instance=f"urn:seatrial:request:{request}",
            code=error.code,
            retryable=error.retryable,
            hint=error.hint,
            errors=_places(error, detail),
            retry_after_ms=None if retry_after_s is None else int(retry_after_s * 1000),
            release=release,
        )
    )


def headers(error: SeatrialError) -> list[tuple[bytes, bytes]]:
    """Return the headers that belong to a problem.

    ``Retry-After`` knows whole seconds; ``Retry-After-Ms`` is what several client libraries read
    before it, and lets callers that were refused together come back apart.
    """
    made = [(b"content-type", MEDIA_TYPE)]
    if (retry_after_s := error.details.get("retry_after_s")) is not None:
        made.append((b"retry-after", b"%d" % math.ceil(retry_after_s)))
        made.append((b"retry-after-ms", b"%d" % (retry_after_s * 1000)))
    if isinstance(error, UnauthorizedError):
        made.append((b"www-authenticate", CHALLENGE))
    if allow := error.details.get("allow"):
        made.append((b"allow", str(allow).encode()))
    return made


def _places(error: SeatrialError, detail: str) -> list[Place]:
    pointer, row = error.details.get("pointer"), error.details.get("row")
    if pointer is None and row is None:
        return []
    return [Place(detail, pointer=pointer or "", row=row)]
