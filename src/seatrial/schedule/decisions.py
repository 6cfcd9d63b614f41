"""What the batcher decides; whoever drives it obeys."""

from __future__ import annotations

from msgspec import Struct


class Part(Struct, frozen=True):
    """Rows ``start`` to ``stop`` (exclusive) of a request."""

    request: int
    start: int
    stop: int


class Run(Struct, frozen=True):
    """``worker`` runs these parts as one batch."""

    worker: int
    parts: list[Part]


class Expired(Struct, frozen=True):
    """The deadline of ``request`` has passed; ``started`` if a worker got rows of it."""

    request: int
    started: bool


class Rejected(Struct, frozen=True):
    """``request`` does not fit into the queue; it may come again after that time.

    It need not be the one that has just come: the key with most rows waiting makes room.
    """

    request: int
    retry_after_s: int


class Kill(Struct, frozen=True):
    """``worker`` hangs; nobody waits for its batch any more."""

    worker: int


Decision = Run | Expired | Rejected | Kill
