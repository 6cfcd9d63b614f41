"""Inputs as numbers for cheap models: words and letters of texts, cells of tables.

Nothing here looks at a label, so an encoding fitted on all eval rows tells no held-out row's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from seatrial.core.settings import InputKind
from seatrial.faults.cells import Table, absent, is_number, is_numeric

Floats = NDArray[np.float64]

SLOTS = 2**18
"""Hash slots: what was never seen must fall into an empty one; 1,000 texts have 10^5 n-grams."""

WORD = r"(?u)\w+|[!?]"
"""What counts as a word: letters and digits, and the two marks that carry a mood."""

TEXT_MAX = 1_500
"""Characters read of a text: more would cost time and seldom change what a cheap model says."""

SEEN_MIN = 2
"""Eval rows that must have an n-gram: one row teaches nothing about others."""

KEPT_MAX = 60_000
"""N-grams that are kept: a table of weights has one for each of them and each class."""

EDGE = 0.005
"""Part of the eval cells at either end beyond which a number counts as never seen."""

LEVELS_MAX = 40
"""Categories of a column that are told apart; rarer ones are all alike."""

BINS = 8
"""Steps into which the binned view cuts a number."""


class Encoding(Protocol):
    """Turns inputs into matrices, one per view."""

    def views(self, inputs: Sequence[Any]) -> dict[str, Any]:
        """Return matrices of shape (n, features) by name; ``seen`` holds what support counts."""
        ...

    def support(self, seen: Any, known: Any) -> tuple[Floats, Floats]:
        """Return how many parts of each row are known, and their share, shape (n,) each."""
        ...

    def known(self, seen: Any) -> Any:
        """Return what those rows make known."""
        ...

    def looks(self, inputs: Sequence[Any]) -> dict[str, Any]:
        """Return matrices that show a shift, finer than the cheap models need: by classifier."""
        ...


class TextEncoding:
    """Hashed words, word pairs and letters, weighted by how rare they are in the eval set.

    Unseen n-grams keep their place in a row's norm: a text of strange words gets a short vector,
    whether it is a held-out eval row or came from production.
    """

    def __init__(self, inputs: Sequence[Any]) -> None:
        from sklearn.feature_extraction.text import HashingVectorizer

        shared: dict[str, Any] = {
            "n_features": SLOTS, "norm": None, "alternate_sign": False, "dtype": np.float32
        }  # fmt: skip
        word = {"token_pattern": WORD, **shared}
        self._read = {
            "words": HashingVectorizer(ngram_range=(1, 2), **word),
            "letters": HashingVectorizer(ngram_range=(3, 4), analyzer="char_wb", **shared),
        }
        self._single = HashingVectorizer(binary=True, **word)
        pair = {"ngram_range": (1, 2), "analyzer": "char", "lowercase": False}
        self._pairs = HashingVectorizer(**pair, **shared)
        self._rarity: dict[str, NDArray[np.float32]] = {}
        self._kept: dict[str, NDArray[np.intp]] = {}
        texts = _texts(inputs)
        for name, reader in self._read.items():
            rows = np.asarray((reader.transform(texts) > 0).sum(axis=0)).ravel()
            self._rarity[name] = np.log((1 + len(texts)) / (1 + rows)).astype(np.float32) + 1
            # Where no n-gram comes twice, those that come once are all there is.
            self._kept[name] = np.flatnonzero(rows >= min(SEEN_MIN, rows.max()))[:KEPT_MAX]

    def views(self, inputs: Sequence[Any]) -> dict[str, Any]:
        """Return sparse matrices: words, letters, and the words a text is made of."""
        from scipy import sparse
        from sklearn.preprocessing import normalize

        texts = _texts(inputs)
        found: dict[str, Any] = {"seen": self._single.transform(texts)}
        for name, reader in self._read.items():
            counts = reader.transform(texts)
            np.log1p(counts.data, out=counts.data)
            weighted = counts @ sparse.diags(self._rarity[name])
            found[name] = normalize(weighted, copy=False)[:, self._kept[name]].tocsr()
        return found

    def looks(self, inputs: Sequence[Any]) -> dict[str, Any]:
        """Return words, and pairs of characters as they stand: case and blanks are a shift too."""
        from scipy import sparse
        from sklearn.preprocessing import normalize

        pairs = normalize(self._pairs.transform(_texts(inputs)))
        return {"linear": sparse.hstack([self.views(inputs)["words"], pairs]).tocsr()}

    def known(self, seen: Any) -> NDArray[np.float64]:
        """Return which words those rows hold, shape (slots,)."""
        return np.asarray(seen.sum(axis=0) > 0, dtype=float).ravel()

    def support(self, seen: Any, known: NDArray[np.float64]) -> tuple[Floats, Floats]:
        """Return how many of a text's words are known, and which share of them."""
        total = np.asarray(seen.sum(axis=1), dtype=float).ravel()
        count = np.asarray(seen @ known, dtype=float).ravel()
        return count, count / np.maximum(total, 1.0)


