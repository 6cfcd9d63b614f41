"""Evidence: what one measurement found, under which conditions, and what is weak about it."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from seatrial.core import digests
from seatrial.core.errors import UnknownNameError
from seatrial.evidence.machine import Machine

SCHEMA = 1
"""Version of the documents; a reader refuses what it does not know."""


class Value(Struct, frozen=True, kw_only=True):
    """One figure: value, unit, sample count, interval.

    ``value`` is ``None`` where it could not be measured, and ``note`` then says why.
    """

    name: str
    value: float | None
    unit: str = ""
    n: int | None = None
    low: float | None = None
    high: float | None = None
    level: float | None = None
    method: str = ""
    note: str = ""


class Evidence(Struct, frozen=True, kw_only=True):
    """One measurement document; it judges nothing.

    Attributes:
        kind: Which measurement ("batching", "latency").
        release: Digest of what was measured.
        started: Wall time, ISO 8601, UTC.
        settings: What the measurement was told (sizes, rates, rounds).
        values: The figures by which it is judged.
        tables: Rows for tables and charts, by name.
        criticisms: What is weak about these figures, in sentences.
        cut_short: Whether the time budget ended it before it was complete.
    """

    kind: str
    release: str
    machine: Machine
    started: str
    duration_s: float
    seed: int | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    values: tuple[Value, ...] = ()
    tables: dict[str, tuple[dict[str, Any], ...]] = field(default_factory=dict)
    criticisms: tuple[str, ...] = ()
    cut_short: bool = False
    schema: int = SCHEMA

    @property
    def id(self) -> str:
        """Name of this document: its kind and the first digits of its digest."""
        return f"{self.kind}-{digests.abbreviated(digests.of_document(self))}"

    def value(self, name: str) -> Value:
        """Return the figure of that name.

        Raises:
            UnknownNameError: There is none.
        """
        for value in self.values:
            if value.name == name:
                return value
        raise UnknownNameError.of(f"value of {self.kind}", name, [v.name for v in self.values])

    def has(self, name: str) -> bool:
        """Say whether a figure of that name was measured (present and not ``None``)."""
        return any(value.name == name and value.value is not None for value in self.values)

    def table(self, name: str) -> tuple[dict[str, Any], ...]:
        """Return the rows of a table; empty where it was not measured."""
        return self.tables.get(name, ())
