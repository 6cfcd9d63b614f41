"""One column of the reference: which cells are usual in it, by what the column holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from seatrial.describe.band import PRESENT, Band
from seatrial.describe.cell import is_missing, number_in, number_of, word_of
from seatrial.describe.format import measures

Floats = NDArray[np.float64]
Kind = Literal["number", "category", "text", "empty"]

RARE = 0.02
"""Share of the reference at which a cell's being missing (or new) counts half."""

EDGE = 0.005
"""Share of the reference's numbers left outside its range on each side."""

NUMBERS_SHARE = 0.9
"""Share of the cells that must be numbers for the column to be one of numbers."""

CODES_MAX = 20
"""Distinct whole numbers up to which they may be codes, any other number then being new."""

CODE_ROWS = 10
"""Rows per distinct number at least, for numbers to be codes."""

CATEGORIES_MAX = 5_000
"""Most categories kept."""

FREE_SHARE = 0.3
"""Distinct values per row from which text is free text, not categories."""

FREE_MIN = 20
"""Up to this many distinct values are categories however few the rows."""

READABLE = 0.75
"""Intensity of a number sent as text: wrong, but its meaning is there."""

TEXT_FLOORS = {"length": 0.3, "capitals": 0.3, "punctuation": 0.15, "digits": 0.2}
"""Half-way distances outside the band of each descriptor of a text column, at the least."""


