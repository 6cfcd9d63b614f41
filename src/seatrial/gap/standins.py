"""Stand-ins for the cells of a column that went wrong, taken from eval rows of the same label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

PREFIX = "column:"

LABEL_BANDS = 10
"""Bands of a numeric label within which rows stand in for one another."""

FEW_LABELS = 20
"""Distinct labels up to which each is a group of its own."""

GROUP_ROWS = 20
"""Rows of a group on either side below which its shift is not tested."""

SHIFT_LEVEL = 0.001
"""Chance, over all groups of a column, of calling an unshifted column shifted."""

Indices = NDArray[np.intp]


class Donors:
    """Draws eval rows that stand in for others of the same label.

    Values drawn given the label carry as much about the label as they do on eval, so that a row
    is re-scored as if the column still meant what it meant there. One donor stands in for all
    columns of a row, which keeps these columns' dependence on one another.

    Args:
        inputs: Eval inputs: records or arrays.
        labels: Their labels.
    """

    def __init__(self, inputs: Sequence[Any], labels: Sequence[Any]) -> None:
        self.inputs = inputs
        self._edges = _band_edges(labels)
        self.groups = self.group(labels)
        self._rows = {key: np.flatnonzero(self.groups == key) for key in np.unique(self.groups)}

    def group(self, labels: Sequence[Any]) -> NDArray[Any]:
        """Return the group of each label: itself, or its band."""
        if self._edges is None:
            return np.array([str(label) for label in labels], dtype=object)
        bands = np.searchsorted(self._edges, np.array(labels, dtype=float))
        return np.array([str(band) for band in bands], dtype=object)

    def draw(self, groups: NDArray[Any], *, own: bool, rng: np.random.Generator) -> Indices:
        """Return one eval row per row.

        Args:
            groups: Group of each row, from :meth:`group`.
            own: Whether the rows are the eval rows themselves, none of which may draw itself.
            rng: Source of the draws.
        """
        everybody = np.arange(len(self.inputs))
        chosen = np.empty(len(groups), dtype=np.intp)
        for key in np.unique(groups):
            wanted = np.flatnonzero(groups == key)
            pool = self._rows.get(key, everybody)
            places = rng.integers(0, len(pool), len(wanted))
            if own and len(pool) > 1:
                step = rng.integers(1, len(pool), len(wanted))
                places = (np.searchsorted(pool, wanted) + step) % len(pool)
            chosen[wanted] = pool[places]
        return chosen

    def anybody(self, n: int, *, rng: np.random.Generator) -> Indices:
        """Return n eval rows of any label."""
        return rng.integers(0, len(self.inputs), n)


def replaced(row: Any, donor: Any, columns: Sequence[str]) -> Any:
    """Return a record or array with some cells taken from another.

    >>> replaced({"a": None, "b": 1}, {"a": 5, "b": 9}, ["a"])
    {'a': 5, 'b': 1}
    """
    if isinstance(row, Mapping):
        return {**row, **{name: donor[name] for name in columns if name in donor}}
    places = [int(name) for name in columns]
    if isinstance(row, np.ndarray):
        filled = row.copy()
        filled.flat[places] = np.asarray(donor).flat[places]
        return filled
    if not isinstance(row, (list, tuple)):
        return donor if places else row
    cells = list(row)
    for place in places:
        cells[place] = donor[place]
    return cells if isinstance(row, list) else tuple(cells)


def cell(row: Any, column: str) -> Any:
    """Return one cell; ``None`` where it is missing."""
    if isinstance(row, Mapping):
        return row.get(column)
    if isinstance(row, np.ndarray):
        return row.flat[int(column)]
    return row[int(column)] if isinstance(row, (list, tuple)) else row


def shifted(
    before: Sequence[Any], before_groups: NDArray[Any], after: Sequence[Any], groups: NDArray[Any]
) -> bool:
    """Say whether a column's usable values are distributed otherwise given the label.

    Kolmogorov-Smirnov for numbers, chi-squared for anything else, over groups with at least 20
    rows on both sides; Bonferroni over the groups.
    """
    pairs = []
    for key in np.unique(groups):
        first = _usable([before[int(row)] for row in np.flatnonzero(before_groups == key)])
        second = _usable([after[int(row)] for row in np.flatnonzero(groups == key)])
        if min(len(first), len(second)) >= GROUP_ROWS:
            pairs.append((first, second))
    return any(_p_value(a, b) < SHIFT_LEVEL / len(pairs) for a, b in pairs)


def _usable(values: Sequence[Any]) -> list[Any]:
    return [v for v in values if v is not None and not (isinstance(v, float) and np.isnan(v))]


def _p_value(first: list[Any], second: list[Any]) -> float:
    try:
        numbers = np.array(first, dtype=float), np.array(second, dtype=float)
    except (TypeError, ValueError):
        return _p_categories([str(v) for v in first], [str(v) for v in second])
    return float(stats.ks_2samp(*numbers, method="asymp").pvalue)


def _p_categories(first: list[str], second: list[str]) -> float:
    counts = Counter(first), Counter(second)
    # Five expected per cell is what the approximation asks for; the rest is pooled.
    common = [key for key, n in (counts[0] + counts[1]).items() if n >= 2 * 5]
    table = np.array([[c[key] for key in common] for c in counts], dtype=float)
    rest = np.array([[len(first)], [len(second)]]) - table.sum(axis=1, keepdims=True)
    table = np.hstack([table, rest])
    table = table[:, table.sum(axis=0) > 0]
    return float(stats.chi2_contingency(table).pvalue) if table.shape[1] > 1 else 1.0


def _band_edges(labels: Sequence[Any]) -> NDArray[np.float64] | None:
    numeric = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in labels)
    if not numeric or len(set(labels)) <= FEW_LABELS:
        return None
    inner = np.linspace(0, 1, LABEL_BANDS + 1)[1:-1]
    return np.unique(np.quantile(np.array(labels, dtype=float), inner))
