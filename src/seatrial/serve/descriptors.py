"""How many connections there may be: the rest of our file descriptors is for what keeps us alive.

A server whose callers hold its last descriptor can start no worker in place of one that died, read
no order and open no segment of its log.
"""

from __future__ import annotations

import resource

from seatrial.core.errors import EnvironmentMismatchError

OWN = 28
"""What the front has open by itself, and for a moment while it starts a process or reads a file."""

PER_WORKER = 4
"""A socket, a pipe and two pieces of shared memory."""

CONNECTIONS_MIN = 8
"""With room for fewer a server is not worth starting."""


CONNECTIONS_MAX = 1 << 20
"""With more, memory ends before descriptors do."""


def raise_limit() -> None:
    """Allow as many open files as the system lets us have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (ValueError, OSError):
            return


def room(workers: int) -> int:
    """Return how many connections fit beside so many workers, and one that takes another's place.

    Raises:
        EnvironmentMismatchError: Hardly any.
    """
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if limit == resource.RLIM_INFINITY:
        return CONNECTIONS_MAX
    reserved = OWN + PER_WORKER * (workers + 1)
    if limit < reserved + CONNECTIONS_MIN:
        raise EnvironmentMismatchError(
            f"{limit} files may be open at a time; {workers} workers and a few connections take "
            f"{reserved + CONNECTIONS_MIN}.",
            hint="Raise the limit (ulimit -n), or start fewer workers.",
            details={"limit": limit, "needed": reserved + CONNECTIONS_MIN},
        )
    return min(limit - reserved, CONNECTIONS_MAX)
