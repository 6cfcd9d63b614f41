"""Images are shown where they are images that cannot hold a script."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
import pytest

from seatrial.web.pictures import PIXELS_MAX, picture_of


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def png(width, height):
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + head + bytes(4)


def jpeg(width, height):
    app = b"\xff\xe0" + struct.pack(">H", 16) + bytes(14)
    frame = b"\xff\xc2" + struct.pack(">HBHH", 11, 8, height, width) + bytes(4)
    return b"\xff\xd8" + app + frame


def webp(kind, body):
    return b"RIFF" + bytes(4) + b"WEBP" + kind + bytes(4) + body


FILES = {
    "png": png(640, 480),
    "jpeg": jpeg(640, 480),
    "gif": b"GIF89a" + struct.pack("<HH", 640, 480),
    "webp": webp(b"VP8X", bytes(4) + (639).to_bytes(3, "little") + (479).to_bytes(3, "little")),
    "lossless": webp(b"VP8L", b"\x2f" + struct.pack("<I", 639 | 479 << 14)),
    "lossy": webp(b"VP8 ", bytes(6) + struct.pack("<HH", 640, 480)),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_tells_its_size_and_is_shown(name) -> None:
    picture = picture_of(encoded(FILES[name]))
    assert (picture.width, picture.height) == (640, 480)
    kind = {"lossless": "webp", "lossy": "webp"}.get(name, name)
    assert picture.url.startswith(f"data:image/{kind};base64,")


def test_a_data_url_is_believed_by_what_it_holds_only() -> None:
    picture = picture_of(f"data:text/html;base64,{encoded(FILES['png'])}")
    assert picture.url.startswith("data:image/png;base64,")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "no base64 at all!",
        encoded(b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"),
        "data:image/svg+xml,<svg onload=alert(1)>",
        encoded(b"<html><script>alert(1)</script>"),
        encoded(FILES["png"][:18]),
        encoded(b"\xff\xd8\xff"),
        encoded(webp(b"EVIL", bytes(40))),
        encoded(png(0, 10)),
        encoded(png(100_000, 100_000)),
        encoded(FILES["png"]) + "é",
        7,
        None,
        {"image": 1},
    ],
)
def test_anything_else_is_not_shown_as_an_image(value) -> None:
    assert picture_of(value) is None


def test_as_many_pixels_as_a_browser_holds_are_shown() -> None:
    assert picture_of(encoded(png(PIXELS_MAX // 1000, 1000)))
    assert picture_of(encoded(png(PIXELS_MAX // 1000 + 1, 1000))) is None


def unpacked(picture):
    """Read a PNG of ours again."""
    data = base64.b64decode(picture.url.partition(",")[2])
    at = data.index(b"IDAT")
    (length,) = struct.unpack(">I", data[at - 4 : at])
    lines = zlib.decompress(data[at + 4 : at + 4 + length])
    return np.frombuffer(lines, np.uint8).reshape(picture.height, -1)[:, 1:]


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1), (2, 3, 3), (2, 3, 4)])
def test_pixel_values_become_an_image(shape) -> None:
    pixels = np.arange(np.prod(shape)).reshape(shape) * 7
    picture = picture_of(pixels.tolist())
    assert (picture.width, picture.height) == (3, 2)
    assert (unpacked(picture) == pixels.reshape(2, -1)).all()


def test_fractions_go_from_black_to_white() -> None:
    assert unpacked(picture_of([[0.0, 0.5, 1.0]])).tolist() == [[0, 128, 255]]


@pytest.mark.parametrize(
    "value", [[], [[]], [1, 2], [[1], [1, 2]], [["a"]], [[[1, 2]]], [[float("nan")]]]
)
def test_lists_that_are_no_image_are_not_shown_as_one(value) -> None:
    assert picture_of(value) is None
