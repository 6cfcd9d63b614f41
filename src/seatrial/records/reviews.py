"""What reviewers said, read from the log: the last word of each of them about each row."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from seatrial.records import lines, manifest
from seatrial.records.files import Files
from seatrial.records.places import Places
from seatrial.records.record import Feedback
from seatrial.records.snapshot import Verified, gather, opened_sealed

Said = dict[tuple[str, int], dict[str, "ReviewLabel"]]
"""Request id and row -> reviewer -> the last thing that they said."""

ANONYMOUS = "unnamed"
"""Reviewer of a review that came without a name."""

_FEEDBACK = b'{"event":"feedback"'
_DECODER = msgspec.json.Decoder(Feedback)


class ReviewLabel(Struct, frozen=True, kw_only=True):
    """What one reviewer said about one row; saying nothing takes back what they said before.

    Attributes:
        label: What the answer should have been, of the type of the answers; ``None``: not said.
        tags: Free words, as "wrong language".
        skipped: They looked at it and would not say.
    """

    id: str
    row: int = 0
    reviewer: str
    label: Any = None
    tags: tuple[str, ...] = ()
    skipped: bool = False
    time: datetime

    @property
    def says_something(self) -> bool:
        """Whether it is more than taking back."""
        return self.label is not None or self.skipped or bool(self.tags)


class Labels:
    """Reads reviews; what is sealed is read once while it does not change.

    Args:
        places: The log.
        files: The file system.
        verified: Which sealed files are known to be good.
    """

    def __init__(self, places: Places, *, files: Files, verified: Verified) -> None:
        self._places = places
        self._files = files
        self._verified = verified
        self._lock = threading.Lock()
        self._sealed: list[ReviewLabel] = []
        self._seen: frozenset[str] = frozenset()

    def read(self) -> Said:
        """Return what every reviewer said last about every row, but for what was taken back."""
        with self._lock:
            seen = gather(self._places, files=self._files)
            self._follow(seen.manifest)
            sealed = self._sealed
        fresh = [label for held in seen.segments.values() for label in _unsealed(held)]
        said: Said = {}
        for label in sorted([*sealed, *fresh], key=lambda one: one.time):
            by = said.setdefault((label.id, label.row), {})
            if label.says_something:
                by[label.reviewer] = label
            else:
                by.pop(label.reviewer, None)
        return said

    def _follow(self, listed: manifest.Manifest) -> None:
        """Read the reviews of files that are new; all again where one has gone."""
        names = frozenset(entry.sha256 for entry in listed.files)
        if names == self._seen:
            return
        if not self._seen <= names:
            self._sealed, self._seen = [], frozenset()
        known = self._seen
        with opened_sealed(
            self._places,
            files=self._files,
            verified=self._verified,
            wanted=lambda entry: entry.sha256 not in known,
        ) as (db, entries):
            found = db.execute(
                'SELECT id, "row", time, label, tags, skipped, reviewer FROM feedback '
                "WHERE source = 'review' ORDER BY time, segment, position"
            ).fetchall()
        self._sealed = [*self._sealed, *(_of_row(*row) for row in found)]
        self._seen = known | {entry.sha256 for entry in entries}


def _unsealed(held: lines.Lines) -> list[ReviewLabel]:
    said = (_DECODER.decode(body) for body in held.bodies if body.startswith(_FEEDBACK))
    return [
        ReviewLabel(
            id=one.id,
            row=one.row,
            reviewer=one.reviewer or ANONYMOUS,
            label=one.label,
            tags=one.tags,
            skipped=one.skipped,
            time=one.time,
        )
        for one in said
        if one.source == "review"
    ]


def _of_row(  # noqa: PLR0917  (the columns of one query)
    id_: str,
    row: int,
    time: datetime,
    label: str | None,
    tags: str | None,
    skipped: bool | None,  # noqa: FBT001  (a column)
    reviewer: str | None,
) -> ReviewLabel:
    return ReviewLabel(
        id=id_,
        row=row,
        reviewer=reviewer or ANONYMOUS,
        label=None if label is None else msgspec.json.decode(label),
        tags=() if tags is None else tuple(msgspec.json.decode(tags)),
        skipped=bool(skipped),
        time=time.replace(tzinfo=UTC),
    )
