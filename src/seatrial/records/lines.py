"""One event, one line: JSON that carries the checksum of the rest of itself.

``{"crc":"1c291ca3","event":"request",…}``: CRC-32 (ISO 3309, as in zlib) of everything after the
comma, line feed excluded. A line stays NDJSON that any tool reads.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import msgspec
from msgspec import Struct

_HEAD = b'{"crc":"'
_AFTER_CRC = b'",'
_CRC_END = len(_HEAD) + 8
_BODY_START = _CRC_END + len(_AFTER_CRC)


class Lines(Struct, frozen=True):
    """What a segment holds.

    Attributes:
        bodies: The JSON texts whose checksum is right, in order.
        torn: 1 where the file ends inside a line, else 0.
        corrupt: Complete lines whose checksum is wrong.
    """

    bodies: list[bytes]
    torn: int
    corrupt: int


class Stream:
    """The bodies of a segment, one at a time: a segment may be larger than what may be held.

    It can be gone through again; what is counted is of the last time.

    Args:
        reopen: Opens the segment for reading.

    Attributes:
        rows: Lines whose checksum is right.
        torn: 1 where the file ends inside a line, else 0.
        corrupt: Complete lines whose checksum is wrong.
    """

    def __init__(self, reopen: Callable[[], BinaryIO]) -> None:
        self._reopen = reopen
        self.rows = self.torn = self.corrupt = 0

    def __iter__(self) -> Iterator[bytes]:
        self.rows = self.torn = self.corrupt = 0
        with self._reopen() as file:
            for line in file:
                body = _body(line[:-1])
                if not line.endswith(b"\n"):
                    self.torn = 1
                elif body is not None:
                    self.rows += 1
                    yield body
                elif line != b"\n":
                    self.corrupt += 1


def encode(event: Struct) -> bytes:
    r"""Return the line of an event, or of another struct, line feed included.

    >>> from datetime import UTC, datetime
    >>> from seatrial.records.record import Dropped
    >>> encode(Dropped(time=datetime(2026, 1, 2, tzinfo=UTC), count=3))
    b'{"crc":"97c17d47","event":"dropped","time":"2026-01-02T00:00:00Z","count":3}\n'
    """
    try:
        rest = _ENCODER.encode(event)[1:]
    except (TypeError, ValueError, OverflowError, RecursionError):
        rest = _lenient(event)[1:]
    return b"%b%08x%b%b\n" % (_HEAD, zlib.crc32(rest), _AFTER_CRC, rest)


def read(data: bytes) -> Lines:
    """Take a segment apart and keep what can be trusted."""
    complete, _, tail = data.rpartition(b"\n")
    bodies: list[bytes] = []
    corrupt = 0
    for line in complete.split(b"\n") if complete else ():
        body = _body(line)
        if body is not None:
            bodies.append(body)
        elif line:
            corrupt += 1
    return Lines(bodies, int(bool(tail)), corrupt)


def _body(line: bytes) -> bytes | None:
    rest = line[_BODY_START:]
    if line[:_BODY_START] != _HEAD + b"%08x" % zlib.crc32(rest) + _AFTER_CRC:
        return None
    return b"{" + rest


def _plain(value: Any) -> Any:
    """Turn what JSON does not know into what it does; arrays and their scalars by their own way."""
    convert = getattr(value, "tolist", None)
    return convert() if callable(convert) else repr(value)


_ENCODER = msgspec.json.Encoder(enc_hook=_plain)


def _lenient(event: Struct) -> bytes:
    """Write an event whose values break JSON (lone surrogates, huge integers) as near as it can."""
    built = msgspec.to_builtins(event, enc_hook=_plain, str_keys=True)
    try:
        return json.dumps(built, default=repr, allow_nan=False, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        kept = {key: value for key, value in built.items() if key not in {"input", "output"}}
        shown = {key: repr(built.get(key))[:1000] for key in ("input", "output")}
        text = json.dumps({**kept, **shown}, default=repr)
        finite = json.loads(text, parse_constant=lambda _: None)
        return json.dumps(finite, separators=(",", ":")).encode()
