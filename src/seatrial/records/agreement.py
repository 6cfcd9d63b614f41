"""How far reviewers agree beyond chance, from the rows that more than one of them labelled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Z = 1.96
"""Two-sided 95 % of the normal distribution."""

LEAST_ROWS = 10
"""Rows below which kappa has no interval: the jackknife is too short there."""


class Agreement(Struct, frozen=True, kw_only=True):
    """How far reviewers agree.

    Attributes:
        method: ``cohen`` for two reviewers, ``fleiss`` for more.
        reviewers: Whoever labelled a row that somebody else did too.
        rows: Rows labelled by two or more.
        pairs: Pairs of labels of the same row.
        agreed: Pairs of equal labels.
        kappa: Agreement beyond chance, at most 1; ``None`` where only one label was ever given.
        low: Lower end of its 95 % interval (jackknife over rows); ``None`` where unknown.
        high: Upper end.
    """

    method: str
    reviewers: tuple[str, ...]
    rows: int
    pairs: int
    agreed: int
    kappa: float | None
    low: float | None = None
    high: float | None = None

    @property
    def raw(self) -> float:
        """Share of pairs that agree."""
        return self.agreed / self.pairs


def agreement(labels: Sequence[Mapping[str, Hashable]]) -> Agreement | None:
    """Return how far reviewers agree; ``None`` where no row has two labels.

    Two reviewers: Cohen's kappa (1960), chance from what each of them usually says. More: Fleiss'
    (1971) with any number of labels a row, chance from what all of them say.

    Args:
        labels: Of each row, reviewer -> label.

    >>> found = agreement([{"a": 1, "b": 1}, {"a": 0, "b": 0}, {"a": 1, "b": 0}, {"a": 0, "b": 0}])
    >>> found.kappa, found.agreed, found.pairs
    (0.5, 3, 4)
    """
    shared = [row for row in labels if len(row) > 1]
    if not shared:
        return None
    names = tuple(sorted({name for row in shared for name in row}))
    values = {
        label: place
        for place, label in enumerate(
            dict.fromkeys(label for row in shared for label in row.values())
        )
    }
    two = len(names) == 2  # noqa: PLR2004  (Cohen's is for two)
    tables = _of_two(shared, names, values) if two else _of_many(shared, values)
    estimate = _cohen if two else _fleiss
    kappa = estimate(tables)
    low, high = _interval(tables, kappa, estimate)
    counts = [Counter(row.values()) for row in shared]
    return Agreement(
        method="cohen" if two else "fleiss",
        reviewers=names,
        rows=len(shared),
        pairs=sum(_pairs(sum(count.values())) for count in counts),
        agreed=sum(_pairs(n) for count in counts for n in count.values()),
        kappa=kappa,
        low=low,
        high=high,
    )


def _pairs(n: int) -> int:
    return n * (n - 1) // 2


def _of_two(
    rows: Sequence[Mapping[str, Hashable]], names: tuple[str, ...], values: Mapping[Hashable, int]
) -> NDArray[np.float64]:
    """Return one table per row with its pair of labels marked, shape (n, labels, labels)."""
    tables = np.zeros((len(rows), len(values), len(values)))
    for place, row in enumerate(rows):
        tables[place, values[row[names[0]]], values[row[names[1]]]] = 1.0
    return tables


def _of_many(
    rows: Sequence[Mapping[str, Hashable]], values: Mapping[Hashable, int]
) -> NDArray[np.float64]:
    """Return how often each row got each label, shape (n, labels)."""
    counts = np.zeros((len(rows), len(values)))
    for place, row in enumerate(rows):
        for label in row.values():
            counts[place, values[label]] += 1.0
    return counts


def _cohen(tables: NDArray[np.float64]) -> float | None:
    joint = tables.mean(axis=0)
    chance = float(joint.sum(axis=1) @ joint.sum(axis=0))
    return _beyond(float(np.trace(joint)), chance)


def _fleiss(counts: NDArray[np.float64]) -> float | None:
    n = counts.sum(axis=1)
    observed = float(np.mean((counts * (counts - 1.0)).sum(axis=1) / (n * (n - 1.0))))
    share = counts.sum(axis=0) / counts.sum()
    return _beyond(observed, float(share @ share))


def _beyond(observed: float, chance: float) -> float | None:
    return None if chance >= 1.0 else (observed - chance) / (1.0 - chance)


def _interval(
    tables: NDArray[np.float64],
    kappa: float | None,
    estimate: Callable[[NDArray[np.float64]], float | None],
) -> tuple[float | None, float | None]:
    n = len(tables)
    if kappa is None or n < LEAST_ROWS:
        return None, None
    left_out = [estimate(np.delete(tables, place, axis=0)) for place in range(n)]
    found = np.array([value for value in left_out if value is not None])
    spread = float(np.sqrt((n - 1) / n * ((found - found.mean()) ** 2).sum()))
    if spread == 0.0:
        return None, None  # all rows look alike: they do not say how far others would differ
    return max(-1.0, kappa - Z * spread), min(1.0, kappa + Z * spread)
