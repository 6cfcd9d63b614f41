"""What travels over HTTP, as JSON Schema: generated from the types that validate it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from seatrial.serve.doors.columns import ANY, Column
from seatrial.serve.doors.inference import (
    ErrorMessage,
    IndexEntry,
    IndexRequest,
    InferResponse,
    ModelMetadata,
    ModelReady,
    ServerLive,
    ServerMetadata,
    ServerReady,
)
from seatrial.serve.doors.signature import Signature
from seatrial.serve.identifiers import ROWS_MAX
from seatrial.serve.messages import (
    RANK_MAX,
    FeedbackAnswer,
    FeedbackRequest,
    PredictAnswer,
)
from seatrial.serve.problems import Problem
from seatrial.serve.tensor_schemas import Schema, infer_request, is_small
from seatrial.serve.tickets import TicketAnswer

REFERENCE: Final = "#/components/schemas/{name}"

TYPES: Final = (
    PredictAnswer,
    FeedbackRequest,
    FeedbackAnswer,
    TicketAnswer,
    Problem,
    InferResponse,
    ErrorMessage,
    ServerMetadata,
    ServerLive,
    ServerReady,
    ModelMetadata,
    ModelReady,
    IndexRequest,
    IndexEntry,
)

_TYPES: Final = {
    "BYTES": ["string"],
    "INT64": ["number"],
    "FP64": ["number"],
    "BOOL": ["boolean"],
    ANY: ["string", "number", "boolean"],
}
_EXAMPLES: Final = {"BYTES": "some text", "INT64": 1, "FP64": 1.5, "BOOL": True, ANY: 1.5}
_ELEMENT: Final[Schema] = {"type": ["number", "boolean", "null"]}


def reference(name: str) -> Schema:
    """Return a reference to a component.

    >>> reference("Problem")
    {'$ref': '#/components/schemas/Problem'}
    """
    return {"$ref": REFERENCE.format(name=name)}


def components(signature: Signature) -> dict[str, Schema]:
    """Return the schema of everything that travels, by name.

    >>> sorted(components(Signature("text", "classification")))[:3]
    ['ErrorMessage', 'FeedbackAnswer', 'FeedbackRequest']
    """
    _, found = msgspec.json.schema_components(TYPES, ref_template=REFERENCE)
    found["PredictRequest"] = predict_request(signature)
    # What the types leave to the code that reads them, which names the place in its own way.
    said = found["FeedbackRequest"]
    said["properties"]["row"] = {"type": "integer", "minimum": 0, "maximum": ROWS_MAX, "default": 0}
    said["anyOf"] = [{"required": ["label"]}, {"required": ["rating"]}]
    found["InferRequest"] = infer_request(signature)
    return found


def predict_request(signature: Signature) -> Schema:
    """Return the schema of the body of ``POST /predict``."""
    row = row_schema(signature)
    return {
        "title": "PredictRequest",
        "description": "Body of `POST /predict`: `inputs` for several rows, `input` for one.",
        "type": "object",
        "properties": {"inputs": {"type": "array", "items": row}, "input": row},
        "oneOf": [{"required": ["inputs"]}, {"required": ["input"]}],
        "additionalProperties": False,
    }


def row_schema(signature: Signature) -> Schema:
    """Return the schema of one input of the model.

    >>> row_schema(Signature("text", "classification"))
    {'type': 'string'}
    """
    if signature.kind == "record":
        return _record(signature)
    if signature.kind == "array":
        (tensor,) = signature.inputs()
        inner = tensor.shape[1:]
        return _sized(inner) if is_small(inner) else _nested(RANK_MAX)
    if signature.kind == "image":
        return {"type": "string", "contentEncoding": "base64"}
    if signature.kind == "chat":
        turn = {"type": "object"}
        return {"anyOf": [{"type": "string"}, {"type": "array", "items": turn}]}
    return {"type": "string"}


def row_example(signature: Signature) -> Any:
    """Return an input as the model takes it.

    >>> row_example(Signature("record", "regression", columns=["rooms"]))
    {'rooms': 1.5}
    """
    if signature.kind == "record":
        table = signature.table
        return {one.name: _EXAMPLES[one.datatype] for one in table} if table else {"column": 1.5}
    if signature.kind == "array":
        (tensor,) = signature.inputs()
        inner = tensor.shape[1:]
        return _zeros(inner) if is_small(inner) else [0.5, 0.25]
    return {
        "image": "iVBORw0KGgo=",
        "chat": [{"role": "user", "content": "Hello"}],
    }.get(signature.kind, "some text")


def tensor_examples(signature: Signature) -> list[dict[str, Any]]:
    """Return an example of the tensors of an infer request of one row."""
    row = row_example(signature)
    if signature.kind == "record":
        known = {one.name: one.datatype for one in signature.table or ()}
        return [
            {"name": name, "shape": [1], "datatype": known.get(name) or "FP64", "data": [value]}
            for name, value in row.items()
        ]
    (tensor,) = signature.inputs()
    if signature.kind == "array":
        flat, shape = [row], [1]
        while isinstance(flat[0], list):
            shape.append(len(flat[0]))
            flat = [cell for inner in flat for cell in inner]
        return [{"name": tensor.name, "shape": shape, "datatype": "FP64", "data": flat}]
    told = row if isinstance(row, str) else row[0]["content"]
    return [{"name": tensor.name, "shape": [1], "datatype": "BYTES", "data": [told]}]


def _record(signature: Signature) -> Schema:
    schema: Schema = {"type": "object", "additionalProperties": _cell(Column(""))}
    if signature.table is not None:
        cells = {column.name: _cell(column) for column in signature.table}
        schema |= {"properties": cells, "required": list(cells)}
    return schema


def _cell(column: Column) -> Schema:
    return {"type": _TYPES[column.datatype] + (["null"] if column.missing else [])}


def _sized(inner: Sequence[int]) -> Schema:
    schema = _ELEMENT
    for size in reversed(inner):
        schema = {"type": "array", "minItems": size, "maxItems": size, "items": schema}
    return schema


def _nested(depth: int) -> Schema:
    """Return numbers in lists of one depth each, or a number alone."""
    choices: list[Schema] = [{"type": "number"}]
    level = _ELEMENT
    for _ in range(depth):
        level = {"type": "array", "items": level}
        choices.append(level)
    return {"anyOf": choices}


def _zeros(inner: Sequence[int]) -> Any:
    value: Any = 0.5
    for size in reversed(inner):
        value = [value] * size
    return value
