"""Request ids that tell a server of the same model whether it, or a twin, gave them out.

An id is 20 bytes in hexadecimal: wall time in milliseconds (6), rows of the request (3), chance
(7), and a check (4) keyed with the model's name. So feedback for an id that was never given, or
for a row that was never asked, is refused without a search, and ids sort by time.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable

_TIME, _ROWS, _CHANCE, _CHECK = 6, 3, 7, 4

_DRAWN = 256
"""Ids whose chance is drawn at once: asking the kernel for each costs more than all the rest."""

ROWS_MAX = 256**_ROWS - 1
"""Most rows that an id can name; more are refused long before."""

TRACE_PARENT = re.compile(
    rb"^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}\Z"
)
"""A valid W3C ``traceparent``; anything else is ignored and a new trace begun."""


class Identifiers:
    """Gives out and recognises the request ids of one model.

    Args:
        model: Its name.
        wall_s: Where wall time comes from, in seconds since 1970.
        chance: Returns so many random bytes.

    >>> ids = Identifiers("sentiment")
    >>> ids.rows_of(ids.new(3)), ids.rows_of("0" * 40), ids.rows_of("nonsense")
    (3, None, None)
    """

    def __init__(
        self,
        model: str,
        *,
        wall_s: Callable[[], float] = time.time,
        chance: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._keyed = hashlib.blake2b(key=model.encode()[:64], digest_size=_CHECK)
        self._wall_s = wall_s
        self._chance = chance
        self._drawn = b""

    def new(self, rows: int) -> str:
        """Return a new id for a request of so many rows."""
        body = (
            int(self._wall_s() * 1000).to_bytes(_TIME, "big")
            + min(rows, ROWS_MAX).to_bytes(_ROWS, "big")
            + self._draw()
        )
        made: bytes = body + self._check(body)
        return made.hex()

    def _draw(self) -> bytes:
        if not self._drawn:
            self._drawn = self._chance(_CHANCE * _DRAWN)
        drawn, self._drawn = self._drawn[:_CHANCE], self._drawn[_CHANCE:]
        return drawn

    def rows_of(self, identifier: str) -> int | None:
        """Return how many rows the request of an id had; ``None`` if it was never given out."""
        try:
            data = bytes.fromhex(identifier)
        except ValueError:
            return None
        body, check = data[:-_CHECK], data[-_CHECK:]
        if len(body) != _TIME + _ROWS + _CHANCE or check != self._check(body):
            return None
        return int.from_bytes(body[_TIME : _TIME + _ROWS], "big")

    def _check(self, body: bytes) -> bytes:
        keyed = self._keyed.copy()
        keyed.update(body)
        return keyed.digest()


def trace_parent(received: bytes) -> bytes | None:
    """Return the caller's ``traceparent`` where it is valid.

    >>> trace_parent(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")[:10]
    b'00-4bf92f3'
    """
    return received if TRACE_PARENT.match(received) else None
