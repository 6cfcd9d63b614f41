"""Tensors on the wire of the Open Inference Protocol: JSON or packed bytes, to plain values.

Reference: KServe, *Open Inference Protocol*, tensor data and binary tensor data extension. Packed
values are little-endian, row major; an element of BYTES is its length (4 bytes) and its content.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any, Final

import msgspec
import numpy as np
from msgspec import Meta, Struct

from seatrial.core.errors import InputError
from seatrial.serve.messages import RANK_MAX
from seatrial.serve.parsing import split

FLOATS: Final = {"FP16": "<f2", "BF16": "<u2", "FP32": "<f4", "FP64": "<f8"}
INTEGERS: Final = {
    f"{sign}{bits}": f"<{letter}{bits // 8}"
    for sign, letter in (("INT", "i"), ("UINT", "u"))
    for bits in (8, 16, 32, 64)
}
PACKED: Final = {"BOOL": "|u1", **INTEGERS, **FLOATS}
DATATYPES: Final = (*PACKED, "BYTES")

_LENGTH = struct.Struct("<I")
_UINT64_MAX = 2**64 - 1
_NUMBERS: Final = "numbers of either kind"
_ELEMENTS: Final[dict[str, Any]] = {"BYTES": str, "BOOL": bool, _NUMBERS: int | float}


class Tensor(Struct, frozen=True, gc=False):
    """A tensor that has been read.

    Attributes:
        name: As the caller calls it.
        datatype: One of :data:`DATATYPES`.
        shape: Rows first; no dimension after the first is 0.
        flat: Its values, row major: numbers, truths, text or (packed BYTES) bytes. ``None`` is a
            missing value: null in JSON, NaN among packed floats.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]
    flat: list[Any]

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return self.shape[0]


def check_form(name: str, datatype: str, shape: Sequence[int]) -> tuple[int, ...]:
    """Hold what is declared of a tensor to what can be.

    Raises:
        InputError: An unknown datatype, or a shape that no batch has.
    """
    if datatype not in DATATYPES:
        raise of_tensor(name, f"datatype {datatype[:20]!r}; accepted are {', '.join(DATATYPES)}")
    if not 1 <= len(shape) <= RANK_MAX or min(shape) < 0 or 0 in shape[1:]:
        raise of_tensor(
            name,
            f"shape {shown(shape)}; accepted is [rows, …] of at most {RANK_MAX} dimensions, none "
            "below 0 and none but the first 0",
        )
    return tuple(shape)


def from_json(name: str, datatype: str, shape: tuple[int, ...], data: bytes) -> Tensor:
    """Read a tensor whose values are JSON: one flat list, or lists within lists as in the shape.

    Raises:
        InputError: They are of another type, or not as many as the shape says.

    >>> from_json("x", "FP32", (2, 1), b"[0.5, null]").flat
    [0.5, None]
    """
    depth = _depth(data)
    if not 1 <= depth <= max(len(shape), 1):
        raise of_tensor(name, f"data nested {depth} deep; accepted is as deep as its shape, or 1")
    try:
        values = _decoder(datatype, depth).decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        whole = _whole(datatype, depth, data)
        if whole is None:
            pointer, what = split(str(error))
            raise of_tensor(name, f"data{pointer}: {what}") from None
        values = whole
    for level in range(depth - 1):
        if any(len(inner) != shape[level + 1] for inner in values):
            raise of_tensor(name, f"data that does not nest as its shape {shown(shape)} says")
        values = [value for inner in values for value in inner]
    _check_count(name, shape, len(values))
    return Tensor(name, datatype, shape, _as_declared(name, datatype, values))


def from_packed(name: str, datatype: str, shape: tuple[int, ...], data: memoryview) -> Tensor:
    """Read a tensor whose values are packed bytes.

    Raises:
        InputError: They are not as many as the shape says, or no values of the datatype.

    >>> from_packed("x", "INT16", (2,), memoryview(bytes([1, 0, 255, 255]))).flat
    [1, -1]
    """
    if datatype == "BYTES":
        pieces = _pieces(name, data)
        _check_count(name, shape, len(pieces))
        return Tensor(name, datatype, shape, pieces)
    dtype = np.dtype(PACKED[datatype])
    count = math.prod(shape)
    if len(data) != count * dtype.itemsize:
        raise of_tensor(
            name,
            f"{len(data)} packed bytes; its shape {shown(shape)} of {datatype} takes "
            f"{count * dtype.itemsize}",
        )
    values = np.frombuffer(data, dtype)
    if datatype == "BOOL":
        if values.size and values.max() > 1:
            raise of_tensor(name, f"a packed BOOL of {values.max()}; accepted are 0 and 1")
        values = values.astype(bool)
    if datatype == "BF16":
        values = (values.astype("<u4") << 16).view("<f4")
    return Tensor(name, datatype, shape, _plain(name, datatype, values))


def nested(tensor: Tensor) -> list[Any]:
    """Return the rows of a tensor, each nested as the shape says.

    >>> nested(Tensor("x", "INT8", (2, 2), [1, 2, 3, 4]))
    [[1, 2], [3, 4]]
    """
    values = tensor.flat
    for size in reversed(tensor.shape[1:]):
        values = [values[at : at + size] for at in range(0, len(values), size)]
    return values


