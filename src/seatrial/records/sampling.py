"""Draws rows to look at, and knows with what probability each was drawn.

A figure over reviewed rows is only as good as the chance each row had: an estimate weighs a row
by the inverse of its probability (Horvitz and Thompson, 1952).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from msgspec import Struct

from seatrial.core.errors import UsageError


class Sample(Struct, frozen=True):
    """What was drawn, without replacement.

    Attributes:
        places: Places of the drawn rows, ascending.
        probabilities: For each of them the chance that it was drawn, in (0, 1].
    """

    places: list[int]
    probabilities: list[float]

    def __len__(self) -> int:
        return len(self.places)


def uniform(count: int, size: int, *, generator: np.random.Generator) -> Sample:
    """Draw ``size`` of ``count`` rows, each with the same chance; all where there are fewer.

    Raises:
        UsageError: ``size`` is negative.

    >>> drawn = uniform(100, 10, generator=np.random.default_rng(0))
    >>> len(drawn), set(drawn.probabilities)
    (10, {0.1})
    """
    return stratified([0] * count, {0: size}, generator=generator)


def stratified(
    strata: Sequence[Hashable], sizes: Mapping[Hashable, int], *, generator: np.random.Generator
) -> Sample:
    """Draw a number of rows from each stratum, each row of a stratum with the same chance.

    Args:
        strata: Which stratum each row is in.
        sizes: How many to draw from each; a stratum that is not named has no chance.
        generator: Where the randomness comes from.

    Raises:
        UsageError: A size is negative.

    >>> drawn = stratified("aab", {"a": 1, "b": 1}, generator=np.random.default_rng(0))
    >>> dict(zip(drawn.places, drawn.probabilities))[2]
    1.0
    """
    members: dict[Hashable, list[int]] = {}
    for place, stratum in enumerate(strata):
        members.setdefault(stratum, []).append(place)
    chances: dict[int, float] = {}
    for stratum, size in sizes.items():
        if size < 0:
            raise UsageError(f"a sample of {size} rows; accepted is 0 or more.")
        those = members.get(stratum, [])
        drawn = min(size, len(those))
        for index in generator.choice(len(those), size=drawn, replace=False) if drawn else ():
            chances[those[int(index)]] = drawn / len(those)
    places = sorted(chances)
    return Sample(places, [chances[place] for place in places])