class Column(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The frozen reference of one column.

    Attributes:
        kind: What it holds.
        missing_rate: Share of its cells that are missing.
        band: Usual range of its numbers.
        quantiles: Percentiles of its numbers, 101 of them.
        codes: Its distinct numbers where they are codes.
        whole: Whether all its numbers are whole.
        shares: Category to its share of the cells that are there.
        novelty: Chance that the next category is a new one (Good, 1953).
        bands: Usual ranges of what is measured on its texts.
        typical: Its median, or its most frequent category.
    """

    kind: Kind
    missing_rate: float
    band: Band | None = None
    quantiles: tuple[float, ...] = ()
    codes: tuple[float, ...] = ()
    whole: bool = False
    shares: dict[str, float] = {}
    novelty: float = 0.0
    bands: dict[str, Band] = {}
    typical: float | str | bool | None = None

    @classmethod
    def of(cls, cells: Sequence[Any]) -> Self:
        """Learn a column from the reference's cells."""
        there = [cell for cell in cells if not is_missing(cell)]
        rate = 1.0 - len(there) / max(len(cells), 1)
        if not there:
            return cls(kind="empty", missing_rate=rate)
        numbers = _numbers(there)
        numbers = numbers[~np.isnan(numbers)]
        if len(numbers) >= NUMBERS_SHARE * len(there):
            return cls._of_numbers(numbers, rate)
        words = Counter(map(word_of, there))
        if len(words) > max(FREE_MIN, FREE_SHARE * len(there)):
            bands = {
                name: Band.of(values, floor=TEXT_FLOORS[name])
                for name, values in _measured(list(map(word_of, there))).items()
            }
            return cls(kind="text", missing_rate=rate, bands=bands)
        once = sum(1 for count in words.values() if count == 1)
        kept = words.most_common(CATEGORIES_MAX)
        return cls(
            kind="category",
            missing_rate=rate,
            shares={word: count / len(there) for word, count in kept},
            novelty=once / len(there),
            typical=_plain(next(cell for cell in there if word_of(cell) == kept[0][0])),
        )

    @classmethod
    def _of_numbers(cls, numbers: Floats, rate: float) -> Self:
        finite = numbers[np.isfinite(numbers)]
        if not finite.size:
            return cls(kind="empty", missing_rate=rate)
        low, first, third, high = np.quantile(finite, [EDGE, 0.25, 0.75, 1.0 - EDGE])
        half = (third - first) / 2.0 or float(finite.std()) or abs(float(finite[0])) or 1.0
        distinct = np.unique(finite)
        whole = bool(np.all(distinct == np.rint(distinct)))
        coded = whole and len(distinct) <= min(CODES_MAX, len(finite) / CODE_ROWS)
        middle = float(np.quantile(finite, 0.5, method="lower"))
        return cls(
            kind="number",
            missing_rate=rate,
            band=Band(float(low), float(high), float(half)),
            quantiles=tuple(np.quantile(finite, np.linspace(0.0, 1.0, 101)).tolist()),
            codes=tuple(distinct.tolist()) if coded else (),
            whole=whole,
            typical=middle,
        )

    def signs(self, cells: Sequence[Any]) -> dict[str, Floats]:
        """Return what is unusual about each cell, each of shape (n,) and in [0, 1].

        Returns:
            ``missing``, ``outside`` (of the range, or of the usual shape of texts), ``unseen``
            (a category or code that the reference does not have) and ``mistyped``.
        """
        gone = np.array([is_missing(cell) for cell in cells], dtype=bool)
        none = np.zeros(len(cells))
        found = {
            "missing": np.where(gone, RARE / (RARE + self.missing_rate), 0.0),
            "outside": none,
            "unseen": none,
            "mistyped": none,
        }
        there = np.flatnonzero(~gone)
        values = [cells[int(row)] for row in there]
        for name, part in self._found(values).items():
            spread = np.zeros(len(cells))
            spread[there] = part
            found[name] = spread
        return found

    def _found(self, cells: list[Any]) -> dict[str, Floats]:
        if self.kind == "empty":
            return {"unseen": np.ones(len(cells))}
        if self.kind == "number":
            return self._found_numbers(cells)
        words = [word_of(cell) for cell in cells]
        if self.kind == "category":
            new = RARE / (RARE + self.novelty)
            return {"unseen": np.array([0.0 if word in self.shares else new for word in words])}
        measured = _measured(words)
        parts = [self.bands[name].intensity(values) for name, values in measured.items()]
        return {"outside": np.maximum.reduce(parts)}

    def _found_numbers(self, cells: list[Any]) -> dict[str, Floats]:
        values, mistyped = _read(cells)
        band = self.band or Band(0.0, 0.0, 1.0)
        beyond = band.intensity(values)
        outside = np.where(beyond > 0.0, PRESENT + (1.0 - PRESENT) * beyond, 0.0)
        new = np.zeros(len(cells))
        if self.codes:
            new = np.where(np.isnan(values) | np.isin(values, self.codes), 0.0, 1.0)
        return {"outside": outside, "unseen": new, "mistyped": mistyped}

    def positions(self, cells: Sequence[Any]) -> Floats:
        """Return where each number lies among the reference's, 0 to 1; NaN for anything else."""
        if not self.quantiles:
            return np.full(len(cells), np.nan)
        values = _numbers(cells)
        right = np.searchsorted(self.quantiles, values, side="right")
        left = np.searchsorted(self.quantiles, values, side="left")
        return np.where(np.isnan(values), np.nan, (left + right) / (2.0 * len(self.quantiles)))

    def restored(self, cell: Any) -> Any:
        """Return the cell as the reference would hold it, where its meaning is beyond doubt.

        A number sent as text becomes a number; a category in other case or with blanks around
        it becomes the known one. Anything else comes back as it is.

        >>> Column.of([1, 2, 3]).restored("2"), Column.of(["US", "FR"]).restored(" us")
        (2, 'US')
        """
        if self.kind == "number" and number_of(cell) is None:
            found = number_in(cell)
            if found is not None:
                return int(found) if self.whole and found == int(found) else found
        if self.kind == "category" and isinstance(cell, str) and cell not in self.shares:
            plain = cell.strip().casefold()
            same = [word for word in self.shares if word.strip().casefold() == plain]
            if len(same) == 1:
                return same[0]
        return cell

    def stand_in(self) -> Any:
        """Return the reference's typical cell: its median number or most frequent category."""
        if self.whole and isinstance(self.typical, float):
            return int(self.typical)
        return self.typical


def _plain(cell: Any) -> str | bool | float:
    """Return a category as JSON can hold it."""
    if isinstance(cell, np.generic):
        cell = cell.item()
    return cell if isinstance(cell, (str, bool, int, float)) else word_of(cell)


def _numbers(cells: Sequence[Any]) -> Floats:
    """Return cells as numbers, NaN for anything else."""
    if set(map(type, cells)) <= {int, float}:
        return np.array(cells, dtype=float)
    found = [number_of(cell) for cell in cells]
    return np.array([np.nan if number is None else number for number in found], dtype=float)


def _read(cells: Sequence[Any]) -> tuple[Floats, Floats]:
    """Return numbers, those spelt as text too, and how wrong each cell's type is."""
    values = _numbers(cells)
    mistyped = np.zeros(len(cells))
    for row in np.flatnonzero(np.isnan(values)):
        found = number_in(cells[int(row)])
        mistyped[row] = 1.0 if found is None else READABLE
        values[row] = np.nan if found is None else found
    return values, mistyped


def _measured(texts: Sequence[str]) -> dict[str, Floats]:
    """Return what is measured on the cells of a text column."""
    surface = measures(texts)
    length = np.log1p(np.array([len(text) for text in texts], dtype=float))
    return {"length": length} | {name: surface[name] for name in TEXT_FLOORS if name in surface}
