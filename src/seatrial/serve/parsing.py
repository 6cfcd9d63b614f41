"""From the bytes of a request to its rows, or to an error that names the place."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import msgspec
from msgspec import UNSET

from seatrial.core.errors import InputError, MalformedBodyError
from seatrial.core.settings import InputKind
from seatrial.serve.messages import RANK_MAX, FeedbackRequest, Number, Scalar, request_type

BODY_EXAMPLES = {
    "text": '{"inputs": ["some text"]}',
    "record": '{"inputs": [{"column": 1.5}]}',
    "array": '{"inputs": [[0.1, 0.2]]}',
    "image": '{"inputs": ["<base64>"]}',
    "chat": '{"inputs": [[{"role": "user", "content": "Hello"}]]}',
}

NUMERIC = frozenset({"array", "chat", "record"})
"""Kinds of input that may hold numbers."""

LONG_NUMBER = re.compile(rb"\d{19}")
"""What a number looks like that may need more than 64 bits; the rest need not be looked through."""

INT64, UINT64 = range(-(2**63), 2**63), range(2**64)

_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]|\[\.\.\.\]")


class PredictParser:
    """Reads bodies of ``POST /predict`` for a model of one input kind.

    Args:
        kind: What one input is.

    >>> PredictParser("text").rows(b'{"inputs": ["a", "b"]}')
    ['a', 'b']
    >>> PredictParser("text").rows(b'{"inputs": ["a", 3]}')
    Traceback (most recent call last):
    seatrial.core.errors.InputError: /inputs/1: expected `str`, got `int`. Send for example \
{"inputs": ["some text"]}
    """

    def __init__(self, kind: InputKind) -> None:
        self._kind = kind
        self._decoder = msgspec.json.Decoder(request_type(kind))

    def rows(self, body: bytes) -> list[Any]:
        """Return the inputs of a request.

        Raises:
            MalformedBodyError: The body is not JSON.
            InputError: It has another shape; ``details["pointer"]`` names the place.
        """
        try:
            request = self._decoder.decode(body)
        except msgspec.ValidationError as error:
            raise self._invalid(body, str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise malformed(error) from None
        if request.inputs is not UNSET:
            rows: list[Any] = request.inputs
            if request.input is not UNSET:
                raise self._shape("", "received both input and inputs; accepted is one of them")
        elif request.input is not UNSET:
            rows = [request.input]
        else:
            raise self._shape("", "received neither inputs nor input; accepted is one of them")
        if self._kind == "array":
            for place, row in enumerate(rows):
                if isinstance(row, list):
                    self._check_array(row, place, single=request.inputs is UNSET)
        if self._kind in NUMERIC and LONG_NUMBER.search(body):
            rows = self._rounded(rows)
        return rows

    def _rounded(self, rows: list[Any]) -> list[Any]:
        try:
            return [rounded(row) for row in rows]
        except ValueError as error:
            raise self._shape("", str(error)) from None
        except RecursionError as error:
            raise malformed(error) from None

    def _check_array(self, row: list[Any], place: int, *, single: bool) -> None:
        depth, inside = 1, row
        while inside and isinstance(inside[0], list):
            inside = inside[0]
            depth += 1
        first: Exception | None = None
        # An empty list that comes first hides how deep the others are.
        for tried in range(depth, RANK_MAX + 1):
            try:
                msgspec.convert(row, _array(tried), strict=True)
            except (msgspec.ValidationError, RecursionError) as error:
                first = first or error
                if not str(error).partition(" - ")[0].endswith("got `array`"):
                    break
            else:
                return
        where = "/input" if single else f"/inputs/{place}"
        if first is None:
            raise self._shape(where, f"expected at most {RANK_MAX} dimensions, got {depth}")
        pointer, what = split(str(first))
        raise self._shape(where + pointer, what) from None

    def _invalid(self, body: bytes, message: str) -> InputError:
        document = decode_any(body)
        pointer, what = split(message)
        if self._kind == "record":
            pointer += _column(document, pointer)
        return self._shape(pointer, what)

    def _shape(self, pointer: str, what: str) -> InputError:
        return InputError(
            f"{pointer}: {what}." if pointer else f"{what}.",
            hint=f"Send for example {BODY_EXAMPLES[self._kind]}",
            details={"pointer": pointer},
        )


def feedback(body: bytes) -> FeedbackRequest:
    """Read the body of ``POST /feedback``.

    Raises:
        MalformedBodyError: The body is not JSON.
        InputError: It has another shape, or says nothing.
    """
    hint = 'Send for example {"id": "…", "row": 0, "label": "yes"}'
    try:
        said = _feedback(body)
    except msgspec.ValidationError as error:
        decode_any(body)
        pointer, what = split(str(error))
        text = f"{pointer}: {what}." if pointer else f"{what}."
        raise InputError(text, hint=hint, details={"pointer": pointer}) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise malformed(error) from None
    if said.label is UNSET and said.rating is UNSET:
        raise InputError(
            "received neither label nor rating; accepted is one of them or both.", hint=hint
        )
    return said


def _feedback(body: bytes) -> FeedbackRequest:
    try:
        return _feedback_decoder.decode(body)
    except msgspec.ValidationError:
        document = decode_any(body)
        row = document.get("row") if isinstance(document, dict) else None
        if not (isinstance(row, float) and row.is_integer()):
            raise
        # JSON knows numbers only: 1.0 is as whole as 1.
        return msgspec.convert({**document, "row": int(row)}, FeedbackRequest)


def rounded(value: Any) -> Any:
    """Return a value with whole numbers of more than 64 bits as floats.

    JSON tells 1e30 and its thirty-one digits apart nowhere, and no model computes with the latter.

    Raises:
        ValueError: One is larger than any float.
        RecursionError: It is nested too deeply.

    >>> rounded([2**63, 2**64])
    [9223372036854775808, 1.8446744073709552e+19]
    """
    if isinstance(value, list):
        return [rounded(item) for item in value]
    if isinstance(value, dict):
        return {name: rounded(item) for name, item in value.items()}
    if not isinstance(value, int) or value in INT64 or value in UINT64:
        return value
    try:
        return float(value)
    except OverflowError:
        raise ValueError("a number is out of range") from None


def rows_seen(body: bytes) -> list[Any]:
    """Return the rows of a body that was refused, for the log; empty where there are none."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    if not isinstance(document, dict):
        return []
    rows = document.get("inputs")
    if isinstance(rows, list):
        return rows
    return [document["input"]] if "input" in document else []


