"""The little of ASGI that the routes need: read a body within bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from seatrial.core.errors import (
    BodyTooLargeError,
    CallerGoneError,
    DeadlineExceededError,
)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Mapping[bytes, bytes]


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
        hint="Send less in one request.",
        details={"limit": max_bytes},
    )
