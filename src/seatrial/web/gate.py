"""Which requests a page takes, and what its answers forbid the browser.

The page shows what strangers wrote, and whoever can make it act can forge labels. So it answers
only under its own names (a name that an attacker points at this address is none of them), takes
orders only from itself, and tells the browser to run its own files alone. There is no cookie: a
token in a header is never sent by another site's form, and cookies of one port reach all others.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from seatrial.core.errors import ForbiddenError, InputError, SeatrialError
from seatrial.serve import problems
from seatrial.serve.http import Message, Receive, Scope, Send

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"""Nothing runs or is styled but the page's own files; the last two lines make the browser refuse
even its own script to turn a text into markup."""

HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "no-store",
}
"""Of every answer, refusals included."""

SAFE = frozenset({"GET", "HEAD"})

PORTS = {"http": 80, "https": 443}


class Gate:
    """Lets requests through to an application, and hardens its answers.

    Args:
        app: An ASGI application.
        hosts: Names under which it may be called, beside addresses and this machine's own.
        pages: Paths that a link from elsewhere may open: they hold nothing worth having.
    """

    def __init__(self, app: object, *, hosts: Iterable[str] = (), pages: Iterable[str]) -> None:
        self._app = app
        self._names = own_names() | {name.lower() for name in hosts}
        self._pages = frozenset(pages)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def hardened(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = [pair for pair in message["headers"] if pair[0].decode() not in HEADERS]
                ours = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*given, *ours]}
            await send(message)

        try:
            self.check(scope)
        except SeatrialError as error:
            await refuse(error, hardened)
            return
        await self._app(scope, receive, hardened)  # type: ignore[operator]  # an ASGI application

    def check(self, scope: Scope) -> None:
        """Make sure that a request was meant for this page and comes from it.

        Raises:
            ForbiddenError: It names another host, or comes from another site.
            InputError: It brings something other than JSON.
        """
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        host = headers.get("host", "")
        if len(hosts) != 1 or not is_own(host, self._names):
            raise ForbiddenError(
                f"this page is not called {host[:80]!r}.",
                hint="Open it by its address or its machine's name, or set serving.admin_names.",
            )
        site = headers.get("sec-fetch-site", "same-origin")
        linked = scope["method"] in SAFE and scope["path"] in self._pages
        if site != "same-origin" and not linked:
            raise ForbiddenError(
                f"this request comes from elsewhere ({site[:20]}).", hint="Open the page itself."
            )
        if scope["method"] not in SAFE:
            _check_order(headers, host)


def _check_order(headers: Mapping[str, str], host: str) -> None:
    origin = headers.get("origin")
    if origin is not None and not is_same(origin, host):
        raise ForbiddenError(
            f"this request comes from {origin[:80]!r}.", hint="Open the page itself."
        )
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    # Forms cannot send JSON: another site's would have to ask first, and is not answered.
    if kind != "application/json":
        raise InputError(
            f"the content type is {kind[:40]!r}; accepted is application/json.",
            details={"http_status": 415},
        )


def own_names() -> frozenset[str]:
    """Return the names of this machine that it knows without asking a network."""
    return frozenset({"localhost", socket.gethostname().lower()})


def is_own(host: str, names: Iterable[str]) -> bool:
    """Say whether a ``Host`` header names this page: an address, or one of the names.

    Only a name can be pointed at this machine by somebody else (DNS rebinding); an address cannot.

    >>> is_own("127.0.0.1:8001", ()), is_own("[::1]:80", ()), is_own("evil.example:8001", ())
    (True, True, False)
    >>> is_own("localhost", {"localhost"}), is_own("", {""}), is_own("localhost:x", {"localhost"})
    (True, False, False)
    """
    try:
        parts = urlsplit(f"//{host}")
        name, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not name or parts.netloc != host or parts.username is not None:
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name.removesuffix(".") in names
    return True


def is_same(origin: str, host: str) -> bool:
    """Say whether an ``Origin`` is where a ``Host`` says that we are.

    >>> is_same("http://localhost:80", "localhost"), is_same("https://a.example", "a.example")
    (True, True)
    >>> is_same("null", "localhost"), is_same("http://localhost:81", "localhost:80")
    (False, False)
    """
    try:
        sent = urlsplit(origin)
        here = urlsplit(f"{sent.scheme}://{host}")
        ports = sent.port, here.port
    except ValueError:
        return False
    if sent.scheme not in PORTS or sent.hostname != here.hostname:
        return False
    theirs, ours = (port or PORTS[sent.scheme] for port in ports)
    return theirs == ours


async def refuse(error: SeatrialError, send: Send) -> None:
    """Answer with a problem document."""
    body = problems.document(error, request=secrets.token_hex(8), release="")
    headers = [*problems.headers(error), (b"content-length", b"%d" % len(body))]
    status = problems.status_of(error)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
