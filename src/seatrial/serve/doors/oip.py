"""The Open Inference Protocol's door: ``POST /v2/models/{name}[/versions/{version}]/infer``.

Reference: KServe, *Open Inference Protocol*, https://github.com/kserve/open-inference-protocol,
with its binary tensor data extension and, of the schedule policy extension, ``timeout``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import unquote

from seatrial.core.errors import SeatrialError, UnknownNameError
from seatrial.serve import problems
from seatrial.serve.doors import asking
from seatrial.serve.doors.door import Header, Reading, Request, Response, confidence_header
from seatrial.serve.doors.elements import rows_of
from seatrial.serve.doors.encoding import inflated
from seatrial.serve.doors.headers import JSON
from seatrial.serve.doors.inference import ErrorMessage, InferOutput, InferResponse
from seatrial.serve.doors.outputs import Output, outputs
from seatrial.serve.doors.signature import Signature, Signatures
from seatrial.serve.doors.tensors import pack
from seatrial.serve.identifiers import ROWS_MAX
from seatrial.serve.messages import Result, encode

INFER: Final = re.compile(r"/v2/models/([^/]+)(?:/versions/([^/]+))?/infer/?")
_INFER_BYTES: Final = re.compile(INFER.pattern.encode())

Releases = Callable[[], Sequence[str]]
"""The releases that answer now, as ``name@digest``, the usual one first."""


def infers(method: bytes, path: bytes) -> bool:
    """Say whether a request is for this door.

    >>> infers(b"POST", b"/v2/models/spam/infer"), infers(b"GET", b"/v2/models/spam")
    (True, False)
    """
    # Most requests are for another door: two comparisons tell.
    return method == b"POST" and path[:11] == b"/v2/models/" and bool(_INFER_BYTES.fullmatch(path))


class OipDoor:
    """Reads and answers infer requests for one model.

    Text, images and chats come as one tensor of BYTES, arrays as one tensor of numbers, records as
    one tensor per column. One tensor alone may have any name, for callers rarely agree on one.

    Args:
        model: Its name.
        signature: What it takes and gives.
        releases: What answers now.
        rows_max: Most rows of one request.
        body_max_bytes: Largest body once it is inflated.

    >>> seen = Signature("text", "classification")
    >>> door = OipDoor("m", lambda: seen, releases=lambda: ["m@1"])
    >>> body = b'{"inputs":[{"name":"x","shape":[1],"datatype":"BYTES","data":["good"]}]}'
    >>> asked = door.read(Request("POST", "/v2/models/m/infer", "", {}, body))
    >>> asked.rows
    ['good']
    >>> told = door.answer(asked, id="7", release="m@1", results=[Result("yes", None, None, False)])
    >>> told.body.decode()[:45]
    '{"model_name":"m","model_version":"1","id":"7'
    """

    def __init__(
        self,
        model: str,
        signature: Signatures,
        *,
        releases: Releases,
        rows_max: int = ROWS_MAX,
        body_max_bytes: int = 8 * 2**20,
    ) -> None:
        self.route = "/v2/infer"
        self.defers = False
        self._model = model
        self._signature = signature
        self._releases = releases
        self._rows_max = rows_max
        self._body_max_bytes = body_max_bytes

    def read(self, request: Request) -> Reading:
        """Return what a request asks; see :class:`seatrial.serve.doors.door.Door`."""
        fields = request.headers
        release = self._addressed(request.path)
        asking.check_media_type(fields)
        body = inflated(fields, request.body, max_bytes=self._body_max_bytes)
        asked, packed = asking.decoded(fields, body)
        tensors = asking.tensors(asked, packed, rows_max=self._rows_max)
        signature = self._signature()
        return Reading(
            rows_of(tensors, signature),
            timeout_s=asking.timeout_s(asked, fields),
            id=asked.id or None,
            release=release,
            context=(asking.wanted(asked), signature),
        )

    def seen(self, request: Request) -> list[Any]:  # noqa: ARG002  (of the seam)
        """Return nothing: tensors that were refused are no rows."""
        return []

    def answer(
        self,
        reading: Reading,
        *,
        id: str,  # noqa: A002  (its name on the wire)
        release: str,
        results: list[Result],
    ) -> Response:
        """Return the infer response, and after it what is wanted as packed bytes."""
        wanted: asking.Wanted
        signature: Signature
        wanted, signature = reading.context
        made = outputs(results, usual=signature.usual, asked=wanted.names)
        if any(result.output is not None for result in results):
            signature.saw_rows(reading.rows[:1])
            signature.saw_outputs(made)
        told, tail = _written(made, wanted)
        version = release.rpartition("@")[2]
        body = encode(InferResponse(self._model, version, reading.id or id, told))
        fields: list[Header] = confidence_header(results)
        if tail is None:
            return Response(200, [(b"content-type", JSON), *fields], body)
        fields.append((asking.HEADER_LENGTH, b"%d" % len(body)))
        return Response(200, [(b"content-type", asking.OCTETS), *fields], b"".join([body, *tail]))

    def refuse(self, error: SeatrialError, *, id: str, release: str) -> Response:  # noqa: A002, ARG002
        """Return the error in the protocol's own shape."""
        return refusal(error)

    def _addressed(self, path: str) -> str | None:
        """Return the release that the path names; ``None`` where it names none."""
        match = INFER.fullmatch(path)
        model, version = match.groups() if match else ("", None)
        return addressed(model, version, model=self._model, releases=self._releases())


def addressed(name: str, version: str | None, *, model: str, releases: Sequence[str]) -> str | None:
    """Return the release that a path names; ``None`` where it names the model alone.

    Raises:
        UnknownNameError: Another model, or a version that does not answer now.

    >>> addressed("m", "4f", model="m", releases=["m@4f"])
    'm@4f'
    """
    if unquote(name) != model:
        raise UnknownNameError.of("model", unquote(name)[:100], [model])
    if version is None:
        return None
    versions = {release.rpartition("@")[2]: release for release in releases}
    release = versions.get(unquote(version))
    if release is None:
        raise UnknownNameError.of("version", unquote(version)[:100], versions)
    return release


def refusal(error: SeatrialError) -> Response:
    """Return an error as every route of the protocol tells it."""
    message = error.message.removesuffix(str(error.details.get("where", "")))
    fields = [pair for pair in problems.headers(error) if pair[0] != b"content-type"]
    body = encode(ErrorMessage(f"{message} {error.hint}".rstrip()))
    return Response(problems.status_of(error), [(b"content-type", JSON), *fields], body)


def _written(
    made: Sequence[Output], wanted: asking.Wanted
) -> tuple[list[InferOutput], list[bytes] | None]:
    told: list[InferOutput] = []
    tail: list[bytes] | None = None
    for one in made:
        if not wanted.packs(one.name):
            told.append(InferOutput(one.name, one.datatype, one.shape, one.parameters, one.flat))
            continue
        share = pack(one.datatype, one.flat)
        tail = [share] if tail is None else [*tail, share]
        parameters = {**one.parameters, "binary_data_size": len(share)}
        told.append(InferOutput(one.name, one.datatype, one.shape, parameters))
    return told, tail
