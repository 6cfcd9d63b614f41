"""The admin API: kill, reload, drain, and what was done so far. Every call needs the token.

Orders are appended to the control log, which the front follows; nothing here reaches into it, so
an order holds whether or not the front runs. What is refused looks the same whatever was shown,
takes as long, and is audited.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from seatrial.core.errors import (
    BodyTooLargeError,
    CallerGoneError,
    DeadlineExceededError,
    ForbiddenError,
    InputError,
    MalformedBodyError,
    RateLimitedError,
    SeatrialError,
    UnauthorizedError,
    UsageError,
)
from seatrial.releases.control import Action, Control, ControlState
from seatrial.serve import problems
from seatrial.serve.admin_token import AdminToken
from seatrial.serve.audit import AuditLog
from seatrial.serve.events import Events
from seatrial.serve.keys import Keyring, shown_in

BODY_MAX_BYTES = 16 * 1024
"""An order is short."""

BODY_WAIT_S = 5.0
"""Longest wait for the body of an order."""

AUDIT_ROWS_MAX = 10_000
"""Most rows of one answer."""

ROUTES = (
    "GET /admin/status, GET /admin/audit, POST /admin/kill, POST /admin/reload, POST /admin/drain"
)

HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}

T = TypeVar("T")


class KillRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST /admin/kill``; ``generation``: only if that is still the last order."""

    on: bool
    reason: str = ""
    generation: int | None = None


class OrderRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST /admin/reload`` and ``/admin/drain``; it may be left out."""

    reason: str = ""
    generation: int | None = None


class Told(Struct, frozen=True):
    """Answer to an order: what holds now, and whether the order is in the audit log."""

    control: ControlState
    audited: bool


class Admin:
    """The ASGI application behind the admin port.

    Args:
        folder: The project folder.
        token: Opens everything; so does a key with the scope ``admin``.
        keyring: Knows the keys.
        status: What the keeper knows of itself.
        events: Told of every order and refusal.
    """

    def __init__(
        self,
        folder: Path,
        *,
        token: AdminToken,
        keyring: Keyring,
        status: Callable[[], dict[str, Any]],
        events: Events,
    ) -> None:
        self._control = Control(folder)
        self._audit = AuditLog(folder)
        self._token = token
        self._keyring = keyring
        self._status = status
        self._events = events
        self._routes = Starlette(
            routes=[
                Route("/admin/status", self._get_status),
                Route("/admin/audit", self._get_audit),
                Route("/admin/kill", self._kill, methods=["POST"]),
                Route("/admin/reload", self._order("reload"), methods=["POST"]),
                Route("/admin/drain", self._order("drain"), methods=["POST"]),
            ],
            exception_handlers={SeatrialError: _refused, HTTPException: _unrouted},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, if whoever asks may ask."""
        request = Request(scope, receive)
        try:
            scope["seatrial.by"] = await self._identify(request)
        except SeatrialError as error:
            await _problem(error)(scope, receive, send)
            return
        await self._routes(scope, receive, send)

    async def _identify(self, request: Request) -> str:
        """Return who asks.

        Raises:
            UnauthorizedError: Nothing was shown that opens anything.
            ForbiddenError: A key was shown that opens something else.
            RateLimitedError: This peer was refused too often lately.
        """
        shown = shown_in(dict(request.scope["headers"])) or b""
        self._keyring.refresh()
        has_token = self._token.matches(shown)
        caller = self._keyring.match(shown)
        if has_token:
            return "admin token"
        if caller is not None and "admin" in caller.scopes:
            return f"key {caller.id}"
        # Counted before anything is written, so that nobody can fill the disk by being refused.
        try:
            self._keyring.count_wrong(_peer(request))
        except RateLimitedError:
            self._events.say("admin-refused", {"peer": _peer(request), "code": "rate-limited"})
            raise
        error = (UnauthorizedError if caller is None else ForbiddenError)(
            "this needs the admin token, and it was not shown.",
            hint="Send it as Authorization: Bearer TOKEN.",
        )
        by = "unknown" if caller is None else f"key {caller.id}"
        await self._note(request, by=by, action=_shown(request), outcome=error.code)
        raise error

    async def _get_status(self, request: Request) -> Response:  # noqa: ARG002  (of the framework)
        control = await _aside(self._control.read)
        return _json({"control": control, **await _aside(self._status)})

    async def _get_audit(self, request: Request) -> Response:
        said = request.query_params.get("last", "100")
        if not (said.isascii() and said.isdigit() and int(said) <= AUDIT_ROWS_MAX):
            raise InputError(
                f"last is {said[:20]!r}; accepted is a whole number up to {AUDIT_ROWS_MAX}.",
                hint="For example: /admin/audit?last=100",
            )
        return _json(await _aside(lambda: self._audit.read(last=int(said))))

    async def _kill(self, request: Request) -> Response:
        said = await _body(request, KillRequest)
        action: Action = "kill-on" if said.on else "kill-off"
        return await self._take(request, action, said.reason, said.generation)

    def _order(self, action: Action) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        async def order(request: Request) -> Response:
            said = await _body(request, OrderRequest, default=OrderRequest())
            return await self._take(request, action, said.reason, said.generation)

        return order

    async def _take(
        self, request: Request, action: Action, reason: str, generation: int | None
    ) -> Response:
        by = request.scope["seatrial.by"]
        try:
            state = await _aside(
                lambda: self._control.order(action, by=by, reason=reason, expected=generation)
            )
        except SeatrialError as error:
            await self._note(request, by=by, action=action, outcome=error.code, reason=reason)
            raise
        audited = await self._note(request, by=by, action=action, outcome="done", reason=reason)
        return _json(Told(state, audited))

    async def _note(
        self, request: Request, *, by: str, action: str, outcome: str, reason: str = ""
    ) -> bool:
        """Write a row of the audit log; a kill must not fail because that cannot be written."""
        peer = _peer(request)
        self._events.say("admin", {"by": by, "peer": peer, "action": action, "outcome": outcome})
        try:
            await _aside(
                lambda: self._audit.add(action, by=by, outcome=outcome, peer=peer, reason=reason)
            )
        except SeatrialError as error:
            self._events.say("unaudited", {"action": action, "message": error.message})
            return False
        return True