def row_pointer(body: bytes, row: int) -> str:
    """Return the JSON pointer to one row of a body that was read.

    >>> row_pointer(b'{"input": 1}', 0), row_pointer(b'{"inputs": [1, 2]}', 1)
    ('/input', '/inputs/1')
    """
    return "/input" if "inputs" not in msgspec.json.decode(body) else f"/inputs/{row}"


def decode_any(body: bytes) -> Any:
    """Decode JSON of any shape.

    Raises:
        MalformedBodyError: The body is not JSON.
    """
    try:
        return msgspec.json.decode(body)
    except msgspec.ValidationError:
        return None  # a number that no 64-bit float holds: JSON all the same
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise malformed(error) from None


def malformed(error: Exception) -> MalformedBodyError:
    """Build the error for a body that is not JSON."""
    reason = {
        "RecursionError": "it is nested too deeply",
        "UnicodeDecodeError": "it is not UTF-8",
    }.get(type(error).__name__, str(error))
    return MalformedBodyError(
        f"the body cannot be read as JSON: {reason}.",
        hint="Send JSON in UTF-8; NaN and Infinity are not JSON, null is.",
    )


def split(message: str) -> tuple[str, str]:
    """Split a validation message into JSON pointer and words.

    >>> split("Expected `str`, got `int` - at `$.inputs[1]`")
    ('/inputs/1', 'expected `str`, got `int`')
    """
    what, _, path = message.partition(" - at `$")
    steps = (name or number for name, number in _STEP.findall(path.rstrip("`")))
    pointer = "".join("/" + escaped(step) for step in steps if step)
    return pointer, what[:1].lower() + what[1:]


@cache
def _array(depth: int) -> Any:
    kind: Any = Number
    for _ in range(depth):
        kind = list[kind]
    return kind


def _column(document: Any, pointer: str) -> str:
    """Name the column that holds no scalar, which the decoder cannot."""
    row: Any = document
    for step in pointer.split("/")[1:]:
        if isinstance(row, list):
            row = row[int(step)] if step.isdigit() and int(step) < len(row) else None
        elif isinstance(row, dict):
            row = row.get(step)
    if not isinstance(row, dict) or pointer == "":
        return ""
    for name, value in row.items():
        if not isinstance(value, Scalar):
            return "/" + escaped(name)
    return ""


def escaped(step: str) -> str:
    """Return a name as one step of a JSON pointer.

    >>> escaped("a/b")
    'a~1b'
    """
    return step.replace("~", "~0").replace("/", "~1")


_feedback_decoder = msgspec.json.Decoder(FeedbackRequest)
