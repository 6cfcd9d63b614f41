"""Accuracy of the production rows by column and by what the inputs look like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.evidence.gap import Slice
from seatrial.gap.accuracy import ProductionScores
from seatrial.gap.case import ProductionRows
from seatrial.gap.describing import Described
from seatrial.stats.intervals import mean_interval

Floats = NDArray[np.float64]

LEAST_ROWS = 20
"""Labelled rows below which a slice's interval is wider than 40 points: it says nothing."""

MOST_VALUES = 20
"""Values shown per column, most frequent first."""

DISTINCT_NUMBERS = 12
"""Distinct numbers up to which each is a value; beyond, quarters are shown."""

PRESENT = 0.5
"""Intensity from which a row counts as having a factor."""

DESCRIPTORS = ("language", "script", "words", "length")
"""Descriptors by which every production set is reported, where the describer has them."""


def slices(
    rows: ProductionRows, scores: ProductionScores, described: Described
) -> tuple[Slice, ...]:
    """Report by the user's columns, by descriptors, and by having a factor or not.

    A slice counts requests that were not answered as wrong, as the whole does.
    """
    found: list[Slice] = []
    for name, values in rows.columns.items():
        found.extend(_by(name, _banded(values), scores, np.ones(scores.fate.size)))
    seen = scores.taken(described.rows)
    for name, values in _seen(described).items():
        if name not in rows.columns:
            found.extend(_by(name, _banded(values), seen, described.weights))
    return tuple(found)


def _seen(described: Described) -> dict[str, Sequence[Any]]:
    found: dict[str, Sequence[Any]] = {
        name: described.descriptors[name].tolist()
        for name in DESCRIPTORS
        if name in described.descriptors
    }
    for name, intensity in described.intensity.items():
        has = np.asarray(intensity) >= PRESENT
        if name not in found and has.any():
            found[name] = ["yes" if one else "no" for one in has]
    return found


def _banded(values: Sequence[Any]) -> list[str]:
    """Name each value; many distinct numbers become quarters."""
    numbers = [v for v in values if isinstance(v, (int, float)) and not isinstance(v, bool)]
    finite = [v for v in numbers if np.isfinite(v)]
    if len(numbers) < len(values) or len(set(finite)) <= DISTINCT_NUMBERS:
        return [_name(value) for value in values]
    edges = np.unique(np.quantile(finite, [0.25, 0.5, 0.75]))
    bounds = [min(finite), *edges, max(finite)]
    labels = [f"{low:g} to {high:g}" for low, high in pairwise(bounds)]
    places = np.searchsorted(edges, np.array(values, dtype=float), side="left")
    return [
        labels[place] if np.isfinite(value) else "missing"
        for place, value in zip(places, values, strict=True)
    ]


def _name(value: Any) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return "missing"
    return str(value)


def _by(name: str, values: Sequence[str], scores: ProductionScores, weights: Floats) -> list[Slice]:
    kept = np.array(values, dtype=object)
    found = []
    for value, _ in Counter(values).most_common(MOST_VALUES):
        one = _slice(name, value, np.asarray(kept == value), scores, weights)
        if one is not None:
            found.append(one)
    return found


def _slice(
    name: str, value: str, inside: NDArray[np.bool_], scores: ProductionScores, weights: Floats
) -> Slice | None:
    answered, judged = scores.answered & inside, scores.judged & inside
    silent = int((inside & ~answered).sum())
    if int(judged.sum()) + silent < LEAST_ROWS or (answered.any() and not judged.any()):
        return None
    whole = int(judged.sum()) == int(answered.sum())
    share = 1.0 if whole else float(weights[answered].sum() / weights[inside].sum())
    chosen = inside if whole else judged
    values = scores.counted()[chosen]
    drawn = None if whole else scores.weights[chosen]
    population = None if whole else round(float(weights[answered].sum()))
    accuracy = share * float(np.average(values, weights=drawn))
    ends = mean_interval(values, weights=drawn, population=population)
    return Slice(
        by=name,
        value=value,
        share=float(weights[inside].sum() / weights.sum()),
        accuracy=accuracy,
        low=min(share * ends.low, accuracy),
        high=max(share * ends.high, accuracy),
        n=int(values.size),
    )
