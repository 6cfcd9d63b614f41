"""Describes the rows once, for the ledger and for the slices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.gap.accuracy import ProductionScores
from seatrial.gap.case import GapCase, ProductionRows

Floats = NDArray[np.float64]

MOST_ROWS = 6_000
"""Unlabelled production rows that are described: they only say how common a factor is."""


@dataclass(frozen=True)
class Described:
    """Descriptors and intensities of the production rows, and intensities of the eval rows.

    Attributes:
        rows: Which production rows these are: all labelled ones and, of many others, some.
        weights: How many production rows each stands for.
        descriptors: Per descriptor, one value per row.
        intensity: Per ledger factor, one value per row.
        before: Per ledger factor, one value per eval row.
    """

    rows: NDArray[np.intp]
    weights: Floats
    descriptors: Mapping[str, NDArray[Any]]
    intensity: Mapping[str, Floats]
    before: Mapping[str, Floats]

    @property
    def blind(self) -> bool:
        """Whether no factor can be seen in inputs of this kind."""
        return not self.intensity


def describe_rows(
    case: GapCase, rows: ProductionRows, scores: ProductionScores, *, rng: np.random.Generator
) -> Described:
    """Describe all labelled production rows, some of the others, and the eval rows.

    Args:
        case: Holds the describer and the eval rows.
        rows: Production rows.
        scores: Say which of them are labelled.
        rng: Decides which of many unlabelled rows are described.
    """
    chosen, weights = _chosen(scores, rng)
    if case.describer is None:
        return Described(chosen, weights, {}, {}, {})
    inputs = [rows.inputs[int(row)] for row in chosen]
    # A describer may give both from one pass, which takes half the time.
    read = getattr(case.describer, "read", None)
    descriptors, intensity = (
        read(inputs)
        if read is not None
        else (case.describer.describe(inputs), case.describer.factors(inputs))
    )
    before = case.describer.factors(list(case.eval.inputs))
    return Described(chosen, weights, descriptors, intensity, before)


def _chosen(scores: ProductionScores, rng: np.random.Generator) -> tuple[NDArray[np.intp], Floats]:
    others = np.flatnonzero(~scores.labelled)
    if others.size <= MOST_ROWS:
        return np.arange(scores.fate.size), np.ones(scores.fate.size)
    some = rng.choice(others, MOST_ROWS, replace=False)
    chosen = np.sort(np.concatenate([np.flatnonzero(scores.labelled), some]))
    return chosen, np.where(scores.labelled[chosen], 1.0, others.size / MOST_ROWS)
