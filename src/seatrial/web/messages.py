"""What the review page and its server say to each other, as JSON."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from seatrial.web.shown import Shown
from seatrial.web.standing import Standing


class Order(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a reviewer says about a row.

    Attributes:
        right: The model's answer is the label.
        new: The label is a class that is not known, on purpose.
    """

    id: str
    row: int
    reviewer: str
    label: str | int | float | bool | None = None
    right: bool = False
    tags: list[str] = []
    skipped: bool = False
    new: bool = False


class Undo(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A reviewer takes back what they said about a row."""

    id: str
    row: int
    reviewer: str


class RowShown(Struct, frozen=True, kw_only=True):
    """A row as a reviewer sees it: its answer only where that is what is judged."""

    id: str
    row: int
    time: str
    status: str
    input: Shown
    answer: Shown | None = None


class Rows(Struct, frozen=True, kw_only=True):
    """Rows to label; ``after`` is where the next ones begin, ``more`` whether there are any."""

    rows: list[RowShown]
    after: str
    more: bool


class Other(Struct, frozen=True, kw_only=True):
    """What somebody else said about a row."""

    reviewer: str
    label: Any
    tags: tuple[str, ...]
    skipped: bool


class Standpoint(Struct, frozen=True, kw_only=True):
    """How far a reviewer is, and what all labels say."""

    mine: int
    total: int
    standing: Standing
    agreement: list[str]


class Given(Struct, frozen=True, kw_only=True):
    """What a reviewer is told once a label is written down.

    Attributes:
        label: As it was written down.
        right: Whether the model's answer was; ``None`` where that is not known.
    """

    label: Any
    status: str
    answer: Shown | None
    confidence: float | None
    right: bool | None
    others: list[Other]
    progress: Standpoint
