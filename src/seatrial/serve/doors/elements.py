"""From the tensors of a request to the rows of a model, and the reasons why not."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from seatrial.core.errors import InputError, nearest
from seatrial.core.settings import InputKind
from seatrial.serve.doors.outputs import JSON_ELEMENTS
from seatrial.serve.doors.signature import Signature
from seatrial.serve.doors.tensors import Tensor, nested, of_tensor, shown
from seatrial.serve.messages import Scalar
from seatrial.serve.parsing import rounded

BASE64: Final = "base64"
CONTENT_TYPES: Final = ("str", "np", "pd", BASE64, JSON_ELEMENTS, "datetime", "raw")
"""What MLServer's codecs call their content; all but two leave the values as they are."""

COLUMN_RANK: Final = 2
"""Dimensions that a column may have, the second being 1."""


class Typed(Struct, frozen=True, gc=False):
    """A tensor and what its caller says of its content."""

    tensor: Tensor
    content_type: str | None


def rows_of(tensors: Sequence[Typed], signature: Signature) -> list[Any]:
    """Return what the model gets.

    Raises:
        InputError: Names, datatypes or shapes do not fit the model; the message names the tensor.
    """
    if signature.kind == "record":
        return _records(tensors, signature)
    if len(tensors) != 1:
        names = ", ".join(repr(typed.tensor.name[:100]) for typed in tensors[:3])
        raise InputError(
            f"received {len(tensors)} tensors ({names or 'none'}); accepted is one.",
            hint="GET /v2/models/NAME says what the model takes.",
        )
    (typed,) = tensors
    if signature.kind == "array":
        if typed.tensor.datatype == "BYTES":
            raise of_tensor(typed.tensor.name, "datatype BYTES; accepted are numbers")
        return nested(typed.tensor)
    if typed.tensor.datatype != "BYTES":
        raise of_tensor(typed.tensor.name, f"datatype {typed.tensor.datatype}; accepted is BYTES")
    return _each(typed, _ELEMENTS[signature.kind])


def _records(tensors: Sequence[Typed], signature: Signature) -> list[Any]:
    columns: dict[str, list[Any]] = {}
    table = signature.table
    for typed in tensors:
        tensor = typed.tensor
        if table is not None and tensor.name not in table.names:
            raise InputError(
                f"the tensor {tensor.name[:100]!r} is no column of the model; accepted are "
                f"{', '.join(table.names)}.",
                hint=nearest(tensor.name, table.names),
                details={"tensor": tensor.name[:100]},
            )
        columns[tensor.name] = (
            _each(typed, _cell) if tensor.datatype == "BYTES" else _column(tensor)
        )
    lacking = [name for name in table.names if name not in columns] if table else []
    if lacking or not columns:
        raise InputError(
            f"the request lacks the tensor{'s' if lacking[1:] else ''} "
            f"{', '.join(lacking) or 'of any column'}.",
            hint="Send one tensor per column; null stands for a missing value.",
            details={"columns": lacking},
        )
    first = tensors[0].tensor
    for typed in tensors:
        if typed.tensor.rows != first.rows:
            raise of_tensor(
                typed.tensor.name,
                f"{typed.tensor.rows} rows where {first.name[:100]!r} has {first.rows}",
            )
    names = list(columns)
    rows = [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if table is not None and (misfit := table.misfit(rows)) is not None:
        said = f"at [{misfit.row}] {misfit.got}; accepted is {misfit.expected}"
        raise of_tensor(misfit.column, said)
    return rows


def _column(tensor: Tensor) -> list[Any]:
    """Return the values of a tensor that has one per row."""
    if len(tensor.shape) > COLUMN_RANK or tensor.shape[1:] not in {(), (1,)}:
        raise of_tensor(
            tensor.name, f"shape {shown(tensor.shape)}; accepted is [rows] or [rows, 1]"
        )
    return tensor.flat


def _each(typed: Typed, element: Callable[[Any], Any]) -> list[Any]:
    """Return the elements of a tensor of BYTES as the model takes them."""
    values = _column(typed.tensor)
    if typed.content_type not in {BASE64, JSON_ELEMENTS} and {type(one) for one in values} == {str}:
        return values
    found = []
    for place, value in enumerate(values):
        try:
            found.append(element(_content(value, typed.content_type)))
        except (ValueError, msgspec.MsgspecError, RecursionError) as error:
            raise of_tensor(typed.tensor.name, f"at [{place}] {_reason(error)}") from None
    return found


def _content(value: Any, content_type: str | None) -> Any:
    """Return what an element holds: text, bytes, or what its JSON says."""
    if value is None or content_type not in {BASE64, JSON_ELEMENTS}:
        return value
    if content_type == BASE64:
        return base64.b64decode(value, validate=True)
    return rounded(msgspec.json.decode(value))


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode()
    if not isinstance(value, str):
        raise ValueError(f"{_said(value)}; accepted is text")  # noqa: TRY004  (one except for all)
    return value


def _image(value: Any) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else _text(value)


def _chat(value: Any) -> Any:
    return msgspec.convert(value, list[dict[str, Any]]) if isinstance(value, list) else _text(value)


def _cell(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    if not isinstance(value, Scalar):
        raise ValueError(f"{_said(value)}; accepted is text, a number or null")  # noqa: TRY004  (as above)
    return value


def _said(value: Any) -> str:
    return "null" if value is None else f"a value of type {type(value).__name__}"


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "bytes that are not UTF-8"
    if isinstance(error, binascii.Error):
        return "text that is not base64"
    if isinstance(error, (msgspec.MsgspecError, RecursionError)):
        return f"text that is not JSON as expected ({str(error)[:200]})"
    return str(error)


_ELEMENTS: Final[Mapping[InputKind, Callable[[Any], Any]]] = {
    "text": _text,
    "image": _image,
    "chat": _chat,
}
