"""The socket that a server listens on."""

from __future__ import annotations

import socket

from seatrial.core.errors import UnreachableError

PORT_MAX = 65_535


def listen(host: str, port: int) -> socket.socket:
    """Return a bound socket.

    Raises:
        UnreachableError: The address cannot be had.
    """
    if not 0 <= port <= PORT_MAX:
        raise _not_had(host, port, f"ports go from 0 to {PORT_MAX}")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _not_had(host, port, error.strerror or str(error)) from None
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise _not_had(host, port, error.strerror or str(error)) from None
    return bound


def _not_had(host: str, port: int, reason: str) -> UnreachableError:
    return UnreachableError(
        f"cannot listen on {host} port {port}: {reason}.",
        hint="Stop what listens there, or choose another port; --port 0 takes a free one.",
        details={"host": host, "port": port},
    )
