"""``GET /openapi.json``: every route, what it takes, and every status it can answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from seatrial._version import __version__
from seatrial.serve import schemas
from seatrial.serve.doors.asking import HEADER_LENGTH
from seatrial.serve.doors.headers import JSON
from seatrial.serve.doors.signature import Signature
from seatrial.serve.messages import encode
from seatrial.serve.schemas import reference
from seatrial.serve.tensor_schemas import Schema

VERSION: Final = "3.1.0"

LENGTH: Final = HEADER_LENGTH.decode().title()

CONTENT_TYPE: Final = JSON.decode()
NOT_FOUND: Final = 404
PROBLEM: Final = "application/problem+json"
TEXT: Final = "text/plain"
OCTETS: Final = "application/octet-stream"

KEYS: Final[dict[str, Schema]] = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}

INFERENCE_ERRORS: Final = {
    400: "The body cannot be read",
    408: "The body did not come in time",
    413: "The body is too large, or has too many rows",
    415: "The body is of another type, or encoded otherwise",
    422: "The body does not fit the model; the message names the place",
    429: "This caller asks more than it may",
    500: "The model failed on these rows",
    502: "The process that ran the model died",
    503: "Nothing answers now; Retry-After says when to come back",
    504: "The deadline passed before there was an answer",
}
LOCKED: Final = {401: "No key, or none that is valid", 403: "A key that may not do this"}

TIMES: Final = (
    "The header `X-Request-Timeout-Ms` says how long the caller waits; `traceparent` (W3C) is "
    "passed on."
)


def document(signature: Signature, *, model: str, keys_required: bool = False) -> bytes:
    """Return the OpenAPI document of a server.

    Args:
        signature: What its model takes and gives.
        model: Name of the model.
        keys_required: Whether inference takes a key.
    """
    locked = LOCKED if keys_required else {}
    paths = {
        **_native(signature, locked),
        **_public(),
        **_oip(signature, model, locked),
    }
    made: dict[str, Any] = {
        "openapi": VERSION,
        "info": {
            "title": model,
            "version": __version__,
            "description": f"The model `{model}`, served by seatrial.",
        },
        "paths": paths,
        "components": {"schemas": schemas.components(signature)},
    }
    if keys_required:
        made["components"]["securitySchemes"] = KEYS
    return encode(made)


def _native(signature: Signature, locked: dict[int, str]) -> dict[str, Any]:
    row = schemas.row_example(signature)
    examples = {"one": {"value": {"input": row}}, "several": {"value": {"inputs": [row, row]}}}
    answer = _content(reference("PredictAnswer"))
    waiting = _content(reference("TicketAnswer"))
    ticket = {
        "name": "id",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "minLength": 1},
    }
    said = {"value": {"id": "…", "row": 0, "label": "yes"}}
    return {
        "/predict": {
            "post": {
                "operationId": "predict",
                "summary": "Answer rows",
                "description": TIMES,
                "requestBody": _body(reference("PredictRequest"), examples),
                "responses": {
                    "200": _response("One result per row", answer, headers=_inference_headers()),
                    "202": _response("A ticket: the answer is fetched later", waiting),
                    **_problems(INFERENCE_ERRORS | locked),
                },
                **_locked(locked),
            }
        },
        "/tickets/{id}": {
            "get": {
                "operationId": "ticket",
                "summary": "Fetch an answer that was promised",
                "parameters": [ticket],
                "responses": {
                    "200": _response("The answer", answer),
                    "202": _response("Not yet; Retry-After says when", waiting),
                    **_problems({404: "No such ticket"} | _but(INFERENCE_ERRORS, 408) | locked),
                },
                **_locked(locked),
            }
        },
        "/feedback": {
            "post": {
                "operationId": "feedback",
                "summary": "Say what an answer should have been",
                "requestBody": _body(reference("FeedbackRequest"), {"label": said}),
                "responses": {
                    "200": _response("Noted", _content(reference("FeedbackAnswer"))),
                    **_problems(
                        {404: "No such request"}
                        | _only(INFERENCE_ERRORS, 400, 408, 413, 415, 422, 429, 503)
                        | locked
                    ),
                },
                **_locked(locked),
            }
        },
    }


def _public() -> dict[str, Any]:
    text = {TEXT: {"schema": {"type": "string"}}}
    either = text | _content({"type": "object"})
    ready = {"200": _response("It is", either), "503": _response("It is not", either)}
    verbose = {
        "name": "verbose",
        "in": "query",
        "allowEmptyValue": True,
        "description": "Name every check",
        "schema": {},
    }
    status = _content(
        {"type": "object", "required": ["state", "release", "variant", "degraded", "workers"]}
    )
    return {
        "/livez": _get("livez", "Whether the server lives", {"200": _response("It does", text)}),
        **{
            f"/{name}": _get(name, "Whether traffic may be sent", ready, parameters=[verbose])
            for name in ("readyz", "healthz")
        },
        "/status": _get(
            "status", "What callers may expect", {"200": _response("The state", status)}
        ),
        "/metrics": _get("metrics", "Prometheus metrics", {"200": _response("Metrics", text)}),
        "/openapi.json": _get(
            "openapi",
            "This document",
            {"200": _response("The document", _content({"type": "object"}))},
        ),
    }


def _oip(signature: Signature, model: str, locked: dict[int, str]) -> dict[str, Any]:
    name = _path_parameter("name", f"Name of the model; here `{model}`")
    version = _path_parameter("version", "One of the versions that its metadata lists")
    unknown = _errors({404: "No such model or version"} | locked)
    index = {
        "200": _response(
            "All models", _content({"type": "array", "items": reference("IndexEntry")})
        )
    }
    asking = {"requestBody": _body(reference("IndexRequest"), {}, required=False)}
    wrong = _errors(_only(INFERENCE_ERRORS, 400, 408, 413, 422) | locked)
    found: dict[str, Any] = {
        "/v2": _get("oipServer", "What the server speaks", _ok("ServerMetadata") | _errors(locked)),
        "/v2/health/live": _get("oipLive", "Whether the server lives", _ok("ServerLive")),
        "/v2/health/ready": _get("oipReady", "Whether it answers", _ready("ServerReady")),
        "/v2/repository/index": {
            "get": {"operationId": "oipIndex", "responses": index | _errors(locked)},
            "post": {"operationId": "oipIndexAsked", "responses": index | wrong, **asking},
        },
    }
    for base, parameters, suffix in (
        ("/v2/models/{name}", [name], ""),
        ("/v2/models/{name}/versions/{version}", [name, version], "Version"),
    ):
        about = _ok("ModelMetadata") | unknown
        ready = _ready("ModelReady") | unknown
        found[base] = _get(f"oipModel{suffix}", "What a model takes", about, parameters=parameters)
        found[f"{base}/ready"] = _get(
            f"oipModelReady{suffix}", "Whether a model answers", ready, parameters=parameters
        )
        found[f"{base}/infer"] = _infer(signature, f"oipInfer{suffix}", parameters, locked)
    for path in found.values():
        for operation in path.values():
            operation["tags"] = ["Open Inference Protocol v2"]
            operation.update(_locked(locked))
    return found


def _infer(
    signature: Signature, name: str, parameters: list[Any], locked: dict[int, str]
) -> dict[str, Any]:
    example = {"tensors": {"value": {"inputs": schemas.tensor_examples(signature)}}}
    packed = {
        LENGTH: {
            "description": "Length of the JSON before packed tensors, where there are any",
            "schema": {"type": "integer"},
        }
    }
    content = _content(reference("InferResponse")) | {OCTETS: {}}
    return {
        "post": {
            "operationId": name,
            "summary": "Answer tensors",
            "description": (
                f"{TIMES} So does `parameters.timeout`, in microseconds. With the header "
                f"`{LENGTH}`, packed tensors follow the JSON (binary tensor data "
                "extension). Content may be encoded: gzip or deflate."
            ),
            "parameters": parameters,
            "requestBody": _body(reference("InferRequest"), example),
            "responses": {
                "200": _response(
                    "Output tensors: output, scores, confidence, abstained",
                    content,
                    headers=_inference_headers() | packed,
                ),
                **_errors({404: "No such model or version"} | INFERENCE_ERRORS | locked),
            },
        }
    }


def _get(
    name: str, summary: str, responses: dict[str, Any], *, parameters: Iterable[Any] = ()
) -> dict[str, Any]:
    return {
        "get": {
            "operationId": name,
            "summary": summary,
            "parameters": list(parameters),
            "responses": responses,
        }
    }


def _body(schema: Schema, examples: dict[str, Any], *, required: bool = True) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": schema}
    if examples:
        content["examples"] = examples
    return {"required": required, "content": {CONTENT_TYPE: content}}


def _content(schema: Schema) -> dict[str, Any]:
    return {CONTENT_TYPE: {"schema": schema}}


def _response(
    description: str, content: dict[str, Any], *, headers: dict[str, Any] | None = None
) -> dict[str, Any]:
    made = {"description": description, "content": content}
    return made | ({"headers": headers} if headers else {})


def _ok(name: str) -> dict[str, Any]:
    return {"200": _response(name, _content(reference(name)))}


def _ready(name: str) -> dict[str, Any]:
    return _ok(name) | {"503": _response("Not ready", _content(reference(name)))}


def _problems(errors: dict[int, str]) -> dict[str, Any]:
    content = {PROBLEM: {"schema": reference("Problem")}}
    return {str(status): _response(words, content) for status, words in sorted(errors.items())}


def _errors(errors: dict[int, str]) -> dict[str, Any]:
    content = _content(reference("ErrorMessage"))
    # What is no path at all is refused before it is known whose it would have been.
    content |= {PROBLEM: {"schema": reference("Problem")}} if NOT_FOUND in errors else {}
    return {str(status): _response(words, content) for status, words in sorted(errors.items())}


def _inference_headers() -> dict[str, Any]:
    told = {
        "X-Request-Id": "Id of the request, for feedback",
        "X-Release": "What answered: name and digest",
        "X-Served-By": "Which part of the server answered",
        "X-Confidence": "Confidence of the only row",
        "X-Degraded": "How the answer is less than usual, where it is",
        "Server-Timing": "Where the time went",
        "traceparent": "W3C trace context",
    }
    return {
        name: {"description": words, "schema": {"type": "string"}} for name, words in told.items()
    }


def _path_parameter(name: str, description: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "string", "minLength": 1},
    }


def _locked(locked: dict[int, str]) -> dict[str, Any]:
    return {"security": [{name: []} for name in KEYS]} if locked else {}


def _only(errors: dict[int, str], *wanted: int) -> dict[int, str]:
    return {status: errors[status] for status in wanted}


def _but(errors: dict[int, str], *unwanted: int) -> dict[int, str]:
    return {status: words for status, words in errors.items() if status not in unwanted}
