"""Parts of the OpenAPI document: how one operation, its body and its responses are written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from seatrial.serve.doors.headers import JSON
from seatrial.serve.schemas import reference
from seatrial.serve.tensor_schemas import Schema

CONTENT_TYPE: Final = JSON.decode()
PROBLEM: Final = "application/problem+json"
NOT_FOUND: Final = 404


def get_path(
    name: str,
    summary: str,
    responses: dict[str, Any],
    *,
    parameters: Iterable[Any] = (),
    extra: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a path that is only read; ``extra`` is whatever else is said of it."""
    return {
        "get": {
            "operationId": name,
            "summary": summary,
            "parameters": list(parameters),
            "responses": responses,
            **(extra or {}),
        }
    }


def request_body(
    schema: Schema, examples: dict[str, Any], *, required: bool = True
) -> dict[str, Any]:
    """Return what a request carries."""
    made: dict[str, Any] = {"schema": schema}
    if examples:
        made["examples"] = examples
    return {"required": required, "content": {CONTENT_TYPE: made}}


def json_of(schema: Schema) -> dict[str, Any]:
    """Return JSON of a schema, as content."""
    return {CONTENT_TYPE: {"schema": schema}}


def response(
    description: str, content: dict[str, Any], *, headers: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return one response."""
    made = {"description": description, "content": content}
    return made | ({"headers": headers} if headers else {})


def answered(name: str) -> dict[str, Any]:
    """Return the one response of a route that always has an answer."""
    return {"200": response(name, json_of(reference(name)))}


def probed(name: str) -> dict[str, Any]:
    """Return the responses of a probe."""
    return answered(name) | {"503": response("Not ready", json_of(reference(name)))}


def problems_of(errors: dict[int, str]) -> dict[str, Any]:
    """Return the responses that are problem documents, by status."""
    content = {PROBLEM: {"schema": reference("Problem")}}
    return {str(status): response(words, content) for status, words in sorted(errors.items())}


def messages_of(errors: dict[int, str]) -> dict[str, Any]:
    """Return the responses in the Open Inference Protocol's shape of an error, by status."""
    content = json_of(reference("ErrorMessage"))
    # What is no path at all is refused before it is known whose it would have been.
    content |= {PROBLEM: {"schema": reference("Problem")}} if NOT_FOUND in errors else {}
    return {str(status): response(words, content) for status, words in sorted(errors.items())}


def inference_headers() -> dict[str, Any]:
    """Return the headers that every answer of the model has."""
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


def path_parameter(name: str, description: str) -> dict[str, Any]:
    """Return a part of a path that varies."""
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "string", "minLength": 1},
    }
