"""The Open Inference Protocol's other routes: what is served, and whether it answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from seatrial._version import __version__
from seatrial.core.errors import SeatrialError, UnknownNameError, UsageError
from seatrial.serve.doors.asking import read_json
from seatrial.serve.doors.door import Request, Response
from seatrial.serve.doors.headers import JSON
from seatrial.serve.doors.inference import (
    IndexEntry,
    IndexRequest,
    ModelMetadata,
    ModelReady,
    ServerLive,
    ServerMetadata,
    ServerReady,
)
from seatrial.serve.doors.oip import INFER, Releases, addressed, refusal
from seatrial.serve.doors.signature import Signatures
from seatrial.serve.messages import encode

EXTENSIONS: Final = ["binary_tensor_data", "model_repository(index)", "schedule_policy(timeout)"]

PLATFORM: Final = "seatrial"

_MODEL: Final = re.compile(r"/v2/models/([^/]+)(?:/versions/([^/]+))?(/ready)?/?")

NOT_READY: Final = 503

_index_decoder = msgspec.json.Decoder(IndexRequest)

Whether = Callable[[], str]
"""Says why requests are not answered now; nothing where they are."""


class Catalogue:
    """Answers everything under ``/v2`` that is no infer request.

    Args:
        model: Name of the model.
        signature: What it takes and gives.
        releases: What answers now.
        unready: Says why it does not.

    >>> from seatrial.serve.doors.signature import Signature
    >>> signature = Signature("text", "classification")
    >>> routes = Catalogue("m", lambda: signature, releases=lambda: ["m@1"], unready=lambda: "")
    >>> routes.answer(Request("GET", "/v2/models/m/ready", "", {}, b"")).body
    b'{"name":"m","ready":true}'
    """

    def __init__(
        self, model: str, signature: Signatures, *, releases: Releases, unready: Whether
    ) -> None:
        self._model = model
        self._signature = signature
        self._releases = releases
        self._unready = unready
        self._fixed: dict[str, tuple[tuple[str, ...], Callable[[Request], Response]]] = {
            "/v2": (("GET",), self._server),
            "/v2/health/live": (("GET",), self._live),
            "/v2/health/ready": (("GET",), self._ready),
            "/v2/repository/index": (("GET", "POST"), self._index),
        }

    def answer(self, request: Request) -> Response:
        """Return the response to any request under ``/v2``; what is no route of it is 404 or 405.

        The response to HEAD has the body of GET, for the server to leave out.
        """
        try:
            return self._answer(request)
        except SeatrialError as error:
            return refusal(error)

    def _answer(self, request: Request) -> Response:
        path = request.path.rstrip("/") or "/"
        if path in self._fixed:
            methods, answer = self._fixed[path]
            _check_method(request, methods)
            return answer(request)
        if INFER.fullmatch(path):
            _check_method(request, ("POST",))
        if match := _MODEL.fullmatch(path):
            _check_method(request, ("GET",))
            name, version, ready = match.groups()
            released = addressed(name, version, model=self._model, releases=self._releases())
            return self._model_ready() if ready else self._metadata(released)
        raise UnknownNameError(
            f"{request.method} {path[:200]} is not a route of this server.",
            hint="GET /v2 and /v2/models/NAME tell what there is.",
        )

    def _server(self, request: Request) -> Response:  # noqa: ARG002  (one shape for all routes)
        return _json(ServerMetadata("seatrial", __version__, EXTENSIONS))

    def _live(self, request: Request) -> Response:  # noqa: ARG002
        return _json(ServerLive(live=True))

    def _ready(self, request: Request) -> Response:  # noqa: ARG002
        ready = not self._unready()
        return _json(ServerReady(ready), 200 if ready else NOT_READY)

    def _model_ready(self) -> Response:
        ready = not self._unready()
        return _json(ModelReady(self._model, ready), 200 if ready else NOT_READY)

    def _metadata(self, release: str | None) -> Response:
        releases = self._releases() if release is None else [release]
        return _json(
            ModelMetadata(
                name=self._model,
                versions=[_version(one) for one in releases],
                platform=PLATFORM,
                inputs=self._signature().inputs(),
                outputs=self._signature().outputs(),
            )
        )

    def _index(self, request: Request) -> Response:
        why = self._unready()
        only_ready = request.method == "POST" and _only_ready(request.body)
        if why and only_ready:
            return _json([])
        state = "UNAVAILABLE" if why else "READY"
        return _json(
            [IndexEntry(self._model, _version(one), state, why) for one in self._releases()]
        )


def _only_ready(body: bytes) -> bool:
    return bool(body.strip() and read_json(_index_decoder, body, example='{"ready": true}').ready)


def _version(release: str) -> str:
    return release.rpartition("@")[2]


def _check_method(request: Request, methods: tuple[str, ...]) -> None:
    if request.method in methods or (request.method == "HEAD" and "GET" in methods):
        return
    allow = ", ".join(methods)
    raise UsageError(
        f"{request.method[:20]} {request.path[:200]} is not possible; accepted is {allow}.",
        details={"http_status": 405, "allow": allow},
    )


def _json(document: Any, status: int = 200) -> Response:
    return Response(status, [(b"content-type", JSON)], encode(document))
