"""Where a load goes: a URL taken apart, and complete HTTP/1.1 requests made for it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from seatrial.core.errors import DataError, UnreachableError, UsageError

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Target:
    """An address that was resolved once, so that no request waits for a name server.

    Attributes:
        url: As given.
        host: Name for the ``Host`` header and for TLS.
        address: Numeric address.
        others: Further addresses of the host: localhost is often two, with a server on one.
        port: Its port.
        path: Path and query.
        tls: Context for ``https``; ``None`` for ``http``.
    """

    url: str
    host: str
    address: str
    others: tuple[str, ...]
    port: int
    path: str
    tls: ssl.SSLContext | None


def resolve_target(url: str) -> Target:
    """Take a URL apart and look its host up.

    Raises:
        UsageError: Not an absolute http or https URL.
        UnreachableError: The host has no address.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in PORTS or not parts.hostname:
        raise UsageError(
            f"received the URL {url!r}; accepted is an absolute http or https URL.",
            hint="For example: http://127.0.0.1:8000/predict",
        )
    try:
        found = socket.getaddrinfo(
            parts.hostname, port or PORTS[parts.scheme], type=socket.SOCK_STREAM
        )
    except OSError as error:
        raise UnreachableError(
            f"the host of {url} has no address: {error}.", hint="Check the name."
        ) from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(
        url=url,
        host=parts.hostname,
        address=addresses[0],
        others=tuple(addresses[1:]),
        port=port or PORTS[parts.scheme],
        path=path,
        tls=ssl.create_default_context() if parts.scheme == "https" else None,
    )


def make_requests(
    target: Target,
    bodies: Iterable[bytes],
    *,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
) -> tuple[bytes, ...]:
    """Return one complete request per body, head and body in one piece.

    Args:
        target: Where they go.
        bodies: What they carry.
        method: HTTP method.
        headers: Further headers; ``Content-Type`` is ``application/json`` unless named here.

    Raises:
        DataError: There are no bodies.
        UsageError: A header holds a line break.
    """
    host = f"[{target.host}]" if ":" in target.host else target.host
    lines = {"Host": f"{host}:{target.port}", "Accept": "application/json"}
    lines |= {"Content-Type": "application/json"} | dict(headers or {})
    for name, value in lines.items():
        if any(mark in f"{name}{value}" for mark in "\r\n"):
            raise UsageError(
                f"the header {name!r} holds a line break.", hint="Check where its value is read."
            )
    head = f"{method} {target.path} HTTP/1.1\r\n" + "".join(
        f"{name}: {value}\r\n" for name, value in lines.items()
    )
    encoded = head.encode("utf-8")
    requests = tuple(
        b"%sContent-Length: %d\r\n\r\n%s" % (encoded, len(body), body) for body in bodies
    )
    if not requests:
        raise DataError("there is no body to send.", hint="Give at least one row.")
    return requests
