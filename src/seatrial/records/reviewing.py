"""The review sample of a folder: rows drawn for people to label, and what they said.

What was drawn is kept in ``FOLDER/.seatrial/review/sample.ndjson``; the rows themselves and the
labels, which are feedback, stay in the log alone. Rows have their chance when they are sealed.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from seatrial.core.clock import SYSTEM, Clock
from seatrial.core.closing import Closing
from seatrial.core.errors import UnknownNameError, UsageError
from seatrial.records import engine
from seatrial.records.agreement import Agreement
from seatrial.records.drawing import Plan
from seatrial.records.files import Files
from seatrial.records.log import LogWriter
from seatrial.records.places import Places
from seatrial.records.progress import Progress, progress, resolved
from seatrial.records.record import Feedback, Status
from seatrial.records.reviews import Labels, ReviewLabel, Said
from seatrial.records.sample import Picked, Sampler
from seatrial.records.snapshot import Verified, opened_sealed

__all__ = [
    "Agreement",
    "Plan",
    "Progress",
    "ReviewLabel",
    "ReviewRow",
    "ReviewSample",
    "ReviewedRow",
]

Row = tuple[str, int]
"""Request id and place of the row in its request."""


class ReviewRow(Struct, frozen=True, kw_only=True):
    """One row that was drawn.

    Attributes:
        turn: Its place in the order of review, in [0, 1); see :meth:`ReviewSample.rows`.
        time: When it was asked.
        input: As it came; ``None`` where inputs are not kept.
        output: What was answered, or withheld; ``None`` where nothing was.
        stratum: Status, language and band of confidence, in words.
        probability: With which it came into the sample.
        labels: Reviewer -> the last thing that they said.
    """

    id: str
    row: int
    turn: float
    time: datetime
    input: Any
    output: Any
    confidence: float | None
    status: Status
    stratum: str
    probability: float
    descriptors: dict[str, Any] | None
    labels: dict[str, ReviewLabel]


class ReviewedRow(Struct, frozen=True):
    """What reviewers made of a row: its label, and the chance with which it came to them."""

    label: Any
    probability: float


class ReviewSample(Closing):
    """Draws rows for review, shows them, takes labels and counts; threads may share one.

    Args:
        folder: The project folder.
        clock: Where time comes from.
        files: The file system.
    """

    def __init__(self, folder: Path, *, clock: Clock = SYSTEM, files: Files | None = None) -> None:
        self._folder = folder
        self._places = Places.of(folder)
        self._clock = clock
        self._files = files or Files()
        self._verified = Verified()
        self._sampler = Sampler(
            self._places, clock=clock, files=self._files, verified=self._verified
        )
        self._labels = Labels(self._places, files=self._files, verified=self._verified)
        self._lock = threading.Lock()
        self._writer: LogWriter | None = None

    def draw(self, plan: Plan | None = None, *, seed: int | None = None) -> int:
        """Give every row of the log that was sealed since its chance, and return how many came in.

        Nothing is drawn twice, and a run that dies is as if it had not begun.

        Args:
            plan: How many are wanted; default :class:`Plan`.
            seed: Makes the lots; default the sample's own, or a random one for a new sample.

        Raises:
            UsageError: The sample was begun with another seed.
            ConflictError: Another process draws at this moment.
            EnvironmentMismatchError: The disk refuses.
        """
        return self._sampler.draw(plan or Plan(), seed=seed)

    def rows(
        self,
        *,
        limit: int | None = None,
        after: float | None = None,
        unreviewed_by: str | None = None,
    ) -> list[ReviewRow]:
        """Return drawn rows in the order of review.

        The order is random and the same for everybody: whoever stops early has reviewed a fair
        part of the sample, and those who review at the same time see the same rows.

        Args:
            limit: At most so many.
            after: Only rows with a greater ``turn``.
            unreviewed_by: Only rows that this reviewer has neither labelled nor skipped.
        """
        said = self._labels.read()
        picked = [
            row
            for row in self._sampler.read().rows()
            if (after is None or row.turn > after)
            and (unreviewed_by is None or unreviewed_by not in said.get((row.id, row.row), {}))
        ]
        found: list[ReviewRow] = []
        # Rows may be gone: deleted, or in a damaged file. A page is filled with those that are not.
        step = len(picked) if limit is None else max(limit, 1)
        for start in range(0, len(picked), max(step, 1)):
            if limit is not None and len(found) >= limit:
                break
            found += self._filled(picked[start : start + step], said)
        return found[:limit]

    def label(self, *given: ReviewLabel) -> None:
        """Write down what reviewers said, all or nothing; it then survives ``kill -9``.

        Saying something again about the same row replaces it; saying neither label nor tags nor
        ``skipped`` takes it back.

        Raises:
            UsageError: No reviewer is named, or the row is not in the sample.
            EnvironmentMismatchError: The log cannot be written.
            ServingError: The disk refuses.
        """
        drawn = self._sampler.read().places
        for one in given:
            if not one.reviewer.strip():
                raise UsageError("a label without a reviewer; accepted is one who is named.")
            if (one.id, one.row) not in drawn:
                raise UnknownNameError(
                    f"row {one.row} of request {one.id} was not drawn for review.",
                    hint="Label the rows that the review shows or exports.",
                )
        with self._lock:
            if self._writer is None:
                self._writer = LogWriter(self._folder, clock=self._clock, when_full="refuse")
            writer = self._writer
        writer.append(_feedback(one) for one in given)
        writer.tick()

    def progress(self) -> Progress:
        """Count rows, labels, reviewers and tags, and measure agreement."""
        return progress(self._sampler.read(), self._labels.read())

    def reviewed(self) -> dict[Row, ReviewedRow]:
        """Return the labels of the sample, one a row, with the chance that each row had.

        Where reviewers differ, the label that most of them gave counts; among as many, the latest.
        """
        said = self._labels.read()
        found = {}
        for row in self._sampler.read().rows():
            label = resolved(said.get((row.id, row.row), {}).values())
            if label is not None:
                found[row.id, row.row] = ReviewedRow(label, row.probability)
        return found

    def close(self) -> None:
        """Hand what was written over for sealing."""
        with self._lock:
            if self._writer is not None:
                self._writer.close()
                self._writer = None

    def _filled(self, picked: Sequence[Picked], said: Said) -> list[ReviewRow]:
        held = self._contents(picked)
        return [
            ReviewRow(
                id=row.id,
                row=row.row,
                turn=row.turn,
                stratum=row.stratum,
                probability=row.probability,
                labels=said.get((row.id, row.row), {}),
                **held[row.id, row.row],
            )
            for row in picked
            if (row.id, row.row) in held
        ]

    def _contents(self, picked: Sequence[Picked]) -> dict[Row, dict[str, Any]]:
        """Read what the log holds of some rows."""
        wanted = {row.segment for row in picked}
        ids = ", ".join(engine.text(row.id) for row in picked)
        segments = ", ".join(engine.text(name) for name in sorted(wanted))
        if not picked:
            return {}
        with opened_sealed(
            self._places,
            files=self._files,
            verified=self._verified,
            wanted=lambda entry: not wanted.isdisjoint(entry.covers),
        ) as (db, _):
            rows = db.execute(
                f'SELECT id, "row", {", ".join(_CONTENTS)} FROM events '
                f"WHERE event = 'request' AND segment IN ({segments}) AND id IN ({ids})"
            ).fetchall()
        return {
            (id_, row): dict(zip(_CONTENTS, _decoded(held), strict=True))
            for id_, row, *held in rows
        }


def _feedback(given: ReviewLabel) -> Feedback:
    return Feedback(
        id=given.id,
        row=given.row,
        time=given.time,
        label=None if given.skipped else given.label,
        source="review",
        reviewer=given.reviewer,
        tags=given.tags,
        skipped=given.skipped,
    )


_CONTENTS = ("time", "confidence", "status", "input", "output", "descriptors")


def _decoded(held: list[Any]) -> list[Any]:
    """Turn JSON texts into values; times are UTC."""
    time, confidence, status, *texts = held
    return [time.replace(tzinfo=UTC), confidence, status] + [
        None if text is None else msgspec.json.decode(text) for text in texts
    ]
