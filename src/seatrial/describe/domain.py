"""What a text is about: how far it lies from the reference's texts, and how many words are new."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from seatrial.describe.packing import pack, pack_words, unpack, unpack_words
from seatrial.describe.vocabulary import WORD, Vocabulary

ANCHORS_MAX = 2_000
"""Most reference texts that are kept to measure distances to: about 1 MB packed."""

ANCHORS_MIN = 20
"""Fewer texts than this have no distances of their own to compare with: nothing is far."""

GRAMS_MAX = 16_000
"""Most letter groups kept; with 16-bit positions and a byte a weight, the tables stay small."""

COMMON_SHARE = 0.1
"""Share of the texts from which a letter group says nothing about the subject; leaving those out
is three times as fast and as exact."""

GRAM_SIZES = (3, 4)
"""Letters in a group; a word counts with a blank on either side."""

NEIGHBOURS = 10
"""Texts whose mean similarity is taken; one alone would be a matter of chance."""

SCALE = 255.0
"""Weights are kept as bytes: the error (0.2 %) is far below the spread between texts."""

USUAL, RARE = 0.8, 0.98
"""Quantiles of the reference's own distances at which the intensity leaves 0 and is 0.5."""

LENGTH_BINS = 5
"""Short texts lie further from everything: distances are compared within a fifth by length."""

ITSELF = 0.97
"""Similarity from which a text of the reference is itself; bytes make it a little less than 1."""

BLOCK = 64
"""Texts compared at once: 64 x 2,000 similarities fit in a core's cache."""

Floats = NDArray[np.float64]


