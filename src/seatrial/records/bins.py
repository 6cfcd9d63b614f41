"""What a descriptor looks like over a reference, as the shares of a few bins, frozen.

Edges never move with the traffic: weeks can be compared, and one outlier changes one bin.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from seatrial.records import engine

BINS = 10
"""Bins of a number, of equal shares of the reference: a shift of a tenth of the rows shows."""

VALUES_MAX = 20
"""Values of a label that have bins of their own; all others share one."""

UNKNOWN = 255
"""Code of a row without the descriptor."""


class Bins(Struct, frozen=True, kw_only=True):
    """The bins of one descriptor and how much of the reference lies in each.

    Attributes:
        name: Of the descriptor.
        factor: What a change of it is called: language, length, ….
        rows: Of the reference.
        edges: Inner edges of a number; a value above k of them is in bin k.
        values: Of a label; anything else is in the last bin.
        shares: Of the reference, one a bin.
    """

    name: str
    factor: str
    rows: int
    shares: tuple[float, ...]
    edges: tuple[float, ...] = ()
    values: tuple[str, ...] = ()

    @classmethod
    def of(cls, name: str, values: Sequence[Any], *, factor: str = "") -> Bins | None:
        """Learn the bins of a descriptor; ``None`` where no row has it.

        >>> Bins.of("language", ["en", "en", "de", "en"]).shares
        (0.75, 0.25, 0.0)
        """
        known = [value for value in values if not _missing(value)]
        if not known:
            return None
        if isinstance(known[0], str):
            common = tuple(value for value, _ in Counter(known).most_common(VALUES_MAX))
            codes = [common.index(value) if value in common else len(common) for value in known]
            made = cls(name=name, factor=factor or name, rows=len(known), shares=(), values=common)
        else:
            numbers = np.asarray(known, dtype=float)
            inner = np.quantile(numbers, np.arange(1, BINS) / BINS, method="lower")
            edges = tuple(float(edge) for edge in np.unique(inner))
            codes = np.searchsorted(edges, numbers, side="left").tolist()
            made = cls(name=name, factor=factor or name, rows=len(known), shares=(), edges=edges)
        counts = np.bincount(codes, minlength=made.count)
        return cls(
            name=name,
            factor=made.factor,
            rows=made.rows,
            shares=tuple((counts / counts.sum()).tolist()),
            edges=made.edges,
            values=made.values,
        )

    @property
    def count(self) -> int:
        """How many bins there are."""
        return len(self.values or self.edges) + 1

    @property
    def type(self) -> str:
        """Its DuckDB type."""
        return "VARCHAR" if self.values else "DOUBLE"

    def sql(self, value: str) -> str:
        """Return the SQL of the bin of a value."""
        if self.values:
            cases = " ".join(
                f"WHEN {engine.text(one)} THEN {code}" for code, one in enumerate(self.values)
            )
            code = f"CASE {value} {cases} ELSE {len(self.values)} END"
            return f"CASE WHEN {value} IS NULL THEN {UNKNOWN} ELSE {code} END::UTINYINT"
        above = " + ".join(f"({value} > {edge!r})::UTINYINT" for edge in self.edges)
        return f"coalesce({above}, {UNKNOWN})::UTINYINT"

    def shift(self, counts: Mapping[int, int]) -> Shift:
        """Compare rows, counted by bin, with the reference."""
        known = np.array([counts.get(code, 0) for code in range(self.count)], dtype=float)
        n = int(known.sum())
        if not n:
            return Shift(name=self.name, factor=self.factor, rows=0, distance=None, by_chance=None)
        shares = np.asarray(self.shares)
        moved = 0.5 * float(np.abs(known / n - shares).sum())
        pooled = (known + shares * self.rows) / (n + self.rows)
        spread = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / self.rows))
        return Shift(
            name=self.name,
            factor=self.factor,
            rows=n,
            distance=moved,
            by_chance=float(0.5 * math.sqrt(2 / math.pi) * spread.sum()),
        )


class Shift(Struct, frozen=True, kw_only=True):
    """How far one descriptor moved from the reference.

    Attributes:
        rows: Rows that have it.
        distance: Share of the rows that lie in other bins than the reference's would (total
            variation distance), in [0, 1]; ``None`` where no row has it.
        by_chance: What it would be on average if nothing had moved: both are samples.
    """

    name: str
    factor: str
    rows: int
    distance: float | None
    by_chance: float | None


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
