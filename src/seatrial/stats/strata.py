"""Strata: groups of rows that are alike, from which a sample is drawn and by which it is judged."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

QUANTILES = 4
"""Bands of confidence in each group: with 200 labels and two groups, 25 labels each."""

LEAST_LABELS = 40
"""Labels below which a stratum is pooled with its neighbour. A plain sample does not fall into the
strata in proportion, which costs one label in variance per stratum: too many of them cost more than
they tell where confidence knows little."""


def confidence_strata(
    confidence: ArrayLike, groups: ArrayLike | None = None, *, quantiles: int = QUANTILES
) -> Codes:
    """Number the rows by group and, inside each group, by quantile of confidence.

    Neighbouring numbers are alike: inside a group confidence rises with the number. Rows without
    confidence (NaN) are a stratum of their own, the first of their group.

    Args:
        confidence: Shape (n,), NaN where the model gave none.
        groups: Shape (n,), whole numbers (0 for a known language, 1 for others, say).
        quantiles: Bands per group; equal values are never parted.

    Returns:
        Shape (n,), from 0.

    >>> confidence_strata([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], quantiles=2).tolist()
    [0, 1, 2, 3]
    """
    values = np.asarray(confidence, dtype=float)
    own = np.zeros(values.size, dtype=np.int64) if groups is None else np.asarray(groups)
    codes = np.zeros(values.size, dtype=np.int64)
    for place, group in enumerate(np.unique(own)):
        here = own == group
        codes[here] = place * (quantiles + 1) + _bands(values[here], quantiles)
    return _dense(codes)


def pooled(strata: ArrayLike, labelled: ArrayLike, *, least: int = LEAST_LABELS) -> Codes:
    """Merge every stratum that has too few labels with a neighbour, the one with fewer labels.

    Args:
        strata: Shape (n,), whole numbers; neighbouring numbers are alike.
        labelled: Shape (n,), whether a row has a label.
        least: Labels that a stratum needs.

    Returns:
        Shape (n,), from 0 without gaps; every stratum has ``least`` labels, or there is only one.

    >>> pooled([0, 0, 1, 1, 2, 2], [1, 1, 1, 0, 1, 1], least=2).tolist()
    [0, 0, 0, 0, 1, 1]
    """
    codes = _dense(np.asarray(strata))
    counts = np.bincount(codes, weights=np.asarray(labelled, dtype=float)).tolist()
    members = [[code] for code in range(len(counts))]
    while len(counts) > 1 and min(counts) < least:
        place = counts.index(min(counts))
        around = [other for other in (place - 1, place + 1) if 0 <= other < len(counts)]
        other = min(around, key=lambda one: counts[one])
        low, high = sorted((place, other))
        counts[low : high + 1] = [counts[low] + counts[high]]
        members[low : high + 1] = [members[low] + members[high]]
    merged = np.empty(sum(map(len, members)), dtype=np.int64)
    for new, old in enumerate(members):
        merged[old] = new
    return np.asarray(merged[codes])


def _bands(values: Floats, quantiles: int) -> Codes:
    known = np.isfinite(values)
    bands = np.zeros(values.size, dtype=np.int64)
    if known.any():
        inner = np.linspace(0.0, 1.0, quantiles + 1)[1:-1]
        edges = np.unique(np.quantile(values[known], inner))
        bands[known] = 1 + np.searchsorted(edges, values[known], side="right")
    return bands


def _dense(codes: NDArray[np.int64]) -> Codes:
    """Number the codes that occur from 0, in their order; counting is faster than sorting."""
    if not codes.size:
        return codes.astype(np.int64)
    from_zero = codes - codes.min()
    occurs = np.bincount(from_zero) > 0
    return np.asarray((np.cumsum(occurs) - 1)[from_zero], dtype=np.int64)