class Domain:
    """Distances to the reference in a TF-IDF space of letter groups, and the share of new words.

    Similarity is the cosine of ``(1 + log tf) idf`` vectors (Salton and Buckley, 1988) over
    letter groups; the distance is 1 - the mean over the nearest ten reference texts. Both it and
    the share of words that the reference does not have are standardised within the text's length
    bin, and added. Reference texts are measured against the *other* ones.

    Args:
        vocabulary: The reference's words.
        grams: Letter groups, in the order of their columns.
        idf: Inverse document frequency of each group, shape (grams,).
        starts: Where each group's postings start, shape (grams + 1,).
        texts: Reference text of each posting, shape (postings,).
        weights: Weight of each posting as a byte, shape (postings,).
        edges: Upper edges of the length bins in log words, shape (bins - 1,).
        moments: Mean and spread of distance and of new words, by bin, shape (bins, 4).
        quantiles: Percentiles of the reference's own standardised sums, shape (101,).
        own: Hashes of the reference's texts: such a text is measured against the other ones,
            or else the reference would look nearer to itself than anything like it can be.
    """

    def __init__(
        self,
        *,
        vocabulary: Vocabulary,
        grams: Sequence[str],
        idf: Floats,
        starts: NDArray[np.int64],
        texts: NDArray[np.int64],
        weights: NDArray[np.uint8],
        edges: Floats,
        moments: Floats,
        quantiles: Floats,
        own: NDArray[np.uint64],
    ) -> None:
        self.vocabulary = vocabulary
        self.grams = list(grams)
        self.idf = idf
        self.starts = starts
        self.texts = texts
        self.weights = weights
        self.edges = edges
        self.moments = moments
        self.quantiles = quantiles
        self.own = own
        self._own = frozenset(own.tolist())
        self._columns = {gram: column for column, gram in enumerate(self.grams)}
        self._known_words: dict[str, list[int]] = {}
        self._anchors = int(texts.max()) + 1 if texts.size else 0

    @classmethod
    def fit(cls, texts: Sequence[str], vocabulary: Vocabulary) -> Self:
        """Measure the reference against itself.

        Args:
            texts: Reference texts, repaired as later ones will be.
            vocabulary: Their words.
        """
        from sklearn.feature_extraction.text import TfidfVectorizer

        if len(texts) < ANCHORS_MIN:
            return cls._empty(vocabulary)
        step = max(len(texts) / ANCHORS_MAX, 1.0)
        anchors = [texts[int(index * step)] for index in range(int(len(texts) / step))]
        for most in (COMMON_SHARE, 1.0):
            vectorizer = TfidfVectorizer(
                analyzer=_groups, sublinear_tf=True, max_features=GRAMS_MAX, max_df=most
            )
            try:
                matrix = vectorizer.fit_transform(anchors).tocsc()
                break
            except ValueError:  # no group is rare: all texts are alike, or hold no words
                continue
        else:
            return cls._empty(vocabulary)
        blank = cls(
            vocabulary=vocabulary,
            grams=vectorizer.get_feature_names_out().tolist(),
            idf=np.asarray(vectorizer.idf_, dtype=float),
            starts=matrix.indptr.astype(np.int64),
            texts=matrix.indices.astype(np.int64),
            weights=np.rint(matrix.data * SCALE).astype(np.uint8),
            edges=np.zeros(0),
            moments=np.zeros((0, 4)),
            quantiles=np.zeros(0),
            own=np.array(sorted({_hash(text) for text in texts}), dtype=np.uint64),
        )
        return blank._calibrated(anchors)

    @classmethod
    def _empty(cls, vocabulary: Vocabulary) -> Self:
        none = np.zeros(0, dtype=np.int64)
        return cls(
            vocabulary=vocabulary,
            grams=[],
            idf=np.zeros(0),
            starts=np.zeros(1, dtype=np.int64),
            texts=none,
            weights=none.astype(np.uint8),
            edges=np.zeros(0),
            moments=np.array([[0.0, 1.0, 0.0, 1.0]]),
            quantiles=np.zeros(101),
            own=np.zeros(0, dtype=np.uint64),
        )

    def _calibrated(self, anchors: Sequence[str]) -> Self:
        """Return the same tables with the reference's own distances in them."""
        far = self._distances(anchors)
        new, lengths = self._novelties(anchors)
        bins = min(LENGTH_BINS, max(len(anchors) // 20, 1))
        edges = np.unique(np.quantile(lengths, np.linspace(0.0, 1.0, bins + 1)[1:-1]))
        places = np.searchsorted(edges, lengths, side="left")
        rows = [
            _moments(far[places == place], new[places == place], far, new)
            for place in range(len(edges) + 1)
        ]
        self.edges, self.moments = edges, np.array(rows)
        self.quantiles = np.quantile(
            self._standardised(far, new, lengths), np.linspace(0.0, 1.0, 101)
        )
        return self

    def distances(self, texts: Sequence[str]) -> Floats:
        """Return how far each text lies from the reference, in its own standard deviations.

        0 is an ordinary text of the reference, and one without words; shape (n,).
        """
        if not self._anchors:
            return np.zeros(len(texts))
        new, lengths = self._novelties(texts)
        found = self._standardised(self._distances(texts), new, lengths)
        return np.where(lengths > 0.0, found, 0.0)

    def positions(self, distances: Floats) -> Floats:
        """Return the quantile of each distance among the reference's own, in [0, 1]."""
        return np.searchsorted(self.quantiles, distances, side="left") / len(self.quantiles)

    def intensity(self, distances: Floats) -> Floats:
        """Return 0 up to the reference's 80th percentile, 0.5 at its 98th, towards 1 beyond."""
        usual, rare = np.interp([USUAL, RARE], np.linspace(0.0, 1.0, 101), self.quantiles)
        beyond = np.maximum(distances - usual, 0.0)
        graded: Floats = beyond / (beyond + max(rare - usual, np.finfo(float).eps))
        return graded

    def _standardised(self, far: Floats, new: Floats, lengths: Floats) -> Floats:
        places = np.searchsorted(self.edges, lengths, side="left")
        mean_far, spread_far, mean_new, spread_new = self.moments[places].T
        summed: Floats = ((far - mean_far) / spread_far + (new - mean_new) / spread_new) / 2.0
        return summed

    def _novelties(self, texts: Sequence[str]) -> tuple[Floats, Floats]:
        """Return the share of new words and log(1 + words)."""
        counts = self.vocabulary.counts
        rows = []
        for text in texts:
            found = WORD.findall(text.lower())
            own = int(_hash(text) in self._own)
            new = sum(counts.get(word, 0) <= own for word in found)
            rows.append((new / max(len(found), 1), np.log1p(len(found))))
        shares, lengths = np.array(rows, dtype=float).reshape(len(rows), 2).T
        return shares, lengths

    def _distances(self, texts: Sequence[str]) -> Floats:
        blocks = [
            self._block(texts[start : start + BLOCK]) for start in range(0, len(texts), BLOCK)
        ]
        return np.concatenate(blocks) if blocks else np.zeros(0)

    def _block(self, texts: Sequence[str]) -> Floats:
        """Return the distances of a few texts; each row's sums run in its own order alone."""
        columns, values, owners = self._vectors(texts)
        sizes = self.starts[columns + 1] - self.starts[columns]
        first = np.repeat(self.starts[columns], sizes)
        within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        postings = first + within
        cells = np.repeat(owners, sizes) * self._anchors + self.texts[postings]
        products = np.repeat(values, sizes) * self.weights[postings]
        shape = (len(texts), self._anchors)
        near = np.bincount(cells, weights=products, minlength=shape[0] * shape[1]).reshape(shape)
        for row, text in enumerate(texts):
            itself = int(near[row].argmax())
            if near[row, itself] >= ITSELF * SCALE and _hash(text) in self._own:
                near[row, itself] = 0.0
        count = min(NEIGHBOURS, self._anchors)
        nearest = np.sort(np.partition(near, -count, axis=1)[:, -count:], axis=1)
        distances: Floats = 1.0 - nearest.mean(axis=1) / SCALE
        return distances

    def _vectors(self, texts: Sequence[str]) -> tuple[NDArray[np.int64], Floats, NDArray[np.int64]]:
        """Return columns, weights and owners of the texts' TF-IDF vectors, each of length 1."""
        columns, values, owners = [], [], []
        for row, text in enumerate(texts):
            found = [column for word in _words(text) for column in self._of_word(word)]
            distinct, counts = np.unique(np.array(found, dtype=np.int64), return_counts=True)
            weights = (1.0 + np.log(counts)) * self.idf[distinct]
            norm = np.sqrt(np.sum(weights * weights))
            columns.append(distinct)
            values.append(weights / norm if norm > 0.0 else weights)
            owners.append(np.full(len(distinct), row, dtype=np.int64))
        return np.concatenate(columns), np.concatenate(values), np.concatenate(owners)

    def _of_word(self, word: str) -> list[int]:
        found = self._known_words.get(word)
        if found is None:
            groups = (self._columns.get(gram) for gram in _grams(word))
            found = [column for column in groups if column is not None]
            if word in self.vocabulary:
                self._known_words[word] = found
        return found

    def to_document(self) -> dict[str, Any]:
        """Return the tables, packed."""
        return {
            "grams": pack_words(self.grams),
            "idf": pack(self.idf),
            "starts": pack(self.starts.astype(np.uint32)),
            "texts": pack(self.texts.astype(np.uint16)),
            "weights": pack(self.weights),
            "edges": pack(self.edges),
            "moments": pack(self.moments),
            "quantiles": pack(self.quantiles),
            "own": pack(self.own),
        }

    @classmethod
    def from_document(cls, document: dict[str, Any], vocabulary: Vocabulary) -> Self:
        """Return what was frozen."""
        tables = {name: unpack(value) for name, value in document.items() if name != "grams"}
        tables["starts"] = tables["starts"].astype(np.int64)
        tables["texts"] = tables["texts"].astype(np.int64)
        return cls(vocabulary=vocabulary, grams=unpack_words(document["grams"]), **tables)


def _moments(far: Floats, new: Floats, all_far: Floats, all_new: Floats) -> list[float]:
    """Return mean and spread of both; a bin without spread borrows that of all."""
    row: list[float] = []
    for part, whole in ((far, all_far), (new, all_new)):
        used = part if part.size else whole
        row += [float(used.mean()), float(used.std()) or float(whole.std()) or 1.0]
    return row


def _words(text: str) -> list[str]:
    return text.lower().split()


def _grams(word: str) -> list[str]:
    padded = f" {word} "
    return [
        padded[start : start + size]
        for size in GRAM_SIZES
        for start in range(len(padded) - size + 1)
    ]


def _groups(text: str) -> list[str]:
    return [gram for word in _words(text) for gram in _grams(word)]


def _hash(text: str) -> int:
    data = text.encode("utf-8", errors="surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")
