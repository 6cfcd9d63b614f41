"""Keeps this process steady while a model that lives in it is timed.

Two habits of numeric libraries make cliffs that are none of the model's: a pool of threads that
spins for its turn on a busy machine, used from some size of matrix on, and an allocator that gives
large arrays back to the system after every call, so that the next one pays for fresh pages
(measured: 20 us a MiB kept, 260 us a MiB fresh, from 32 MiB on). Model processes started by
seatrial have neither.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4
"""Parameters of glibc's ``mallopt`` (malloc.h)."""

_KEEP = ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, 2**31 - 1))
_USUAL = ((_MMAP_MAX, 65536), (_MMAP_THRESHOLD, 32 * 1024**2), (_TRIM_THRESHOLD, 64 * 1024**2))
"""What glibc's own adjustment arrives at in a process that has used large arrays."""


@contextmanager
def steady() -> Iterator[None]:
    """Use one thread, and keep freed memory, inside this block."""
    from threadpoolctl import threadpool_limits

    _tell_allocator(_KEEP)
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        _tell_allocator(_USUAL)


def _tell_allocator(options: tuple[tuple[int, int], ...]) -> None:
    if sys.platform != "linux":
        return
    library: Any = ctypes.CDLL(None)
    if not hasattr(library, "mallopt"):  # glibc has it; musl has not
        return
    for option, value in options:
        library.mallopt(ctypes.c_int(option), ctypes.c_int(value))
