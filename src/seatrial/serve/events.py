"""What the server says about itself on standard error: one JSON object a line, named fields."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, TextIO

import msgspec

from seatrial.core.clock import SYSTEM, Clock

BURST = 20
"""Lines of one kind in one second; more are counted, so that a failing model floods no disk."""


class Events:
    """Writes events; whoever says one leaves out what users sent where that is not kept.

    Args:
        stream: Where to; default standard error.
        clock: Where time comes from.
    """

    def __init__(self, stream: TextIO | None = None, *, clock: Clock = SYSTEM) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self._seen: dict[str, tuple[int, int]] = {}

    def say(self, event: str, fields: Mapping[str, Any] | None = None) -> None:
        """Write one event, or count it where there are too many of its kind."""
        second = int(self._clock.now_s())
        since, count = self._seen.get(event, (second, 0))
        left_out = max(count - BURST, 0) if since != second else 0
        count = count + 1 if since == second else 1
        self._seen[event] = (second, count)
        if count > BURST:
            return
        line: dict[str, Any] = {"time": self._clock.utc(), "event": event, **(fields or {})}
        if left_out:
            line["left_out"] = left_out
        try:
            self._stream.write(msgspec.json.encode(line).decode() + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            return  # nobody listens; that must not stop the server
