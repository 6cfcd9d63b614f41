"""Whether a process that has loaded a model may be forked: its copies share what was loaded.

A copy of a process has one thread, whichever its original had, and shares the descriptors: the
place in a file, the bytes of a connection. So only a process is forked whose model has neither.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from typing import Any

HARMLESS = frozenset({"/dev/null", "/dev/random", "/dev/urandom", "/dev/zero"})
"""Files without a place in them."""

_DESCRIPTORS = "/proc/self/fd"
_THREADS = "/proc/self/task"


def open_descriptors() -> frozenset[int]:
    """Return the descriptors of this process, where the system tells; else none."""
    try:
        names = os.listdir(_DESCRIPTORS)  # noqa: PTH208  (hot)
    except OSError:
        return frozenset()
    return frozenset(filter(_open, map(int, names)))  # one was that of the listing itself


def forkable(before: Collection[int]) -> bool:
    """Say whether this process can be forked without harm.

    That is on Linux, with one thread, and no descriptor that was not there before.

    Args:
        before: The descriptors from before the model was loaded.

    >>> import threading
    >>> gate = threading.Event()
    >>> thread = threading.Thread(target=gate.wait)
    >>> thread.start()
    >>> forkable(open_descriptors())
    False
    >>> gate.set()
    >>> thread.join()
    """
    if sys.platform != "linux" or len(os.listdir(_THREADS)) > 1:  # noqa: PTH208  (hot)
        return False
    return all(_harmless(opened) for opened in open_descriptors() - frozenset(before))


def _open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _harmless(descriptor: int) -> bool:
    return os.readlink(f"{_DESCRIPTORS}/{descriptor}") in HARMLESS  # noqa: PTH115  (hot)


def part() -> None:
    """Have random numbers of its own in a copy, where the model has not chosen a seed.

    Python's own generator sees to itself. NumPy's global one remembers where its seed came from:
    from the system, unless somebody called ``numpy.random.seed``.
    """
    numpy: Any = sys.modules.get("numpy.random")
    if numpy is not None and numpy.get_bit_generator().seed_seq is not None:
        numpy.seed()
