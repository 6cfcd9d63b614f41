"""Infer requests as JSON Schema, which cannot relate a shape to its data: so batch by batch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

from seatrial.serve.doors.columns import Column
from seatrial.serve.doors.outputs import NAMES
from seatrial.serve.doors.signature import Signature

Schema = dict[str, Any]

ROWS_SHOWN: Final = 16
"""Rows up to which requests are spelled out for models of one text, image or chat."""

ROWS_SHOWN_WIDE: Final = 3
"""The same for records and arrays, whose tensors are many or large."""

CELLS_MAX: Final = 64
"""Most cells of one input whose sizes are spelled out; beyond, the page would be all sizes."""

INNER_SHOWN: Final[tuple[list[int], ...]] = ([], [1], [2], [3], [4])
"""Sizes of one input that are spelled out where nobody knows them, or they are many."""

CELL_DATATYPES: Final = ("FP64", "BOOL", "BYTES")
"""What the tensor of a column is where nobody knows what the column holds."""

TEXT: Final[Schema] = {"type": "string"}
_MAYBE: Final[Schema] = {"type": ["boolean", "null"]}
_CONTENT: Final[Schema] = {"enum": ["str", "np", "pd", None]}
_NOTHING: Final[Schema] = {"type": "null"}


def is_small(inner: list[int]) -> bool:
    """Say whether the sizes of one input are known and few enough to be spelled out.

    >>> is_small([3]), is_small([-1]), is_small([224, 224])
    (True, False, False)
    """
    return -1 not in inner and 0 < math.prod(inner) <= CELLS_MAX


def infer_request(signature: Signature) -> Schema:
    """Return the schema of the body of an infer request that is JSON throughout.

    >>> infer_request(Signature("text", "classification"))["required"]
    ['inputs']
    """
    wide = signature.kind in {"record", "array"}
    rows_shown = ROWS_SHOWN_WIDE if wide else ROWS_SHOWN
    batches = [batch for rows in range(rows_shown + 1) for batch in _batches(signature, rows)]
    forms = {"binary_data": _MAYBE, "classification": _NOTHING, "shared_memory_region": _NOTHING}
    wanted = {
        "type": "object",
        "properties": {
            "name": {"enum": list(NAMES)},
            "parameters": {"type": ["object", "null"], "properties": forms},
        },
        "required": ["name"],
    }
    given = {"binary_data_output": _MAYBE, "content_type": _CONTENT, "timeout": _NOTHING}
    return {
        "title": "InferRequest",
        "description": (
            f"Tensors of equally many rows, spelled out here for up to {rows_shown}; more are "
            "taken likewise, within the limits of the server. `parameters.timeout` may be the "
            "deadline in microseconds, and `content_type` of a tensor base64 or pd_json."
        ),
        "type": "object",
        "properties": {
            "id": {"type": ["string", "null"]},
            "inputs": {"anyOf": batches} if batches else {"type": "array"},
            "outputs": {"anyOf": [{"type": "array", "items": wanted}, {"type": "null"}]},
            "parameters": {"type": ["object", "null"], "properties": given},
        },
        "required": ["inputs"],
    }


def _batches(signature: Signature, rows: int) -> Iterator[Schema]:
    """Yield the lists of tensors that so many rows can be."""
    if signature.kind == "record":
        columns = list(signature.table) if signature.table is not None else [Column("")]
        yield _list_of([_column(rows, column) for column in columns])
    elif signature.kind == "array":
        inner = signature.inputs()[0].shape[1:]
        for sizes in [inner] if is_small(inner) else INNER_SHOWN:
            yield _list_of([_tensor([rows, *sizes], "FP64", missing=True)])
    else:
        yield _list_of([_tensor([rows], "BYTES")])
        yield _list_of([_tensor([rows, 1], "BYTES")])


def _list_of(tensors: list[Schema]) -> Schema:
    count = len(tensors)
    return {"type": "array", "prefixItems": tensors, "minItems": count, "maxItems": count}


def _column(rows: int, column: Column) -> Schema:
    """Return the schema of the tensor of one column; one without a name is any column."""
    made = [
        _tensor([rows], datatype, name=column.name or None, missing=column.missing)
        for datatype in ([column.datatype] if column.datatype else CELL_DATATYPES)
    ]
    return made[0] if len(made) == 1 else {"anyOf": made}


def _tensor(
    shape: list[int], datatype: str, *, name: str | None = None, missing: bool = False
) -> Schema:
    parameters = {
        "binary_data_size": _NOTHING,
        "content_type": _CONTENT,
        "shared_memory_region": _NOTHING,
    }
    return {
        "type": "object",
        "properties": {
            "name": TEXT if name is None else {"const": name},
            "shape": {"const": shape},
            "datatype": {"const": datatype},
            "data": _data(shape, datatype, missing=missing),
            "parameters": {"type": ["object", "null"], "properties": parameters},
        },
        "required": ["name", "shape", "datatype", "data"],
    }


def _data(shape: list[int], datatype: str, *, missing: bool) -> Schema:
    """Return the schema of a tensor's values: flat, or nested as the shape."""
    cell = _cell(datatype)
    if missing:
        cell = {"anyOf": [cell, _NOTHING]}
    flat = _sized(cell, math.prod(shape))
    nested = cell
    for size in reversed(shape):
        nested = _sized(nested, size)
    return flat if len(shape) == 1 else {"anyOf": [flat, nested]}


def _cell(datatype: str) -> Schema:
    if datatype == "INT64":
        return {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}
    return {"BYTES": TEXT, "BOOL": {"type": "boolean"}}.get(datatype, {"type": "number"})


def _sized(item: Schema, size: int) -> Schema:
    return {"type": "array", "items": item, "minItems": size, "maxItems": size}
