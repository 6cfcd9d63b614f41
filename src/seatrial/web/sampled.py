"""The review sample as the page holds it: every row without its input, and what was said of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Protocol

from msgspec import Struct

from seatrial.core.errors import ConflictError
from seatrial.records.reviewing import ReviewLabel, ReviewRow

PAGE_ROWS = 200
"""Rows read from the log at once: their inputs are let go again, and may be images."""

OVERLAP = 5
"""One row in so many is shown to everybody, so that agreement is known; the others to whoever comes
first, so that two reviewers label nearly twice as much as one."""

_LOTS = 1 << 30

Key = tuple[str, int]
"""Request id and place of the row in its request."""


class Source(Protocol):
    """What is needed of :class:`seatrial.records.reviewing.ReviewSample`."""

    def draw(self) -> int:
        """Draw rows that are new in the log."""
        ...

    def rows(self, *, limit: int | None = None, after: float | None = None) -> list[ReviewRow]:
        """Return drawn rows in the order of review."""
        ...


class Sampled(Struct, kw_only=True):
    """One row of the sample; ``labels`` is what each reviewer said last."""

    id: str
    row: int
    turn: float
    time: datetime
    status: str
    output: Any
    confidence: float | None
    stratum: str
    probability: float
    labels: dict[str, ReviewLabel]

    @property
    def key(self) -> Key:
        """Which row it is."""
        return self.id, self.row

    @property
    def shared(self) -> bool:
        """Whether everybody is to label it."""
        return int(self.turn * _LOTS) % OVERLAP == 0

    def said(self, reviewer: str) -> ReviewLabel | None:
        """Return what a reviewer said, if anything."""
        return self.labels.get(reviewer)

    def others(self, reviewer: str) -> list[ReviewLabel]:
        """Return what everybody else said."""
        return [given for name, given in sorted(self.labels.items()) if name != reviewer]


def sampled(row: ReviewRow) -> Sampled:
    """Return a row without its input."""
    return Sampled(
        id=row.id,
        row=row.row,
        turn=row.turn,
        time=row.time,
        status=row.status,
        output=row.output,
        confidence=row.confidence,
        stratum=row.stratum,
        probability=row.probability,
        labels=dict(row.labels),
    )


def pages(
    source: Source, *, after: float | None = None, size: int = PAGE_ROWS
) -> Iterator[list[ReviewRow]]:
    """Yield all rows of a sample, some at a time, in the order of review."""
    while page := source.rows(limit=size, after=after):
        yield page
        after = page[-1].turn
        if len(page) < size:
            return


def drawn(source: Source) -> dict[Key, Sampled]:
    """Draw what is new, and return every row of the sample."""
    # Whoever draws at this moment draws for us too.
    with contextlib.suppress(ConflictError):
        source.draw()
    return {row.key: row for page in pages(source) for row in map(sampled, page)}


def wanted(row: Sampled, reviewer: str, *, first: bool) -> bool:
    """Say whether a reviewer is to see a row in their first pass, or in the second.

    Args:
        row: A row of the sample.
        reviewer: Who asks.
        first: What nobody else has labelled, and the share that all label; else what is left.
    """
    if row.said(reviewer) is not None:
        return False
    labelled = any(given.label is not None for given in row.others(reviewer))
    return first is (row.shared or not labelled)
