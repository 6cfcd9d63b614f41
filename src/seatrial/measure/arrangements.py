"""Who keeps whom company in a batch: every arrangement is a list of batches of row numbers.

Each is chosen to bring out one way in which a neighbour can reach a row: a longer one through
padding, an extreme one through statistics or a shared scale, more of them through counters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

EXTREME_SHARE = 0.1
"""The part of the rows that counts as the longest, largest or smallest."""

Batches = list[list[int]]


class Rows(Struct, frozen=True):
    """The rows under test and what is known of each.

    Attributes:
        values: The inputs.
        sizes: Cost of each, as the subject counts it.
        magnitudes: How large the numbers in it are; its size where it holds none.
        groups: Which rows the model answers alike.
    """

    values: list[Any]
    sizes: list[int]
    magnitudes: list[float]
    groups: list[str]

    def __len__(self) -> int:
        return len(self.values)

    def by(self, keys: Sequence[float]) -> list[int]:
        """Return the row numbers in ascending order of ``keys``."""
        return [int(at) for at in np.argsort(np.asarray(keys), kind="stable")]


Arrangement = Callable[[Rows, int, np.random.Generator], Batches]


def others(rows: Rows, batch: int, rng: np.random.Generator) -> Batches:
    """Rows as they come, shuffled and cut."""
    order = rng.permutation(len(rows))
    return _cut([int(at) for at in order], batch)


def with_longest(rows: Rows, batch: int, rng: np.random.Generator) -> Batches:  # noqa: ARG001  (one signature for all)
    """Each row with one of the longest, which comes last, or first in every other batch."""
    ordered = rows.by(rows.sizes)
    extremes = ordered[-_few(len(rows)) :][::-1]
    return _guests(ordered, extremes, batch, guests=1)


def with_largest(rows: Rows, batch: int, rng: np.random.Generator) -> Batches:  # noqa: ARG001  (one signature for all)
    """Rows and as many of those with the largest numbers."""
    ordered = rows.by(rows.magnitudes)
    return _guests(ordered, ordered[-_few(len(rows)) :][::-1], batch, guests=batch // 2)


def with_smallest(rows: Rows, batch: int, rng: np.random.Generator) -> Batches:  # noqa: ARG001  (one signature for all)
    """Rows and as many of those with the smallest numbers."""
    ordered = rows.by(rows.magnitudes)
    return _guests(ordered[::-1], ordered[: _few(len(rows))], batch, guests=batch // 2)


def of_one_kind(rows: Rows, batch: int, rng: np.random.Generator) -> Batches:  # noqa: ARG001  (one signature for all)
    """Rows that are answered alike together, so that a batch has the statistics of one class."""
    order = sorted(range(len(rows)), key=lambda at: (rows.groups[at], rows.magnitudes[at]))
    return _cut(order, batch)


COMPANIES: Mapping[str, Arrangement] = {
    "with the longest": with_longest,
    "with the largest": with_largest,
    "others": others,
    "with the smallest": with_smallest,
    "of one kind": of_one_kind,
}
"""By name, the ones that show most first: a short budget runs those."""

COPIES = "copies of itself"
SHUFFLED = "others, shuffled"


def shuffled(batches: Batches, rng: np.random.Generator) -> Batches:
    """The same companies at other positions."""
    return [[batch[int(at)] for at in rng.permutation(len(batch))] for batch in batches]


def diverse(rows: Rows, count: int, rng: np.random.Generator) -> list[int]:
    """Return different rows: the longest, shortest, largest and smallest, then random ones."""
    by_size, by_magnitude = rows.by(rows.sizes), rows.by(rows.magnitudes)
    firsts = [by_size[-1], by_size[0], by_magnitude[-1], by_magnitude[0]]
    rest = [int(at) for at in rng.permutation(len(rows))]
    return list(dict.fromkeys([*firsts, *rest]))[:count]


def magnitude(value: Any) -> float | None:
    """Return the mean absolute number in an input; ``None`` where it holds none.

    >>> magnitude({"age": -3, "name": "x"}), magnitude("text")
    (3.0, None)
    """
    numbers = _flat(value)
    return math.fsum(abs(number) for number in numbers) / len(numbers) if numbers else None


def _flat(value: Any) -> list[float]:
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "biuf":
            return []
        return [float(x) for x in value.ravel() if math.isfinite(x)]
    if isinstance(value, bool) or value is None:
        return []
    if isinstance(value, (int, float)):
        return [float(value)] if math.isfinite(value) else []
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [number for item in value for number in _flat(item)]
    return []


def _few(count: int) -> int:
    return max(1, int(count * EXTREME_SHARE))


def _cut(order: list[int], batch: int) -> Batches:
    """Cut into batches, starting over at the end so that the last one is full."""
    count = math.ceil(len(order) / batch)
    full = np.resize(np.asarray(order), count * batch)
    return [[int(at) for at in part] for part in full.reshape(count, batch)]


def _guests(order: list[int], extremes: list[int], batch: int, *, guests: int) -> Batches:
    """Let every row of ``order`` meet ``guests`` of ``extremes``, at the end and at the front."""
    hosts = _cut(order, max(1, batch - guests))
    batches = []
    for number, part in enumerate(hosts):
        invited = [extremes[(number + at) % len(extremes)] for at in range(guests)]
        batches.append([*part, *invited] if number % 2 == 0 else [*invited, *part])
    return batches
