"""Room on CPython's stack of frames, for work that calls deep and often.

Frames of Python functions lie in chunks of 16 KiB. A call that does not fit takes another chunk
from the system and gives it back when it returns; where a loop happens to stand at such an edge,
every turn pays for it, which is a tenth of the time that some libraries take to import.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

SLOTS = 66_000
"""Of eight bytes. A chunk is a power of two: this takes half a mebibyte, which is never touched,
and leaves the other half of a mebibyte to the frames above."""


def with_headroom(call: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """Call a function with room for thousands of frames above it.

    >>> with_headroom(max, [1, 2], key=lambda value: -value)
    1
    """
    return call(*args, **options)


with_headroom.__code__ = with_headroom.__code__.replace(co_stacksize=SLOTS)
