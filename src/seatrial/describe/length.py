"""How long a text is, beside the reference."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from seatrial.describe.band import Band

POSITIONS = 101
"""Quantiles frozen from the reference: one per percentile."""

HALF_FLOOR = 0.2
"""Least distance in log words that counts half: a fifth longer is within anybody's habits."""

UNSPACED = re.compile("[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
"""Letters of scripts written without spaces; two of them make a word, on average."""


class Length:
    """Characters and words, with the reference's quantiles of words.

    Args:
        quantiles: Words at each percentile of the reference, shape (101,).
        band: Usual range of ``log(1 + words)``.
    """

    def __init__(self, quantiles: NDArray[np.float64], band: Band) -> None:
        self.quantiles = quantiles
        self.band = band

    @classmethod
    def fit(cls, texts: Sequence[str]) -> Self:
        """Freeze the quantiles of the reference."""
        counts = words(texts)
        positions = np.quantile(counts, np.linspace(0.0, 1.0, POSITIONS))
        return cls(positions, Band.of(np.log1p(counts), floor=HALF_FLOOR))

    def position(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where a word count lies among the reference's, 0 (shortest) to 1 (longest)."""
        found: NDArray[np.intp] = np.searchsorted(self.quantiles, counts, side="right")
        below: NDArray[np.intp] = np.searchsorted(self.quantiles, counts, side="left")
        return (found + below) / (2.0 * POSITIONS)

    def intensity(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far outside the reference's range a word count lies, in log words."""
        return self.band.intensity(np.log1p(counts))

    def to_document(self) -> dict[str, Any]:
        """Return the frozen quantiles."""
        band = self.band
        return {
            "quantiles": self.quantiles.tolist(),
            "band": [band.low, band.high, band.half],
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """Return what was frozen."""
        return cls(np.asarray(document["quantiles"], dtype=float), Band(*document["band"]))


def words(texts: Sequence[str]) -> NDArray[np.float64]:
    """Count words: runs between spaces, and pairs of letters of a script without spaces.

    >>> words(["two words", "", "\u4f60\u597d"])
    array([2., 0., 1.])
    """
    return np.array([_words(text) for text in texts], dtype=float)


def _words(text: str) -> float:
    if text.isascii():
        return float(len(text.split()))
    unspaced = len(UNSPACED.findall(text))
    return unspaced / 2.0 + len(UNSPACED.sub(" ", text).split())
