"""The routes of the server that are no inference; those never come here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from seatrial.core.clock import SYSTEM, Clock
from seatrial.core.errors import InputError, SeatrialError, UnknownNameError, UsageError
from seatrial.serve import http, parsing, problems
from seatrial.serve.doors.catalogue import Catalogue
from seatrial.serve.doors.door import Header
from seatrial.serve.doors.door import Request as Asked
from seatrial.serve.doors.door import Response as Told
from seatrial.serve.doors.headers import check_media_type
from seatrial.serve.doors.oip import refusal
from seatrial.serve.http import Receive, Scope, Send
from seatrial.serve.identifiers import Identifiers
from seatrial.serve.journal import Journal
from seatrial.serve.keys import ANYBODY, Caller, Keyring, scope_of
from seatrial.serve.messages import FeedbackAnswer, encode
from seatrial.serve.metrics import CONTENT_TYPE, Metrics
from seatrial.serve.state import State
from seatrial.serve.tickets import Tickets

PREDICT = "/predict"

ANY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
"""Where the route itself says in its own family's shape which are possible."""

FEEDBACK_MAX_BYTES = 64 * 1024
"""A label or a rating is small."""
BODY_WAIT_S = 10.0
"""Longest wait for the body of a small request."""


class App:
    """Everything the server answers.

    Args:
        state: Answers the probes.
        catalogue: Answers what Open Inference Protocol clients ask beside inference.
        keyring: Knows who may ask.
        tickets: Holds answers that are fetched later.
        openapi: Describes all routes, as far as they are known by now.
        metrics: Answers Prometheus.
        journal: Records feedback.
        identifiers: Recognises request ids.
        clock: Where time comes from.
    """

    def __init__(
        self,
        *,
        state: State,
        catalogue: Catalogue,
        keyring: Keyring,
        tickets: Tickets,
        openapi: Callable[[], bytes],
        metrics: Metrics,
        journal: Journal,
        identifiers: Identifiers,
        clock: Clock = SYSTEM,
    ) -> None:
        self._state = state
        self._catalogue = catalogue
        self._keyring = keyring
        self._tickets = tickets
        self._openapi = openapi
        self._metrics = metrics
        self._journal = journal
        self._identifiers = identifiers
        self._clock = clock
        self._routes = Starlette(
            routes=[
                Route("/feedback", self._feedback, methods=["POST"]),
                Route("/livez", self._livez),
                Route("/readyz", self._readyz),
                Route("/healthz", self._readyz),
                Route("/metrics", self._exposition),
                Route("/status", self._status),
                Route("/tickets/{id}", self._ticket),
                Route("/openapi.json", self._schema),
                Route("/v2{rest:path}", self._catalogue_route, methods=ANY_METHOD),
            ],
            exception_handlers={
                SeatrialError: self._problem,
                HTTPException: self._framework_problem,
            },
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; see ASGI."""
        if scope["type"] == "http" and self._keyring.required:
            refused = self._locked(scope)
            if refused is not None:
                await refused(scope, receive, send)
                return
        await self._routes(scope, receive, send)

    def _locked(self, scope: Scope) -> Response | None:
        needed = scope_of(scope["path"])
        peer = scope["client"][0] if scope.get("client") else ""
        try:
            if needed is not None:
                self._keyring.identify(dict(scope["headers"]), scope=needed, peer=peer)
        except SeatrialError as error:
            if scope["path"].startswith("/v2"):
                return _sent(refusal(error))
            return self._refusal(error)
        return None

    async def _feedback(self, request: Request) -> Response:
        headers = dict(request.scope["headers"])
        check_media_type(headers)
        body = await http.read_body(
            request.receive, headers, max_bytes=FEEDBACK_MAX_BYTES, timeout_s=BODY_WAIT_S
        )
        said = parsing.feedback(body)
        rows = self._identifiers.rows_of(said.id)
        if rows is None:
            raise UnknownNameError(
                f"no request of this model has the id {said.id[:80]!r}.",
                hint="Use the id in the answer, or in its X-Request-Id header.",
                details={"pointer": "/id"},
            )
        if not 0 <= said.row < rows:
            raise InputError(
                f"/row: received {said.row}; request {said.id} has {rows} rows, counted from 0.",
                hint="Use the place of the answer in results.",
                details={"pointer": "/row"},
            )
        self._journal.feedback(said)
        self._metrics.count("feedback")
        return _json(encode(FeedbackAnswer(said.id, said.row)))

    async def _catalogue_route(self, request: Request) -> Response:
        headers = dict(request.scope["headers"])
        try:
            body = await http.read_body(
                request.receive, headers, max_bytes=FEEDBACK_MAX_BYTES, timeout_s=BODY_WAIT_S
            )
        except SeatrialError as error:
            return _sent(refusal(error))
        query = request.scope["query_string"].decode("latin-1")
        asked = Asked(request.method, request.scope["path"], query, headers, body)
        return _sent(self._catalogue.answer(asked))

    async def _ticket(self, request: Request) -> Response:
        identifier = request.path_params["id"]
        now_s = self._clock.now_s()
        key_id = self._caller(request.scope).id or None
        ticket = self._tickets.find(identifier, key_id=key_id, now_s=now_s)
        if ticket is None:
            raise UnknownNameError(
                f"there is no ticket {identifier[:80]!r}.",
                hint="A ticket is kept for twenty minutes at most; ask again.",
            )
        return _sent(*ticket.told(now_s))

    def _caller(self, scope: Scope) -> Caller:
        if not self._keyring.required:
            return ANYBODY
        return self._keyring.identify(dict(scope["headers"]))

    async def _schema(self, request: Request) -> Response:  # noqa: ARG002  (of the framework)
        return _json(self._openapi())

    async def _livez(self, request: Request) -> Response:  # noqa: ARG002  (of the framework)
        return PlainTextResponse("ok\n")

    async def _readyz(self, request: Request) -> Response:
        ready = self._state.ready()
        if "verbose" in request.query_params:
            return _json(encode(self._state.verbose()), 200 if ready else 503)
        words = "ready" if ready else f"not ready: {self._state.unready()}"
        return PlainTextResponse(words + "\n", status_code=200 if ready else 503)

    async def _exposition(self, request: Request) -> Response:  # noqa: ARG002  (of the framework)
        return Response(self._metrics.exposition(), media_type=CONTENT_TYPE)

    async def _status(self, request: Request) -> Response:  # noqa: ARG002  (of the framework)
        return _json(encode(self._state.public()))

    async def _problem(self, request: Request, error: Exception) -> Response:  # noqa: ARG002
        assert isinstance(error, SeatrialError)  # noqa: S101  (registered for that class)
        return self._refusal(error)

    def _refusal(self, error: SeatrialError) -> Response:
        identifier = self._identifiers.new(1)
        return Response(
            problems.document(error, request=identifier, release=self._state.release),
            status_code=problems.status_of(error),
            headers={
                **{name.decode(): value.decode() for name, value in problems.headers(error)},
                "x-request-id": identifier,
            },
        )

    async def _framework_problem(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101  (registered for that class)
        received = f"{request.method} {request.url.path}"
        allow = (error.headers or {}).get("Allow", "")
        if request.url.path == PREDICT:
            error.status_code, allow = 405, "POST"
        refused = UsageError(
            f"{received[:200]} is not a route of this server."
            if not allow
            else f"{received[:200]} is not possible; accepted is {allow}.",
            hint="POST /predict takes rows; GET /openapi.json describes every route.",
            details={"http_status": error.status_code, "allow": allow},
        )
        return await self._problem(request, refused)


def _sent(told: Told, common: Sequence[Header] = ()) -> Response:
    """Return what a door says as the framework sends it."""
    made = Response(told.body, status_code=told.status)
    made.raw_headers = [*told.headers, *common, (b"content-length", b"%d" % len(told.body))]
    return made


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status_code=status, media_type="application/json")
