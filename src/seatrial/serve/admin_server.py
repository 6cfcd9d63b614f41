"""The admin port: where it may listen, and the thread in which it answers."""

from __future__ import annotations

import ipaddress
import os
import socket
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Struct

from seatrial.core.errors import SettingsError
from seatrial.core.settings import ServingSettings
from seatrial.releases.places import ControlPlaces
from seatrial.serve.admin_token import AdminToken
from seatrial.serve.keyfile import KeyFile, put_private
from seatrial.serve.listening import listen

CONNECTIONS_MAX = 32
"""Operators are few."""

CONNECTION_MAX_S = 30.0
"""How long one connection lasts, whatever is said on it: nobody holds one of the few for long."""

STOP_LIMIT_S = 2.0
"""How long a call in progress may go on when the keeper ends."""


class AdminAddress(Struct, frozen=True):
    """Where the admin API of a folder listens; written beside its token."""

    url: str
    pid: int


def prepare(folder: Path, serving: ServingSettings) -> AdminToken:
    """Return the token of a folder, once it is certain that the admin API may be served.

    On loopback a token is made where there is none. Elsewhere one that somebody put there on
    purpose is asked for, and so is the setting ``admin_public``.

    Raises:
        SettingsError: The address is public, and nobody asked for that or nothing protects it.
        EnvironmentMismatchError: The token cannot be made or used.
    """
    token = AdminToken(folder)
    host = serving.admin_host
    if not is_loopback(host):
        if not serving.admin_public:
            raise SettingsError(
                f"serving.admin_host is {host!r}, which other machines reach.",
                hint="Use 127.0.0.1, or say serving.admin_public = true.",
            )
        if not token.exists() and not _has_admin_key(folder):
            raise SettingsError(
                f"the admin API would listen on {host!r} without a token.",
                hint="Make a key first: seatrial keys create --scope admin",
            )
    token.make()
    token.check()
    return token


def is_loopback(host: str) -> bool:
    """Say whether only this machine reaches an address; a name that is not known is not one.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0"), is_loopback("")
    (True, True, False, False)
    """
    if not host:
        return False
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    addresses = {str(entry[4][0]).partition("%")[0] for entry in found}
    return bool(addresses) and all(ipaddress.ip_address(at).is_loopback for at in addresses)


class SmallServer:
    """Serves an application to a few people from a thread, until it is stopped.

    Args:
        app: An ASGI application.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.

    Raises:
        UnreachableError: The address cannot be had.
    """

    def __init__(self, app: object, *, host: str, port: int) -> None:
        import uvicorn

        from seatrial.serve.short_lived import ShortLived

        self._bound = listen(host, port)
        # Whoever reads where it is may call before the thread is up.
        self._bound.listen(CONNECTIONS_MAX)
        config = uvicorn.Config(
            app,  # type: ignore[arg-type]  # any ASGI application
            loop="asyncio",
            http=partial(ShortLived, CONNECTION_MAX_S),  # type: ignore[arg-type]  # made like a class
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=int(STOP_LIMIT_S),
            limit_concurrency=CONNECTIONS_MAX,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._bound],), name="seatrial-admin", daemon=True
        )
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._bound.getsockname()[1]}"

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering."""
        self._server.should_exit = True
        self._thread.join(STOP_LIMIT_S)
        self._bound.close()


class AdminServer(SmallServer):
    """Serves an application on the admin port.

    Args:
        app: An ASGI application.
        folder: The project folder; its control folder says where it listens.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.

    Raises:
        UnreachableError: The address cannot be had.
    """

    def __init__(self, app: object, *, folder: Path, host: str, port: int) -> None:
        super().__init__(app, host=host, port=port)
        self._told = ControlPlaces.of(folder).admin_address

    def start(self) -> None:
        """Begin to answer, and write down where."""
        super().start()
        address = AdminAddress(self.url, os.getpid())
        put_private(self._told, msgspec.json.encode(address) + b"\n")

    def stop(self) -> None:
        """Stop answering."""
        super().stop()
        with suppress(OSError, msgspec.DecodeError):
            if address_of(self._told).pid == os.getpid():
                self._told.unlink()


def address_of(path: Path) -> AdminAddress:
    """Return where an admin API said that it listens.

    Raises:
        OSError: None has said so.
        msgspec.DecodeError: The file is damaged.
    """
    return msgspec.json.decode(path.read_bytes(), type=AdminAddress)


def _has_admin_key(folder: Path) -> bool:
    return any(
        "admin" in key.scopes and key.revoked is None for key in KeyFile(folder).keys() or ()
    )