def pack(datatype: str, values: Sequence[Any]) -> bytes:
    r"""Return values packed; missing ones are NaN or, among BYTES, empty.

    >>> pack("BYTES", ["no", None]), pack("BOOL", [True, False])
    (b'\x02\x00\x00\x00no\x00\x00\x00\x00', b'\x01\x00')
    """
    if datatype == "BYTES":
        parts = []
        for value in values:
            text = b"" if value is None else value.encode(errors="replace")
            parts += [_LENGTH.pack(len(text)), text]
        return b"".join(parts)
    if datatype in FLOATS:
        values = [math.nan if value is None else value for value in values]
    if datatype == "BF16":
        return _halved(np.array(values, "<f4")).tobytes()
    return np.array(values, PACKED[datatype]).tobytes()


def of_tensor(name: str, what: str) -> InputError:
    """Build the error for a tensor that is not as it should be."""
    return InputError(
        f"the tensor {name[:100]!r} has {what}.",
        hint="GET /v2/models/NAME says what the model takes.",
        details={"tensor": name[:100]},
    )


def shown(shape: Sequence[int]) -> str:
    """Return a shape as it may be repeated in a message.

    >>> shown((2, -1))
    '[2, -1]'
    """
    sizes = [str(size)[:20] for size in shape[: RANK_MAX + 1]]
    return f"[{', '.join(sizes)}{', …' if len(shape) > len(sizes) else ''}]"


def _depth(data: bytes) -> int:
    """Count the lists that open before the first value: what comes after must nest alike."""
    depth = 0
    for byte in data:
        if byte == ord("["):
            depth += 1
            if depth > RANK_MAX:
                break
        elif byte not in b" \t\r\n":
            break
    return depth


def _whole(datatype: str, depth: int, data: bytes) -> Any:
    """Read whole numbers some of which are written as 1.0, which JSON tells from 1 nowhere.

    The bounds of the datatype hold for them too; ``None`` where there is anything else.
    """
    if datatype not in INTEGERS:
        return None
    try:
        values = _decoder(_NUMBERS, depth).decode(data)
        return msgspec.convert(values, _decoder(datatype, depth).type, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


@lru_cache(maxsize=len(DATATYPES) * RANK_MAX)
def _decoder(datatype: str, depth: int) -> msgspec.json.Decoder[Any]:
    kind: Any = _element(datatype)
    for _ in range(depth):
        kind = list[kind]
    return msgspec.json.Decoder(kind)


def _element(datatype: str) -> Any:
    if datatype in INTEGERS:
        return _bounded(datatype) | None
    return _ELEMENTS.get(datatype, float) | None


def _bounded(datatype: str) -> Any:
    bits = int(datatype.lstrip("UINT"))
    if datatype == "UINT64":
        # The decoder's own bounds end at 63 bits; the rest is checked beside it.
        return Annotated[int, Meta(ge=0)]
    if datatype[0] == "U":
        return Annotated[int, Meta(ge=0, le=2**bits - 1)]
    return Annotated[int, Meta(ge=-(2 ** (bits - 1)), le=2 ** (bits - 1) - 1)]


def _as_declared(name: str, datatype: str, values: list[Any]) -> list[Any]:
    """Return the values as exact as the datatype is: the same by JSON as packed."""
    if datatype == "UINT64":
        if any(value is not None and value > _UINT64_MAX for value in values):
            raise of_tensor(name, "a number that UINT64 does not hold")
        return values
    if datatype not in FLOATS or datatype == "FP64":
        return values
    with np.errstate(over="ignore"):
        exact = np.array([math.nan if value is None else value for value in values], np.float64)
        coarse = exact.astype("<f2" if datatype == "FP16" else "<f4")
        if datatype == "BF16":
            coarse = (_halved(coarse).astype("<u4") << 16).view("<f4")
    return _plain(name, datatype, coarse)


def _plain(name: str, datatype: str, values: np.ndarray) -> list[Any]:
    if datatype not in FLOATS:
        listed: list[Any] = values.tolist()
        return listed
    finite = np.isfinite(values)
    listed = values.tolist()
    if not finite.all():
        if np.isinf(values).any():
            raise of_tensor(name, f"a value that is infinite, or larger than {datatype} holds")
        for place in np.flatnonzero(~finite).tolist():
            listed[place] = None
    return listed


def _halved(values: np.ndarray) -> np.ndarray:
    """Return the upper half of each 32-bit float, rounded to nearest even: bfloat16."""
    bits = values.view("<u4")
    rounded = bits + (0x7FFF + ((bits >> 16) & 1)).astype("<u4")
    # Rounding up would carry a NaN over into another number.
    halves: np.ndarray = np.where(np.isnan(values), 0x7FC0, rounded >> 16).astype("<u2")
    return halves


def _pieces(name: str, data: memoryview) -> list[bytes]:
    found, at, end = [], 0, len(data)
    while at < end:
        if at + _LENGTH.size > end:
            raise of_tensor(name, "packed BYTES that end within a length")
        (length,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size
        if at + length > end:
            raise of_tensor(name, f"a packed element of {length} bytes where {end - at} are left")
        found.append(bytes(data[at : at + length]))
        at += length
    return found


def _check_count(name: str, shape: tuple[int, ...], received: int) -> None:
    if math.prod(shape) != received:
        raise of_tensor(
            name, f"{received} values; its shape {shown(shape)} takes {math.prod(shape)}"[:300]
        )
