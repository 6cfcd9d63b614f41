"""What a model prints: whole lines on standard error, and not more than a log can take."""

from __future__ import annotations

import io
import os
import sys
import threading
import time
from collections.abc import Callable

LINE_MAX_BYTES = 4_096
"""Longer lines are cut: up to here a pipe keeps the lines of several processes apart."""

BURST_BYTES = 1 << 20
"""What may be printed at once, as while loading."""

STEADY_BYTES_PER_S = 1 << 16
"""What may be printed for long."""


class Prints(io.TextIOBase):
    """A text stream that writes whole lines to a descriptor, and leaves out what is too much.

    Args:
        descriptor: Where to.
        now_s: Gives the time.
    """

    def __init__(self, descriptor: int = 2, *, now_s: Callable[[], float] = time.monotonic) -> None:
        self._descriptor = descriptor
        self._now_s = now_s
        self._lock = threading.RLock()
        self._begun = ""
        self._left_bytes = float(BURST_BYTES)
        self._filled_s = now_s()
        self._left_out = 0

    @property
    def buffer(self) -> io.BufferedWriter:
        """For whoever writes bytes: the descriptor itself, which knows no bound."""
        whole = sys.__stderr__
        if whole is None:
            raise OSError("there is no standard error")
        return whole.buffer  # type: ignore[return-value]  # declared wider than it is

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a plain attribute there
        """UTF-8, whatever the terminal."""
        return "utf-8"

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def writable(self) -> bool:
        """Say that it can be written to."""
        return True

    def isatty(self) -> bool:
        """Say that nobody looks: no colours, no progress bars."""
        return False

    def write(self, text: str) -> int:
        """Take text; whole lines are written at once."""
        with self._lock:
            *lines, self._begun = (self._begun + text).split("\n")
            for line in lines:
                self._put(line)
            self._begun = self._begun[: LINE_MAX_BYTES + 1]  # one more, so that it shows as cut
        return len(text)

    def flush(self) -> None:
        """Write the line that has begun, too."""
        with self._lock:
            begun, self._begun = self._begun, ""
            if begun:
                self._put(begun)

    def _put(self, line: str) -> None:
        now_s = self._now_s()
        gained = (now_s - self._filled_s) * STEADY_BYTES_PER_S
        self._left_bytes = min(self._left_bytes + gained, BURST_BYTES)
        self._filled_s = now_s
        data = line.encode("utf-8", "backslashreplace")
        if len(data) >= LINE_MAX_BYTES:
            data = data[: LINE_MAX_BYTES - 4] + "…".encode()
        if self._left_bytes < len(data) + 1:
            self._left_out += 1
            return
        if self._left_out:
            data = f"({self._left_out} lines of the model were left out)\n".encode() + data
            self._left_out = 0
        self._left_bytes -= len(data) + 1
        self._write(data + b"\n")

    def _write(self, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError:  # nobody reads any more: a model must not fail for that
            return
