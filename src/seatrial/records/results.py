"""What the log answers: tables, counts, production rows, percentiles."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from seatrial.core.errors import UnknownNameError


class Result(Struct, frozen=True):
    """What a query answered.

    Attributes:
        columns: Names, in order.
        rows: One tuple per row.
        problems: What of the log could not be read and is missing here, in sentences.
    """

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    problems: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def dicts(self) -> list[dict[str, Any]]:
        """Return each row as column -> value."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def column(self, name: str) -> list[Any]:
        """Return one column.

        Raises:
            UnknownNameError: There is none of that name.
        """
        if name not in self.columns:
            raise UnknownNameError.of("column", name, self.columns)
        place = self.columns.index(name)
        return [row[place] for row in self.rows]


class Count(Struct, frozen=True, kw_only=True):
    """How many rows and requests of one origin had one fate."""

    origin: str
    status: str
    rows: int
    requests: int


class ProductionRows(Struct, frozen=True, kw_only=True):
    """What users sent and what became of it: parallel lists, oldest first.

    Attributes:
        inputs: As they came; ``None`` where only digests are kept.
        labels: Latest label from feedback, else ``None``.
        ratings: Latest rating from feedback, else ``None``.
        statuses: What became of each row, failures and abstentions included.
        descriptors: What each input looks like, where it was described.
        problems: What of the log could not be read and is missing here.
    """

    ids: list[str]
    rows: list[int]
    times: list[Any]
    releases: list[str]
    variants: list[str]
    inputs: list[Any]
    outputs: list[Any]
    confidences: list[float | None]
    scores: list[dict[str, float] | None]
    statuses: list[str]
    labels: list[Any]
    ratings: list[float | None]
    descriptors: list[dict[str, Any] | None]
    probabilities: list[float]
    problems: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)


class Percentiles(Struct, frozen=True, kw_only=True):
    """Exact percentiles of one time over requests.

    Attributes:
        n: Requests they are taken from.
        values: Quantile -> milliseconds; ``None`` where there are too few to know.
    """

    column: str
    n: int
    values: dict[float, float | None]
    problems: tuple[str, ...] = ()
