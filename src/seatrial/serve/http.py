"""The little of ASGI that the routes need: read a body within bounds, send an answer."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from seatrial.core.errors import (
    BodyTooLargeError,
    CallerGoneError,
    DeadlineExceededError,
    InputError,
)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Mapping[bytes, bytes]

JSON = b"application/json"

LINGER_S = 2.0
"""How long the rest of a refused body is thrown away."""

TIMEOUT_MAX_MS = 600_000.0
"""Longest deadline a caller may ask for: a request that waits longer has been forgotten."""


def check_media_type(headers: Headers) -> None:
    """Refuse a body that says it is something else than JSON; saying nothing is fine.

    Raises:
        InputError: Another media type or an encoding.
    """
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    if encoding not in {b"identity", b""}:
        raise _unsupported(f"content-encoding {_shown(encoding)}; accepted is none")
    kind = headers.get(b"content-type", JSON).partition(b";")[0].strip().lower()
    if kind not in {JSON, b"text/json", b""} and not kind.endswith(b"+json"):
        raise _unsupported(f"content-type {_shown(kind)}; accepted is application/json")


def timeout_s(headers: Headers, *, default_ms: float) -> float:
    """Return how long the caller waits.

    Raises:
        InputError: ``X-Request-Timeout-Ms`` is no number above 0.
    """
    said = headers.get(b"x-request-timeout-ms")
    if said is None:
        return default_ms / 1000
    try:
        asked_ms = float(said)
    except ValueError:
        asked_ms = math.nan
    if not asked_ms > 0:
        raise InputError(
            f"X-Request-Timeout-Ms is {_shown(said)}; accepted is a number of milliseconds above "
            "0.",
            hint="For example: X-Request-Timeout-Ms: 500",
        )
    return min(asked_ms, TIMEOUT_MAX_MS) / 1000


async def read_body(
    receive: Receive, headers: Headers, *, max_bytes: int, timeout_s: float
) -> bytes:
    """Return the whole body.

    Raises:
        BodyTooLargeError: It is announced or grows larger than ``max_bytes``; the rest is unread.
        DeadlineExceededError: It did not arrive in time.
        CallerGoneError: The connection ended before it did.
    """
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > max_bytes:
        raise _too_large(f"{int(length)} bytes are announced", max_bytes)
    try:
        async with asyncio.timeout(timeout_s):
            return await _gather(receive, max_bytes)
    except TimeoutError:
        raise DeadlineExceededError(
            f"the request body did not arrive within {timeout_s:g} s.",
            hint="Send the body at once.",
            details={"http_status": 408},
        ) from None


async def respond(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    """Send one whole answer."""
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def respond_and_close(
    send: Send,
    receive: Receive,
    status: int,
    headers: list[tuple[bytes, bytes]],
    body: bytes,
) -> None:
    """Send one whole answer to a caller who is still sending, and close the connection.

    Most callers send everything before they read. What they send is thrown away for a moment, for
    closing at once would reset the connection under them and the answer be lost.
    """
    headers += [(b"content-length", b"%d" % len(body)), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINGER_S):
            while (await receive()).get("more_body"):
                pass
    await send({"type": "http.response.body", "body": b""})


async def _gather(receive: Receive, max_bytes: int) -> bytes:
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        _check_size(len(body), max_bytes)
        return body
    parts, size = [], 0
    while True:
        if message["type"] == "http.disconnect":
            raise CallerGoneError("the connection ended before the whole body had come.")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        _check_size(size, max_bytes)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise _too_large(f"more than {max_bytes} bytes came", max_bytes)


def _too_large(what: str, max_bytes: int) -> BodyTooLargeError:
    return BodyTooLargeError(
        f"the body is too large: {what}; accepted are {max_bytes} bytes.",
        hint="Send fewer rows in one request, or raise serving.body_max_mib.",
        details={"limit": max_bytes},
    )


def _unsupported(what: str) -> InputError:
    return InputError(
        f"received {what}.",
        hint="Send plain JSON, with the header Content-Type: application/json",
        details={"http_status": 415},
    )


def _shown(value: bytes) -> str:
    return repr(value[:100].decode("latin-1"))
