"""Which rows people are asked to look at, and with what chance: decided here, without a disk.

Every row has a lot, a number in [0, 1) made from the seed, its request id and its place in the
request. It is drawn where its lot is below its chance, which depends on nothing but how many rows
there are of its kind and when it came (Poisson sampling; Hájek 1964). So it is drawn or not
whatever else is in the log, a larger sample holds every smaller one, and weighing a drawn row by
the inverse of its chance is unbiased (Horvitz and Thompson 1952).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import pairwise

from msgspec import Struct

from seatrial.core.errors import UsageError
from seatrial.records import engine

BANDS = (0.5, 0.7, 0.9, 0.99)
"""Edges of the confidence bands: a guess, a leaning, an opinion, a conviction, a certainty."""

KNOWN_LANGUAGE = 0.5
"""``language_known`` from which a text counts as in a language of the eval set."""

DAYS = 7
"""Days whose traffic says how many rows the next day has: one of each weekday."""

LOT_BITS = 53
"""Bits of a lot: as many as a double holds."""

STATUS, LANGUAGE, CONFIDENCE = range(3)
SEPARATOR = " / "


class Plan(Struct, frozen=True, kw_only=True):
    """How many rows to draw.

    Attributes:
        first_rows: So many of the first user rows of the log are drawn with ``first_share``.
        first_share: Chance of each of these.
        per_day: Rows drawn a day after them, on average.
        size: Rows wanted in all: where fewer were drawn, more are, from all rows of the log.
        stratum_least: Chances in a stratum are raised until so many of it can be expected.
    """

    first_rows: int = 100_000
    first_share: float = 0.01
    per_day: int = 20
    size: int | None = None
    stratum_least: int = 0

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing.

        Raises:
            UsageError: A share outside [0, 1], or a negative number of rows.
        """
        if not 0 <= self.first_share <= 1:
            raise UsageError(f"a share of {self.first_share} is drawn; accepted is 0 to 1.")
        for name in ("first_rows", "per_day", "size", "stratum_least"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise UsageError(f"{name} is {value}; accepted is 0 or more.")


class Cell(Struct, frozen=True):
    """Rows of one stratum that were decided on together.

    Attributes:
        first: Whether they are among the plan's first rows.
        rows: How many there are.
        chance: With which each of them was drawn.
    """

    stratum: str
    first: bool
    rows: int
    chance: float


class Past(Struct, frozen=True, kw_only=True):
    """What was decided on before.

    Attributes:
        rows: User rows that had their chance.
        expected: By stratum, the sum of their chances.
        days: By date, how many rows it had.
    """

    rows: int = 0
    expected: Mapping[str, float] = {}
    days: Mapping[str, int] = {}


def cells(
    plan: Plan, counts: Mapping[tuple[str, bool], int], *, past: Past, days: Mapping[str, int]
) -> list[Cell]:
    """Decide on rows that have not had their chance.

    Args:
        plan: What is wanted.
        counts: How many rows each stratum has, (stratum, among the first) -> rows.
        past: What was decided on before.
        days: How many of them each date has.

    >>> cells(Plan(), {("answered", True): 500}, past=Past(), days={"2026-01-02": 500})[0].chance
    0.01
    """
    later = later_chance(plan, past.days or days, min(days, default=""))
    expected = dict(past.expected)
    decided = []
    for (stratum, first), rows in sorted(counts.items()):
        wanted = (plan.stratum_least - expected.get(stratum, 0.0)) / rows
        chance = min(1.0, max(plan.first_share if first else later, wanted))
        expected[stratum] = expected.get(stratum, 0.0) + chance * rows
        decided.append(Cell(stratum, first, rows, chance))
    return decided


def later_chance(plan: Plan, days: Mapping[str, int], day: str) -> float:
    """Return the chance after the first rows: what is wanted of a day like the last ones.

    >>> later_chance(Plan(per_day=20), {"2026-01-01": 4_000}, "2026-01-02")
    0.005
    """
    before = sorted(date for date in days if date < day) or sorted(days)
    known = before[-DAYS:]
    if not known:
        return plan.first_share
    return min(1.0, plan.per_day * len(known) / sum(days[date] for date in known))


def common_chance(decided: Iterable[Cell], size: int) -> float:
    """Return the least chance that, given to every row, makes ``size`` drawn rows expected.

    It solves ``sum rows * max(chance, c) = size`` for c.

    >>> round(common_chance([Cell("a", True, 100, 0.5), Cell("b", True, 100, 0.1)], 80), 3)
    0.3
    """
    found = sorted(decided, key=lambda cell: cell.chance)
    total = sum(cell.rows for cell in found)
    if size >= total:
        return 1.0
    below, above = 0, sum(cell.rows * cell.chance for cell in found)
    if size <= above:
        return 0.0
    for cell, following in pairwise([*found, Cell("", first=False, rows=0, chance=1.0)]):
        below += cell.rows
        above -= cell.rows * cell.chance
        chance = (size - above) / below if below else 0.0
        if chance <= following.chance:
            return chance
    return 1.0


def lot_sql(seed: int) -> str:
    """Return the SQL of a row's lot.

    MD5 is in every DuckDB and, unlike its ``hash``, the same in all of them.
    """
    text = f'concat_ws(chr(31), {engine.text(str(seed))}, id, "row")'
    return f"(md5_number_upper({text}) >> {64 - LOT_BITS})::DOUBLE / {2**LOT_BITS}.0"


def stratum_sql() -> str:
    """Return the SQL of a row's stratum: status, language, band of confidence."""
    known = "TRY_CAST(json_extract(descriptors, '$.language_known') AS DOUBLE)"
    language = (
        f"CASE WHEN {known} IS NULL THEN 'language untold' "
        f"WHEN {known} >= {KNOWN_LANGUAGE} THEN 'known language' ELSE 'unknown language' END"
    )
    bands = " ".join(
        f"WHEN confidence < {edge} THEN {engine.text(name)}"
        for edge, name in zip(BANDS, band_names(), strict=False)
    )
    band = (
        f"CASE WHEN confidence IS NULL THEN 'no confidence' {bands} ELSE '{band_names()[-1]}' END"
    )
    return f"concat_ws({engine.text(SEPARATOR)}, status, {language}, {band})"


def band_names() -> list[str]:
    """Return the names of the confidence bands, lowest first."""
    inner = [f"{low:g} to {high:g}" for low, high in pairwise(BANDS)]
    return [f"below {BANDS[0]:g}", *inner, f"from {BANDS[-1]:g}"]


class Drawn(Struct, frozen=True, kw_only=True, tag_field="event", tag="drawn"):
    """One row that was drawn, as it is kept.

    Attributes:
        segment: Where it lies in the log.
        chance: With which it was.
        lot: Its lot, below that.
    """

    id: str
    row: int
    segment: str
    stratum: str
    chance: float
    lot: float


class Draw(Struct, frozen=True, kw_only=True, tag_field="event", tag="draw"):
    """What was decided on at once; written after the rows drawn, it makes them count.

    Attributes:
        rows: Lines of drawn rows before it that belong to it.
        segments: Those whose rows had their chance in it.
        days: Rows of them by date.
        common: Chance that every row before it has at least, from now on.
    """

    time: datetime
    seed: int
    rows: int
    segments: tuple[str, ...] = ()
    cells: tuple[Cell, ...] = ()
    days: dict[str, int] = {}
    common: float = 0.0
