"""Which language a text is in: a posterior, because a short text does not say."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

SHARE_MIN = 0.02
"""Least share of the reference that makes a language one of its own."""

CONFIDENT = 0.8
"""Posterior from which a reference text votes for its language."""

PRIOR_ODDS = 15.0
"""How much likelier a language of the reference is, before the text is read, than another one:
a text too short to say anything then counts as known."""


@lru_cache(maxsize=1)
def identifier() -> Any:
    """Return py3langid's identifier, loaded once; its probabilities are tempered by length."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


@lru_cache(maxsize=1)
def labels() -> tuple[str, ...]:
    """Return the ISO 639 codes of all languages that can be told apart, sorted."""
    return tuple(sorted(identifier().labels))


def posterior(texts: Sequence[str]) -> NDArray[np.float64]:
    """Return the probability of each language of :func:`labels` for each text.

    Args:
        texts: Clean texts: markup and look-alike letters read as another language.

    Returns:
        Shape (n, languages); rows sum to 1. A text without letters gives a flat row.

    >>> labels()[posterior(["the weather is lovely today"])[0].argmax()]
    'en'
    """
    columns = {label: index for index, label in enumerate(labels())}
    found = np.zeros((len(texts), len(columns)))
    rank = identifier().rank
    for row, text in enumerate(texts):
        for label, probability in rank(text):
            found[row, columns[label]] = probability
    sums = found.sum(axis=1, keepdims=True)
    return np.where(sums > 0.0, found / np.where(sums > 0.0, sums, 1.0), 1.0 / len(columns))


class Language:
    """The languages of the reference.

    Args:
        known: ISO 639 codes, most frequent first.
    """

    def __init__(self, known: tuple[str, ...]) -> None:
        self.known = known

    @classmethod
    def fit(cls, texts: Sequence[str]) -> Self:
        """Find the languages that hold a share of the reference with confidence."""
        found = posterior(texts)
        best = found.argmax(axis=1)
        sure = found.max(axis=1) >= CONFIDENT
        votes = np.bincount(best[sure], minlength=len(labels()))
        share = votes / max(int(votes.sum()), 1)
        order = np.argsort(-share, kind="stable")
        known = tuple(labels()[index] for index in order if share[index] >= SHARE_MIN)
        return cls(known or (labels()[int(found.sum(axis=0).argmax())],))

    def known_mass(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability that a text is in a language of the reference, shape (n,)."""
        columns = [labels().index(label) for label in self.known]
        inside = probabilities[:, columns].sum(axis=1) * PRIOR_ODDS
        outside = 1.0 - probabilities[:, columns].sum(axis=1)
        return inside / np.maximum(inside + outside, np.finfo(float).tiny)

    def to_document(self) -> dict[str, Any]:
        """Return the codes."""
        return {"known": list(self.known)}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """Return what was frozen."""
        return cls(tuple(document["known"]))
