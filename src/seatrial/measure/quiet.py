"""Keeps the numeric libraries of this process to one thread while something is timed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Iterator[None]:
    """Let BLAS and OpenMP use one thread inside this block, as the server's workers do.

    A pool of threads that spins for its turn on a busy machine is ten times slower from the size
    on at which it is used: a cliff of the machine, not of the model.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # has no stubs

    with threadpool_limits(limits=1):
        yield
