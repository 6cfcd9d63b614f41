"""Images as the page may show them: a data URL of a format that cannot hold a script.

An image arrives as base64 text of a file, or as nested lists of pixel values. SVG is not shown: it
is a program. Neither is what unpacks to more pixels than a browser should be asked to hold.
"""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

PIXELS_MAX = 40_000_000
"""A photograph has a dozen million; unpacked, each takes four bytes of the browser's memory."""

FILE_MAX_BYTES = 8 * 2**20
"""Largest file that is sent to the page, as large as the largest request body by default."""

BITS = 8


class Picture(Struct, frozen=True, tag="image", tag_field="as"):
    """An image as the page shows it; sizes in pixels."""

    url: str
    width: int
    height: int


def picture_of(value: Any) -> Picture | None:
    """Return an input as an image, ``None`` where it is none that may be shown.

    >>> picture_of([[0, 255], [255, 0]]).width
    2
    >>> picture_of("PHN2Zz48L3N2Zz4=") is None
    True
    """
    if isinstance(value, str):
        return _from_file(value)
    if isinstance(value, list):
        return _from_pixels(value)
    return None


def _from_file(text: str) -> Picture | None:
    if text.startswith("data:"):
        text = text.partition(",")[2]
    if not text or len(text) > FILE_MAX_BYTES * 4 / 3 + 4:
        return None
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    for begins, kind, measure in FORMATS:
        if data.startswith(begins):
            try:
                width, height = measure(data)
            except (struct.error, IndexError):
                return None
            return _shown(data, kind, width, height)
    return None


def _shown(data: bytes, kind: str, width: int, height: int) -> Picture | None:
    if not 0 < min(width, height) <= width * height <= PIXELS_MAX:
        return None
    return Picture(f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}", width, height)


def _png_size(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _gif_size(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from("<HH", data, 6)
    return width, height


def _webp_size(data: bytes) -> tuple[int, int]:
    """Return the size that the first chunk tells (RFC 9649, sections 2.4 to 2.7)."""
    chunk = data[12:16]
    if data[8:12] == b"WEBP" and chunk == b"VP8X":
        return _three_bytes(data, 24) + 1, _three_bytes(data, 27) + 1
    if data[8:12] == b"WEBP" and chunk == b"VP8L":
        (packed,) = struct.unpack_from("<I", data, 21)
        return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    if data[8:12] == b"WEBP" and chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return 0, 0


def _three_bytes(data: bytes, at: int) -> int:
    return data[at] | data[at + 1] << 8 | data[at + 2] << 16


_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""JPEG markers of a frame header, which tells the size (ITU T.81, table B.1)."""


def _jpeg_size(data: bytes) -> tuple[int, int]:
    at = 2
    while data[at] == 0xFF:  # noqa: PLR2004  (begins every marker)
        marker = data[at + 1]
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        (length,) = struct.unpack_from(">H", data, at + 2)
        at += 2 + length
    return 0, 0


FORMATS: tuple[tuple[bytes, str, Callable[[bytes], tuple[int, int]]], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png", _png_size),
    (b"\xff\xd8\xff", "image/jpeg", _jpeg_size),
    (b"GIF87a", "image/gif", _gif_size),
    (b"GIF89a", "image/gif", _gif_size),
    (b"RIFF", "image/webp", _webp_size),
)
"""How a file begins, what it then is, and how large: the sender's word is not taken for it."""


def _from_pixels(value: list[Any]) -> Picture | None:
    """Return rows of columns, grey or of 1, 3 or 4 channels, as PNG; fractions are 0 to 1."""
    try:
        pixels = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    if pixels.ndim == 3 and pixels.shape[2] == 1:  # noqa: PLR2004  (rows, columns, channels)
        pixels = pixels[:, :, 0]
    channels = {2: 1, 3: pixels.shape[-1]}.get(pixels.ndim, 0)
    if channels not in COLOURS or not pixels.size or not np.isfinite(pixels).all():
        return None
    if pixels.max() <= 1.0 and pixels.min() >= 0.0 and (pixels % 1).any():
        pixels = pixels * 255
    data = _png(np.clip(pixels, 0, 255).round().astype(np.uint8), COLOURS[channels])
    return _shown(data, "image/png", pixels.shape[1], pixels.shape[0])


COLOURS = {1: 0, 3: 2, 4: 6}
"""Channels, and what PNG calls such an image (ISO 15948, table 11.1)."""


def _png(pixels: NDArray[np.uint8], colour: int) -> bytes:
    height, width = pixels.shape[:2]
    # Each line begins with its filter: 0, as it is.
    lines = np.zeros((height, 1 + pixels[0].size), np.uint8)
    lines[:, 1:] = pixels.reshape(height, -1)
    head = struct.pack(">IIBBBBB", width, height, BITS, colour, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(lines.tobytes())), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
