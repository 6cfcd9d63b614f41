"""Labels that come back from elsewhere: checked as a whole, written as a whole, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from seatrial.core.clock import Clock
from seatrial.core.errors import DataError, InputError
from seatrial.records.reviewing import ReviewLabel
from seatrial.web.question import (
    NAME_MAX,
    Question,
    checked_label,
    checked_tags,
    checked_text,
    family,
)
from seatrial.web.sampled import Key, Sampled
from seatrial.web.shown import plain

Place = tuple[str, int, str]
"""Request id, row and reviewer."""

TOLD = 5
"""Mistakes that are told one by one; more are counted."""


class Incoming(Struct, frozen=True, kw_only=True):
    """What one person said about one row, as a file says it.

    Attributes:
        place: Where in the file, for messages.
        text: The label as text, whatever its type is to be; ``None``: none.
        value: The label, where the file knows its type.
    """

    place: str
    id: str
    row: int
    reviewer: str
    text: str | None = None
    value: Any = None
    tags: tuple[str, ...] = ()
    skipped: bool = False


class Imported(Struct, frozen=True, kw_only=True):
    """What became of a file.

    Attributes:
        labels: Written down.
        unchanged: Said what was known already.
        reviewers: Whose they are.
    """

    labels: int
    unchanged: int
    reviewers: tuple[str, ...]


class Target(Protocol):
    """Where labels go; see :class:`seatrial.records.reviewing.ReviewSample`."""

    def label(self, *given: ReviewLabel) -> None:
        """Write down what reviewers said, all or nothing."""
        ...


def import_labels(
    incoming: Iterable[Incoming],
    *,
    rows: Mapping[Key, Sampled],
    asked: Question,
    target: Target,
    clock: Clock,
    reviewer: str = "",
    new: bool = False,
) -> Imported:
    """Check all labels of a file, then write them down at once.

    Args:
        incoming: What the file says.
        rows: The sample.
        asked: What reviewers are asked.
        target: Where labels go.
        clock: Where time comes from.
        reviewer: Who labelled where the file does not say.
        new: Accept classes that are not known.

    Raises:
        DataError: A row is unknown or comes twice, or a label does not fit; nothing was written.
    """
    now = clock.utc()
    found: dict[Place, ReviewLabel] = {}
    mistakes: list[str] = []
    for one in incoming:
        try:
            label = _checked(one, rows=rows, asked=asked, reviewer=reviewer, new=new, now=now)
            _note(found, label)
        except InputError as error:
            mistakes.append(f"{one.place}: {error}")
    if mistakes:
        raise _refusal(mistakes)
    fresh = [label for label in found.values() if not _is_known(label, rows)]
    if fresh:
        target.label(*fresh)
    return Imported(
        labels=len(fresh),
        unchanged=len(found) - len(fresh),
        reviewers=tuple(sorted({label.reviewer for label in found.values()})),
    )


def _checked(
    one: Incoming,
    *,
    rows: Mapping[Key, Sampled],
    asked: Question,
    reviewer: str,
    new: bool,
    now: datetime,
) -> ReviewLabel:
    row = _row(one, rows)
    return ReviewLabel(
        id=row.id,
        row=row.row,
        reviewer=checked_text(one.reviewer or reviewer, what="reviewer", longest=NAME_MAX),
        label=_label(one, row, asked, new=new),
        tags=checked_tags(one.tags),
        skipped=one.skipped,
        time=now,
    )


def _note(found: dict[Place, ReviewLabel], label: ReviewLabel) -> None:
    place = label.id, label.row, label.reviewer
    if place in found:
        raise InputError(f"row {label.row} of request {label.id} comes twice for {label.reviewer}.")
    found[place] = label


def _row(one: Incoming, rows: Mapping[Key, Sampled]) -> Sampled:
    if (one.id, one.row) not in rows:
        raise InputError(f"row {one.row} of request {one.id[:64]!r} is not in the review sample.")
    return rows[one.id, one.row]


def _label(one: Incoming, row: Sampled, asked: Question, *, new: bool) -> Any:
    has_label = one.text is not None or one.value is not None
    if one.skipped and has_label:
        raise InputError("it is skipped and has a label; accepted is one of them.")
    if not has_label:
        if not (one.skipped or one.tags):
            raise InputError("it has neither a label nor a tag, and is not skipped.")
        return None
    label = one.value if one.text is None else typed(one.text, row, asked)
    if asked.mode == "judged" and label == row.output and family(label) == family(row.output):
        return row.output
    return checked_label(asked, label, new=new)


def typed(text: str, row: Sampled, asked: Question) -> Any:
    """Return a label that came as text in the type that labels have here.

    Raises:
        InputError: It is none of that type.
    """
    if text in asked.names:
        return asked.classes[asked.names.index(text)]
    examples = asked.classes or ([] if row.output is None else [row.output])
    families = {"number"} if asked.mode == "number" else {family(one) for one in examples}
    if families <= {"text"}:
        return text
    try:
        label = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        label = text
    if family(label) not in families:
        raise InputError(
            f"the label {text[:40]!r} is no {' or '.join(sorted(families))}, as the answers are."
        )
    return label


def _is_known(label: ReviewLabel, rows: Mapping[Key, Sampled]) -> bool:
    known = rows[label.id, label.row].said(label.reviewer)
    return known is not None and (
        (plain(known.label), family(known.label), known.tags, known.skipped)
        == (plain(label.label), family(label.label), label.tags, label.skipped)
    )


def _refusal(mistakes: Sequence[str]) -> DataError:
    told = " ".join(mistakes[:TOLD])
    more = f" And {len(mistakes) - TOLD} more." if len(mistakes) > TOLD else ""
    return DataError(
        f"nothing was imported: {told}{more}",
        hint="Mend the file, and import it again.",
        details={"mistakes": len(mistakes)},
    )
