"""What a model process and its parent say to each other: length-prefixed msgpack, typed.

A frame is four bytes of length (little endian) and one msgpack message. Arrays travel as extension
``ARRAY`` (dtype, shape, raw bytes), large ones as ``SHARED`` (dtype, shape, place in a
:class:`~seatrial.models.region.Region`); no pickle, ever. The codec reads and writes no socket, so
that a blocking parent, an asyncio server and the child share it.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import Struct

from seatrial.core.errors import InputError, SeatrialError, from_wire
from seatrial.core.settings import Settings
from seatrial.models.region import SHARED_MIN_BYTES, Region
from seatrial.models.subject import Batch, Trace

if TYPE_CHECKING:
    import numpy as np

ARRAY = 1
"""Extension code of a NumPy array."""

SHARED = 2
"""Extension code of a NumPy array that lies in a region."""

FRAME_MAX_BYTES = 1 << 30
"""A frame larger than this is a mistake: a gibibyte of inputs in one call."""

_LENGTH = struct.Struct("<I")
_UNABLE = (TypeError, OverflowError, UnicodeEncodeError, RecursionError)

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
    pid: int = 0
    forks: bool = False
    """Whether it can be forked: see :func:`seatrial.models.forking.forkable`."""


class Fork(Struct, frozen=True, tag="fork"):
    """Parent → child that has said it ``forks``: a copy of you serves what travels beside this.

    These are four descriptors: socket, lifeline, the parent's region, the copy's region. The copy
    says Hello there.
    """

    number: int


class Bury(Struct, frozen=True, tag="bury"):
    """Parent → child: wait for a copy that ends."""

    number: int


class Buried(Struct, frozen=True, tag="buried"):
    """Child → parent: a copy is gone; with its exit status, negative for a signal, if known."""

    number: int
    status: int | None


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
        message = error.message.encode("utf-8", "replace").decode()
        return cls(ask, error.code, message, error.hint, details)

    def error(self) -> SeatrialError:
        """Rebuild the error on the other side."""
        return from_wire(self.code, self.message, hint=self.hint, details=self.details)


Message = Open | Ask | Fork | Bury | Hello | Told | Buried | Failed


class FrameWriter:
    """Turns messages into frames.

    Args:
        region: Where large arrays are put; without one they travel in the frame. A message must
            have been read before the next one is encoded.
    """

    def __init__(self, region: Region | None = None) -> None:
        self._region = region
        self._encode = msgspec.msgpack.Encoder(enc_hook=self._other).encode

    def takes(self, value: Any) -> bool:
        """Say whether a value can travel."""
        try:
            self._encode(value)
        except _UNABLE:
            return False
        return True

    def encode(self, message: Message) -> bytes:
        """Return the frame of a message.

        Raises:
            InputError: A value in it cannot travel (a number beyond 64 bits, an unknown type).
        """
        if self._region is not None:
            self._region.begin()
        try:
            body = self._encode(message)
        except _UNABLE as error:
            raise InputError(
                f"a value cannot be handed to the model's process: {error}; accepted are the "
                "values that JSON knows, whole numbers of 64 bits, dates, bytes and numeric "
                "arrays.",
                hint="Turn it into one of these first.",
            ) from None
        if len(body) > FRAME_MAX_BYTES:
            raise InputError(
                f"one call carries {len(body)} bytes; accepted are {FRAME_MAX_BYTES}.",
                hint="Send fewer rows in one call.",
            )
        return _LENGTH.pack(len(body)) + body

    def _other(self, value: Any) -> Any:
        # Where nobody has imported NumPy, nothing can be an array.
        np = sys.modules.get("numpy")
        if np is not None and isinstance(value, np.generic):
            return value.item()
        if np is not None and isinstance(value, np.ndarray):
            return value.tolist() if value.dtype.hasobject else self._array(value)
        raise TypeError(f"received {type(value).__module__}.{type(value).__name__}")

    def _array(self, value: np.ndarray) -> msgspec.msgpack.Ext:
        if self._region is not None and value.nbytes >= SHARED_MIN_BYTES:
            start = self._region.put(value)
            if start is not None:
                place = msgspec.msgpack.encode((value.dtype.str, value.shape, start))
                return msgspec.msgpack.Ext(SHARED, place)
        packed = msgspec.msgpack.encode((value.dtype.str, value.shape, value.tobytes()))
        return msgspec.msgpack.Ext(ARRAY, packed)


class FrameReader:
    """Turns bytes as they arrive into messages; keeps what is not complete yet.

    Args:
        region: Where the other side puts large arrays.
    """

    def __init__(self, region: Region | None = None) -> None:
        self._region = region
        self._buffer = bytearray()
        self._decode = msgspec.msgpack.Decoder(Message, ext_hook=self._extension).decode

    def feed(self, data: bytes) -> Iterator[Any]:
        """Yield every message that ``data`` completes, in order.

        Raises:
            ValueError: These are no frames.
        """
        if not self._buffer and len(data) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(data)
            if len(data) == _LENGTH.size + length:  # as nearly always: one message, whole
                yield self._decode(memoryview(data)[_LENGTH.size :])
                return
        self._buffer += data
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if length > FRAME_MAX_BYTES:
                raise ValueError(f"a frame of {length} bytes")
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                return
            body = bytes(memoryview(self._buffer)[_LENGTH.size : end])
            del self._buffer[:end]
            yield self._decode(body)

    def _extension(self, code: int, data: memoryview) -> Any:
        if code == ARRAY:
            import numpy as np

            dtype, shape, raw = msgspec.msgpack.decode(data)
            return np.frombuffer(raw, dtype=np.dtype(dtype)).reshape(shape).copy()
        if code == SHARED and self._region is not None:
            return self._region.take(*msgspec.msgpack.decode(data, type=tuple[str, list[int], int]))
        raise ValueError(f"unknown extension {code}")


def encode(message: Message) -> bytes:
    """Return the frame of a message that carries its arrays itself; see :class:`FrameWriter`.

    >>> frame = encode(Ask(1, "answer", ["hello"]))
    >>> next(FrameReader().feed(frame)).inputs
    ['hello']
    """
    return _plain.encode(message)


def _portable(value: Any) -> Any:
    return value if _plain.takes(value) else repr(value)


_plain = FrameWriter()