async def _aside(work: Callable[[], T]) -> T:
    """Do what waits for a disk or a lock in another thread."""
    return await asyncio.get_running_loop().run_in_executor(None, work)


async def _body(request: Request, kind: type[T], *, default: T | None = None) -> T:
    text = await _read(request)
    if not text and default is not None:
        return default
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError as error:
        raise InputError(f"the body is not what is accepted: {error}.", hint=EXAMPLE) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise MalformedBodyError(f"the body is not JSON: {error}.", hint=EXAMPLE) from None


EXAMPLE = 'For example: {"on": true, "reason": "why"}; reload and drain take a reason alone.'


async def _read(request: Request) -> bytes:
    text = b""
    try:
        async with asyncio.timeout(BODY_WAIT_S):
            async for part in request.stream():
                text += part
                if len(text) > BODY_MAX_BYTES:
                    raise BodyTooLargeError(
                        f"the body is too large; accepted are {BODY_MAX_BYTES} bytes.",
                        hint="Give a shorter reason.",
                    )
    except TimeoutError:
        raise DeadlineExceededError(
            f"the body did not arrive within {BODY_WAIT_S:g} s.",
            hint="Send it at once.",
            details={"http_status": 408},
        ) from None
    except ClientDisconnect:
        raise CallerGoneError("the connection ended before the whole body had come.") from None
    return text


async def _refused(request: Request, error: Exception) -> Response:  # noqa: ARG001
    assert isinstance(error, SeatrialError)  # noqa: S101  (registered for that class)
    return _problem(error)


async def _unrouted(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  (registered for that class)
    allow = (error.headers or {}).get("Allow", "")
    refused = UsageError(
        f"{_shown(request)} is not a route of the admin API.",
        hint=f"Routes: {ROUTES}.",
        details={"http_status": error.status_code, "allow": allow},
    )
    return _problem(refused)


def _problem(error: SeatrialError) -> Response:
    body = problems.document(error, request=secrets.token_hex(8), release="")
    named = {name.decode(): value.decode() for name, value in problems.headers(error)}
    return Response(body, status_code=problems.status_of(error), headers={**HEADERS, **named})


def _json(document: Any) -> Response:
    return Response(
        msgspec.json.encode(document), media_type="application/json", headers=dict(HEADERS)
    )


def _peer(request: Request) -> str:
    return request.client.host if request.client is not None else ""


def _shown(request: Request) -> str:
    return f"{request.method} {request.url.path}"[:200]
