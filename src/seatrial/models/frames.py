"""What a model process and its parent say to each other: length-prefixed msgpack, typed.

A frame is four bytes of length (little endian) and one msgpack message. Arrays travel as extension
``ARRAY`` (dtype, shape, raw bytes); no pickle, ever. The codec does no input or output of its own,
so that a blocking parent, an asyncio server and the child share it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Literal

import msgspec
import numpy as np
from msgspec import Struct

from seatrial.core.errors import InputError, SeatrialError, from_wire
from seatrial.core.settings import Settings
from seatrial.models.subject import Batch, Trace

ARRAY = 1
"""Extension code of a NumPy array."""

FRAME_MAX_BYTES = 1 << 30
"""A frame larger than this is a mistake: a gibibyte of inputs in one call."""

_LENGTH = struct.Struct("<I")

Operation = Literal["answer", "trace", "size", "variants"]


class Open(Struct, frozen=True, tag="open"):
    """Parent → child, once: load this model."""

    folder: str
    settings: Settings
    variant: str = "original"


class Ask(Struct, frozen=True, tag="ask"):
    """Parent → child: run one operation. ``variant`` names one that the model itself brings."""

    id: int
    operation: Operation
    inputs: list[Any] = []
    variant: str = ""


class Hello(Struct, frozen=True, tag="hello"):
    """Child → parent, once: the model is loaded."""

    takes_batches: bool
    visible: bool
    load_s: float
    rss_bytes: int


class Told(Struct, frozen=True, tag="told"):
    """Child → parent: what an operation gave; the field of that operation is set."""

    id: int
    batch: Batch | None = None
    trace: Trace | None = None
    sizes: list[int] = []
    names: list[str] = []


class Failed(Struct, frozen=True, tag="failed"):
    """Child → parent: the operation (or, with id 0, the loading) failed."""

    id: int
    code: str
    message: str
    hint: str = ""
    details: dict[str, Any] = {}

    @classmethod
    def of(cls, error: SeatrialError, *, ask: int) -> Failed:
        """Build the message for an error; details that cannot travel become text."""
        details = {key: _portable(value) for key, value in error.details.items()}
        return cls(ask, error.code, error.message, error.hint, details)

    def error(self) -> SeatrialError:
        """Rebuild the error on the other side."""
        return from_wire(self.code, self.message, hint=self.hint, details=self.details)


Message = Open | Ask | Hello | Told | Failed


def encode(message: Message) -> bytes:
    """Return the frame of a message.

    Raises:
        InputError: A value in it cannot travel (a number beyond 64 bits, an unknown type).

    >>> frame = encode(Ask(1, "answer", ["hello"]))
    >>> next(FrameReader().feed(frame)).inputs
    ['hello']
    """
    try:
        body = _encoder.encode(message)
    except (TypeError, OverflowError, UnicodeEncodeError, RecursionError) as error:
        raise InputError(
            f"a value cannot be handed to the model's process: {error}; accepted are the values "
            "that JSON knows, whole numbers of 64 bits, dates, bytes and numeric arrays.",
            hint="Turn it into one of these first.",
        ) from None
    if len(body) > FRAME_MAX_BYTES:
        raise InputError(
            f"one call carries {len(body)} bytes; accepted are {FRAME_MAX_BYTES}.",
            hint="Send fewer rows in one call.",
        )
    return _LENGTH.pack(len(body)) + body


class FrameReader:
    """Turns bytes as they arrive into messages; keeps what is not complete yet."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Any]:
        """Yield every message that ``data`` completes, in order."""
        self._buffer += data
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                return
            body = bytes(memoryview(self._buffer)[_LENGTH.size : end])
            del self._buffer[:end]
            yield _decoder.decode(body)


def _encode_other(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            return value.tolist()
        packed = msgspec.msgpack.encode((value.dtype.str, value.shape, value.tobytes()))
        return msgspec.msgpack.Ext(ARRAY, packed)
    raise TypeError(f"received {type(value).__module__}.{type(value).__name__}")


def _decode_extension(code: int, data: memoryview) -> Any:
    if code != ARRAY:
        raise ValueError(f"unknown extension {code}")
    dtype, shape, raw = msgspec.msgpack.decode(data)
    return np.frombuffer(raw, dtype=np.dtype(dtype)).reshape(shape).copy()


def _portable(value: Any) -> Any:
    try:
        _encoder.encode(value)
    except (TypeError, OverflowError, UnicodeEncodeError, RecursionError):
        return repr(value)
    return value


_encoder = msgspec.msgpack.Encoder(enc_hook=_encode_other)
_decoder = msgspec.msgpack.Decoder(Message, ext_hook=_decode_extension)