class TableEncoding:
    """Numbers by the eval set's median and spread, and in steps; categories one by one."""

    def __init__(self, inputs: Sequence[Any]) -> None:
        table = Table.of(inputs)
        self._numeric: dict[Any, tuple[float, float]] = {}
        self._cuts: dict[Any, Floats] = {}
        self._ends: dict[Any, tuple[float, float]] = {}
        self._levels: dict[Any, dict[Any, int]] = {}
        for name, cells in table.columns.items():
            if is_numeric(cells):
                values = np.array([float(cell) for cell in cells if is_number(cell)])
                spread = float(np.subtract(*np.quantile(values, [0.75, 0.25]))) / 1.35
                self._numeric[name] = (
                    float(np.median(values)),
                    spread or float(values.std()) or 1.0,
                )
                self._cuts[name] = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1]))
                low, high = np.quantile(values, [EDGE, 1.0 - EDGE])
                self._ends[name] = (float(low), float(high))
            else:
                self._levels[name] = _levels(cells)

    def views(self, inputs: Sequence[Any]) -> dict[str, Any]:
        """Return dense matrices: scaled numbers, numbers in steps, and which cells are known."""
        table = Table.of(inputs)
        n = len(inputs)
        scaled: list[Floats] = []
        stepped: list[Floats] = []
        seen: list[Floats] = []
        for name, (middle, spread) in self._numeric.items():
            values = _numbers(table.columns.get(name), n)
            gone = ~np.isfinite(values)
            place = np.where(gone, 0.0, (np.where(gone, middle, values) - middle) / spread)
            scaled += [np.clip(place, -6.0, 6.0)[:, None], gone[:, None].astype(float)]
            steps = np.where(gone, BINS, np.searchsorted(self._cuts[name], values))
            stepped.append(np.eye(BINS + 1)[steps])
            low, high = self._ends[name]
            seen.append((~gone & (values >= low) & (values <= high))[:, None].astype(float))
        for name, levels in self._levels.items():
            codes = _codes(table.columns.get(name), levels, n)
            one_hot = np.eye(len(levels) + 1)[codes]
            scaled.append(one_hot)
            stepped.append(one_hot)
            seen.append((codes < len(levels))[:, None].astype(float))
        joined = [np.hstack(part) if part else np.zeros((n, 1)) for part in (scaled, stepped, seen)]
        return dict(zip(("scaled", "stepped", "seen"), joined, strict=True))

    def looks(self, inputs: Sequence[Any]) -> dict[str, Any]:
        """Return cells scaled, for trees: they see spread and which cells go together."""
        return {"trees": self.views(inputs)["scaled"]}

    def known(self, seen: Any) -> None:
        """Return nothing: what is known of tables was found out from all eval rows."""

    def support(self, seen: Any, known: None) -> tuple[Floats, Floats]:  # noqa: ARG002  (texts need it)
        """Return how many of a row's cells are within what eval holds, and which share."""
        return np.asarray(seen.sum(axis=1), dtype=float), np.asarray(seen.mean(axis=1), dtype=float)


def encoding_for(kind: InputKind, inputs: Sequence[Any]) -> Encoding | None:
    """Return the encoding of inputs of a kind, fitted on them; ``None`` where there is none."""
    if kind == "text":
        return TextEncoding(inputs)
    if kind in {"record", "array"}:
        return TableEncoding(inputs)
    return None


def _texts(inputs: Sequence[Any]) -> list[str]:
    return ["" if text is None else str(text)[:TEXT_MAX] for text in inputs]


def _levels(cells: Sequence[Any]) -> dict[Any, int]:
    counts: dict[Any, int] = {}
    for cell in cells:
        if not absent(cell):
            counts[str(cell)] = counts.get(str(cell), 0) + 1
    common = sorted(counts, key=lambda level: -counts[level])[:LEVELS_MAX]
    return {level: place for place, level in enumerate(common)}


def _numbers(cells: Sequence[Any] | None, n: int) -> Floats:
    if cells is None:
        return np.full(n, np.nan)
    return np.array([float(cell) if is_number(cell) else np.nan for cell in cells])


def _codes(cells: Sequence[Any] | None, levels: dict[Any, int], n: int) -> NDArray[np.int64]:
    if cells is None:
        return np.full(n, len(levels))
    return np.array([levels.get(str(cell), len(levels)) for cell in cells], dtype=np.int64)
