"""Heads of requests: where they lead, and what else they ask for."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator

import httptools

from seatrial.core.errors import MalformedBodyError
from seatrial.serve.doors.headers import shown

UPGRADING = frozenset({b"upgrade", b"http2-settings"})
"""Headers that ask for another protocol, and their names in ``Connection``."""


def target(url: bytes) -> tuple[bytes, bytes]:
    """Split a request target into path and query; absolute ones lose scheme and host.

    >>> target(b"/predict?x=1"), target(b"http://host/pre%64ict")
    ((b'/predict', b'x=1'), (b'/predict', b''))
    """
    if not url.startswith(b"/"):
        try:
            parsed = httptools.parse_url(url)
        except httptools.HttpParserInvalidURLError:
            return b"", b""
        path, query = parsed.path or b"", parsed.query or b""
    else:
        path, _, query = url.partition(b"?")
    return (urllib.parse.unquote_to_bytes(path) if b"%" in path else path), query


def without_upgrade(headers: list[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    """Return headers without the wish for another protocol.

    >>> list(without_upgrade([(b"connection", b"Upgrade, close"), (b"upgrade", b"h2c")]))
    [(b'connection', b'close')]
    """
    for name, value in headers:
        if name == b"connection":
            tokens = [token.strip() for token in value.split(b",")]
            kept = [token for token in tokens if token.lower() not in UPGRADING]
            yield name, b", ".join(kept)
        elif name not in UPGRADING:
            yield name, value


def pathless(url: bytes) -> MalformedBodyError:
    """Build the error for a request target that leads nowhere on this server."""
    return MalformedBodyError(
        f"the request target {shown(url)} has no path.", hint="Ask for a path, as in GET /livez."
    )
