from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest

from seatrial.core.errors import BodyTooLargeError, InputError, MalformedBodyError
from seatrial.serve.doors.encoding import inflated

BODY = b'{"inputs": []}' * 20


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        (b"gzip", gzip.compress(BODY)),
        (b" GZip ", gzip.compress(BODY)),
        (b"deflate", zlib.compress(BODY)),
        (b"identity", BODY),
        (b"", BODY),
    ],
)
def test_what_clients_compress_is_inflated(encoding, body):
    """gzip and deflate, as tritonclient sends them."""
    assert inflated({b"content-encoding": encoding}, body, max_bytes=1000) == BODY


def test_a_body_of_exactly_the_limit_is_taken():
    """One byte more is not."""
    body = gzip.compress(BODY)
    headers = {b"content-encoding": b"gzip"}
    assert inflated(headers, body, max_bytes=len(BODY)) == BODY
    with pytest.raises(BodyTooLargeError):
        inflated(headers, body, max_bytes=len(BODY) - 1)


def test_a_bomb_is_not_inflated():
    """A hundred megabytes from a hundred kilobytes: memory stays near the limit."""
    packer = zlib.compressobj()
    bomb = b"".join(packer.compress(bytes(2**20)) for _ in range(100)) + packer.flush()
    tracemalloc.start()
    try:
        with pytest.raises(BodyTooLargeError, match="inflates to more than 1000 bytes"):
            inflated({b"content-encoding": b"deflate"}, bomb, max_bytes=1000)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "body", [b"", b"plain", gzip.compress(BODY)[:-5], gzip.compress(BODY) + b"more"]
)
def test_what_does_not_inflate_is_malformed(body):
    """Truncated, followed by something, or not compressed at all."""
    with pytest.raises(MalformedBodyError):
        inflated({b"content-encoding": b"gzip"}, body, max_bytes=1000)


def test_other_encodings_are_415():
    """Also two at once."""
    for encoding in (b"br", b"gzip, gzip", b"x" * 5000):
        with pytest.raises(InputError) as caught:
            inflated({b"content-encoding": encoding}, b"", max_bytes=1000)
        assert caught.value.details["http_status"] == 415
        assert len(caught.value.message) < 300
