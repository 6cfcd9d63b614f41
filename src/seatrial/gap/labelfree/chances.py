"""The chance that an answer is right, learnt from eval rows as they are and spoilt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ROUNDS = 60
LEAVES = 12
LEAF_ROWS = 80
STEP = 0.1
ROWS_MAX = 12_000
"""Small trees, each on many rows: beyond what was seen a tree says what its edge says, so nothing
is extrapolated. Fixed on the families left out, not on any target."""


ONE = 1
"""Threads: trees this small are waited for longer than they are grown where cores are shared."""


class Chances:
    """Boosted trees of being right on what can be seen without a label.

    Args:
        rows: Signals of each row, shape (n, signals).
        scores: What its answer is worth, from 0 to 1, shape (n,).
        weights: How much it counts, shape (n,).
    """

    def __init__(self, rows: Floats, scores: Floats, weights: Floats) -> None:
        from sklearn.ensemble import HistGradientBoostingRegressor
        from threadpoolctl import threadpool_limits

        self._model = HistGradientBoostingRegressor(
            max_iter=ROUNDS,
            max_leaf_nodes=LEAVES,
            min_samples_leaf=LEAF_ROWS,
            learning_rate=STEP,
            early_stopping=False,
            random_state=0,
        )
        # Every k-th row: the sets follow one another, so each keeps its share.
        some = slice(None, None, -(-len(rows) // ROWS_MAX))
        with threadpool_limits(ONE):
            self._model.fit(rows[some], scores[some], sample_weight=weights[some])

    def __call__(self, rows: Floats) -> Floats:
        """Return the chance of each row, shape (n,)."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(ONE):
            return np.asarray(np.clip(self._model.predict(rows), 0.0, 1.0), dtype=float)


def family_weights(families: Sequence[str], sizes: Sequence[int]) -> list[float]:
    """Return a weight for each row of each set, so that every family counts the same.

    >>> family_weights(["a", "a", "b"], [10, 10, 10])
    [0.75, 0.75, 1.5]
    """
    rows: dict[str, int] = {}
    for family, size in zip(families, sizes, strict=True):
        rows[family] = rows.get(family, 0) + size
    mean = sum(sizes) / max(1, len(rows))
    return [mean / rows[family] for family in families]
