"""The review page as an ASGI application: a page, its files, and a JSON API that needs a token."""

from __future__ import annotations

import asyncio
import functools
import importlib.resources
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeVar

import jinja2
import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from seatrial.core.errors import InputError, MalformedBodyError, SeatrialError, UsageError
from seatrial.core.settings import Settings
from seatrial.records.reviewing import ReviewSample
from seatrial.serve.http import Receive, Scope, Send, read_body
from seatrial.serve.keyfile import Scope as KeyScope
from seatrial.serve.keys import shown_in
from seatrial.web.desk import BATCH_MAX, Desk
from seatrial.web.gate import Gate, refuse
from seatrial.web.messages import Order, Undo
from seatrial.web.question import question

BASE = "/review"
"""Where the page lies, on the admin port and alone."""

BODY_MAX_BYTES = 64 * 1024
"""A label of free text has at most 4,000 characters, of at most twelve bytes each as JSON."""

BODY_WAIT_S = 10.0
"""How long a body may take to arrive."""

SCOPE: KeyScope = "review"

FILES = {
    "review.css": "text/css; charset=utf-8",
    "review.js": "text/javascript; charset=utf-8",
    "api.js": "text/javascript; charset=utf-8",
    "completion.js": "text/javascript; charset=utf-8",
    "content.js": "text/javascript; charset=utf-8",
}
"""Every file of the page, and what it is: no other path reaches the disk."""

T = TypeVar("T")


class Identify(Protocol):
    """Says who shows a token or key; see :class:`seatrial.serve.consoles.Doorman`."""

    def __call__(self, shown: bytes, *, scope: KeyScope, peer: str) -> str:
        """Return who it is, or raise."""
        ...


def console(folder: Path, *, log_folder: Path, settings: Settings, identify: Identify) -> Gate:
    """Return the review page of a folder; registered in :data:`seatrial.core.plugins.consoles`.

    Args:
        folder: The project folder.
        log_folder: Whose log is reviewed.
        settings: The folder's.
        identify: Says who shows a token or key.
    """
    desk = open_desk(ReviewSample(log_folder), settings=settings, folder=folder)
    serving = settings.serving
    return application(desk, identify=identify, hosts=(serving.admin_host, *serving.admin_names))


def open_desk(sample: ReviewSample, *, settings: Settings, folder: Path) -> Desk:
    """Return the desk at which a sample is reviewed."""
    return Desk(
        sample,
        ask=lambda outputs, labels: question(settings, folder, outputs=outputs, labels=labels),
        metric=settings.eval.metric,
    )


def application(desk: Desk, *, identify: Identify, hosts: tuple[str, ...] = ()) -> Gate:
    """Return the review page of a desk as an ASGI application.

    Args:
        desk: Where rows come from and labels go.
        identify: Says who shows a token or key.
        hosts: Names under which it may be called, beside addresses and this machine's own.
    """
    page = ReviewPage(desk, identify=identify)
    routes = [
        Route(BASE, page.page),
        *(Route(f"{BASE}/static/{name}", _file(name, kind)) for name, kind in FILES.items()),
        Route(f"{BASE}/api/question", page.question),
        Route(f"{BASE}/api/rows", page.rows),
        Route(f"{BASE}/api/progress", page.progress),
        Route(f"{BASE}/api/label", page.label, methods=["POST"]),
        Route(f"{BASE}/api/undo", page.undo, methods=["POST"]),
    ]
    handlers: Any = {SeatrialError: _refused, HTTPException: _unrouted}
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.router.redirect_slashes = False
    return Gate(app, hosts=hosts, pages=(BASE,))


class ReviewPage:
    """The routes of the page.

    Args:
        desk: Where rows come from and labels go.
        identify: Says who shows a token or key.
    """

    def __init__(self, desk: Desk, *, identify: Identify) -> None:
        self._desk = desk
        self._identify = identify
        # One thread: the desk takes one reviewer after the other, and no label overtakes another.
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="seatrial-review")

    async def page(self, request: Request) -> Response:  # noqa: ARG002  (of the framework)
        """Return the page itself, which holds nothing but the name of the model."""
        text = _template().render(name=self._desk.question.name, base=BASE)
        return Response(text, media_type="text/html")

    async def question(self, request: Request) -> Response:
        """Return what is asked."""
        self._admit(request)
        return _json(self._desk.question)

    async def rows(self, request: Request) -> Response:
        """Return the next rows for a reviewer."""
        self._admit(request)
        said = request.query_params
        limit = said.get("limit", str(BATCH_MAX))
        if not (limit.isascii() and limit.isdigit() and len(limit) < 9):  # noqa: PLR2004  (no bomb)
            raise InputError(
                f"limit is {limit[:20]!r}; accepted is a whole number.", hint="Such as 12."
            )
        reviewer, after = said.get("reviewer", ""), said.get("after", "")
        return _json(
            await self._do(lambda: self._desk.rows(reviewer, after=after, limit=int(limit)))
        )

    async def progress(self, request: Request) -> Response:
        """Return how far a reviewer is."""
        self._admit(request)
        reviewer = request.query_params.get("reviewer", "")
        return _json(await self._do(lambda: self._desk.progress(reviewer)))

    async def label(self, request: Request) -> Response:
        """Write down what a reviewer says."""
        self._admit(request)
        order = await _body(request, Order)
        return _json(await self._do(lambda: self._desk.give(order)))

    async def undo(self, request: Request) -> Response:
        """Withdraw what a reviewer said."""
        self._admit(request)
        order = await _body(request, Undo)
        return _json({"progress": await self._do(lambda: self._desk.undo(order))})

    def _admit(self, request: Request) -> None:
        shown = shown_in(dict(request.scope["headers"])) or b""
        peer = request.client.host if request.client is not None else ""
        self._identify(shown, scope=SCOPE, peer=peer)

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._aside, work)


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("seatrial.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("review.html.j2")


def _file(name: str, kind: str) -> Callable[[Request], Awaitable[Response]]:
    content = importlib.resources.files("seatrial.web").joinpath("static", name).read_bytes()

    async def answer(request: Request) -> Response:  # noqa: ARG001  (of the framework)
        return Response(content, headers={"content-type": kind})

    return answer


async def _body(request: Request, kind: type[T]) -> T:
    text = await read_body(
        request.receive,
        dict(request.scope["headers"]),
        max_bytes=BODY_MAX_BYTES,
        timeout_s=BODY_WAIT_S,
    )
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError as error:
        raise InputError(f"the body is not what is accepted: {error}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedBodyError(f"the body is not JSON: {error}.") from None


def _json(document: Any) -> Response:
    return Response(msgspec.json.encode(document), media_type="application/json")


async def _refused(request: Request, error: SeatrialError) -> Any:  # noqa: ARG001  (of the framework)
    return _Problem(error)


async def _unrouted(request: Request, error: HTTPException) -> Any:
    shown = f"{request.method} {request.url.path}"[:200]
    allow = (error.headers or {}).get("Allow", "")
    refused = UsageError(
        f"{shown} is not a route of the review page.",
        hint=f"The page is at {BASE}.",
        details={"http_status": error.status_code, "allow": allow},
    )
    return _Problem(refused)


class _Problem:
    """An answer that says what is wrong."""

    def __init__(self, error: SeatrialError) -> None:
        self._error = error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  (ASGI)
        await refuse(self._error, send)
