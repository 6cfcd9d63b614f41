"""``GET /openapi.json``: every route, what it takes, and every status it can answer."""

from __future__ import annotations

from typing import Any, Final

from seatrial._version import __version__
from seatrial.serve import schemas
from seatrial.serve.doors.asking import HEADER_LENGTH
from seatrial.serve.doors.signature import Signature
from seatrial.serve.keys import scope_of
from seatrial.serve.messages import encode
from seatrial.serve.operations import (
    answered,
    get_path,
    inference_headers,
    json_of,
    messages_of,
    path_parameter,
    probed,
    problems_of,
    request_body,
    response,
)
from seatrial.serve.schemas import reference
from seatrial.serve.tensor_schemas import Schema

VERSION: Final = "3.1.0"

LENGTH: Final = HEADER_LENGTH.decode().title()

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
LOCKED: Final = {
    401: "No key, or none that is valid",
    403: "A key that may not do this",
    429: "This caller asks more than it may, or has shown too many wrong keys",
}
UNREADABLE: Final = {
    400: "It cannot be read as HTTP/1.1",
    408: "The headers did not come in time",
    431: "The headers are too large, or too many",
}
"""What becomes of a request before it is known whose it is: on every route, in one shape."""

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
        **_public(locked),
        **_oip(signature, model, locked),
    }
    for path in paths.values():
        for operation in path.values():
            _add_unreadable(operation["responses"])
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
    answer = json_of(reference("PredictAnswer"))
    waiting = json_of(reference("TicketAnswer"))
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
                "requestBody": request_body(reference("PredictRequest"), examples),
                "responses": {
                    "200": response("One result per row", answer, headers=inference_headers()),
                    "202": response("A ticket: the answer is fetched later", waiting),
                    **problems_of(INFERENCE_ERRORS | locked),
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
                    "200": response("The answer", answer),
                    "202": response("Not yet; Retry-After says when", waiting),
                    **problems_of({404: "No such ticket"} | INFERENCE_ERRORS | locked),
                },
                **_locked(locked),
            }
        },
        "/feedback": {
            "post": {
                "operationId": "feedback",
                "summary": "Say what an answer should have been",
                "requestBody": request_body(reference("FeedbackRequest"), {"label": said}),
                "responses": {
                    "200": response("Noted", json_of(reference("FeedbackAnswer"))),
                    **problems_of(
                        {404: "No such request"}
                        | _only(INFERENCE_ERRORS, 400, 408, 413, 415, 422, 429, 503)
                        | locked
                    ),
                },
                **_locked(locked),
            }
        },
    }


def _public(locked: dict[int, str]) -> dict[str, Any]:
    text = {TEXT: {"schema": {"type": "string"}}}
    either = text | json_of({"type": "object"})
    ready = {
        "200": response("It is", either),
        "503": response("It is not", either),
    }
    verbose = {
        "name": "verbose",
        "in": "query",
        "allowEmptyValue": True,
        "description": "Name every check",
        "schema": {},
    }
    status = json_of(
        {"type": "object", "required": ["state", "release", "variant", "degraded", "workers"]}
    )
    return {
        "/livez": get_path("livez", "Whether the server lives", {"200": response("It does", text)}),
        **{
            f"/{name}": get_path(name, "Whether traffic may be sent", ready, parameters=[verbose])
            for name in ("readyz", "healthz")
        },
        "/status": get_path(
            "status", "What callers may expect", {"200": response("The state", status)}
        ),
        "/metrics": get_path(
            "metrics",
            "Prometheus metrics",
            {"200": response("Metrics", text)} | problems_of(locked),
            extra=_locked(locked),
        ),
        "/openapi.json": get_path(
            "openapi",
            "This document",
            {"200": response("The document", json_of({"type": "object"}))} | problems_of(locked),
            extra=_locked(locked),
        ),
    }


def _oip(signature: Signature, model: str, locked: dict[int, str]) -> dict[str, Any]:
    name = path_parameter("name", f"Name of the model; here `{model}`")
    version = path_parameter("version", "One of the versions that its metadata lists")
    unknown = messages_of({404: "No such model or version"} | locked)
    index = {
        "200": response("All models", json_of({"type": "array", "items": reference("IndexEntry")}))
    }
    asking = {"requestBody": request_body(reference("IndexRequest"), {}, required=False)}
    wrong = messages_of(_only(INFERENCE_ERRORS, 400, 408, 413, 422) | locked)
    found: dict[str, Any] = {
        "/v2": get_path(
            "oipServer",
            "What the server speaks",
            answered("ServerMetadata") | messages_of(locked),
        ),
        "/v2/health/live": get_path("oipLive", "Whether the server lives", answered("ServerLive")),
        "/v2/health/ready": get_path("oipReady", "Whether it answers", probed("ServerReady")),
        "/v2/repository/index": {
            "get": {"operationId": "oipIndex", "responses": index | messages_of(locked)},
            "post": {"operationId": "oipIndexAsked", "responses": index | wrong, **asking},
        },
    }
    for base, parameters, suffix in (
        ("/v2/models/{name}", [name], ""),
        ("/v2/models/{name}/versions/{version}", [name, version], "Version"),
    ):
        about = answered("ModelMetadata") | unknown
        ready = probed("ModelReady") | unknown
        found[base] = get_path(
            f"oipModel{suffix}", "What a model takes", about, parameters=parameters
        )
        found[f"{base}/ready"] = get_path(
            f"oipModelReady{suffix}", "Whether a model answers", ready, parameters=parameters
        )
        found[f"{base}/infer"] = _infer(signature, f"oipInfer{suffix}", parameters, locked)
    for path, operations in found.items():
        for operation in operations.values():
            operation["tags"] = ["Open Inference Protocol v2"]
            operation.update(_locked(locked if scope_of(path) else {}))
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
    content = json_of(reference("InferResponse")) | {OCTETS: {}}
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
            "requestBody": request_body(reference("InferRequest"), example),
            "responses": {
                "200": response(
                    "Output tensors: output, scores, confidence, abstained",
                    content,
                    headers=inference_headers() | packed,
                ),
                **messages_of({404: "No such model or version"} | INFERENCE_ERRORS | locked),
            },
        }
    }


def _locked(locked: dict[int, str]) -> dict[str, Any]:
    return {"security": [{name: []} for name in KEYS]} if locked else {}


def _only(errors: dict[int, str], *wanted: int) -> dict[int, str]:
    return {status: errors[status] for status in wanted}


def _add_unreadable(responses: dict[str, Any]) -> None:
    for status, told in problems_of(UNREADABLE).items():
        said = responses.setdefault(status, told)
        said["content"] = said["content"] | told["content"]
