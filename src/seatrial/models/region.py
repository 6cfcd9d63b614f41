"""Memory that two processes hold by descriptor: large arrays lie in it, beside their message.

One side writes, the other reads, in turns: a message's arrays are written before it is sent and
read before the next one. There is no name that could be left behind, whoever dies: the memory goes
with the last descriptor. It is read and written like a file, not mapped, so that a model that cuts
it short costs the reader an error and not its life.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np

SHARED_MIN_BYTES: Final = 128 * 1024
"""Smaller arrays travel in the message: at half of this, that takes as long."""

CAPACITY_BYTES: Final = 1 << 28
"""What one region may hold; further arrays of the same message travel in it."""

KEPT_BYTES: Final = 1 << 26
"""What it keeps for the next message: fresh memory costs as much as the copy."""


class Region:
    """One direction of the hand-over.

    Args:
        descriptor: Of the memory; owned from now on.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._used = 0
        self._size = 0

    @classmethod
    def create(cls) -> Region:
        """Make an empty one; an unnamed temporary file where the system has no such memory."""
        if hasattr(os, "memfd_create"):
            return cls(os.memfd_create("seatrial-arrays"))
        import tempfile

        with tempfile.TemporaryFile() as file:
            return cls(os.dup(file.fileno()))

    def fileno(self) -> int:
        """Return its descriptor."""
        return self._descriptor

    def begin(self) -> None:
        """Start a new message: what the last one left may be written over."""
        self._used = 0
        if self._size > KEPT_BYTES:
            os.ftruncate(self._descriptor, 0)
            self._size = 0

    def put(self, array: np.ndarray) -> int | None:
        """Write an array; return where it lies, or ``None`` where there is no room.

        Args:
            array: Of any shape, without Python objects.
        """
        import numpy as np

        start = self._used
        if start + array.nbytes > CAPACITY_BYTES:
            return None
        left = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
        try:
            while left:
                left = left[os.pwrite(self._descriptor, left, self._used) :]
                self._used = start + array.nbytes - len(left)
        except OSError:  # the machine has no more memory to share
            return None
        self._size = max(self._size, self._used)
        return start

    def take(self, dtype: str, shape: Sequence[int], start: int) -> np.ndarray:
        """Read an array that the other side has put.

        Raises:
            ValueError: Nothing of that kind lies there.
        """
        import numpy as np

        kind = np.dtype(dtype)
        count = math.prod(shape) * kind.itemsize
        if kind.hasobject or min(shape, default=0) < 0 or not 0 <= count <= CAPACITY_BYTES:
            raise ValueError(f"no array can be {dtype} of {shape}")
        found = np.empty(count, np.uint8)
        left = found.data
        while left:
            got = os.preadv(self._descriptor, [left], start + count - len(left))
            if not got:
                raise ValueError(f"{len(left)} bytes of an array are missing")
            left = left[got:]
        return found.view(kind).reshape(shape)

    def close(self) -> None:
        """Let go of it."""
        # Forgotten first: its number may be another file's as soon as it is closed.
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
