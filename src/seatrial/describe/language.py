"""Which language a text is in: a posterior, because a short text does not say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from seatrial.describe.vocabulary import WORD, Vocabulary

SHARE_MIN = 0.02
"""Least share of the reference that makes a language one of its own."""

VOTES_MIN = 0.02
"""Least share of the reference that must vote; else its language cannot be told, and no text
counts as foreign to it."""

CONFIDENT = 0.8
"""Posterior from which a reference text votes for its language."""

PRIOR_ODDS = 8.0
"""How much likelier a language of the reference is, before the text is read, than another one:
a text too short to say anything then counts as known."""

OTHER = (1.0, 11.0)
"""Beta distribution of the share of a text's words that happen to be common words of another
language: 8 % on average, seldom above a quarter (names, loan words, "in", "no", "me")."""

STRENGTH_MIN, STRENGTH_MAX = 2.0, 12.0
"""Bounds of the Beta's strength: another subject in the same language shifts the share, so the
reference's own spread may not be taken at its word."""

TESTIMONY_MAX = 5.0
"""Most that common words may say, in log odds: a list of names has none in any language."""

FEW = 2
"""Words up to which a text is known where the reference uses them all: the identifier takes "rare"
and "human nature" for any language."""

FLOOR = 1e-6

READ_MAX = 4_000
"""Characters read: more do not change the answer, and a book would take a second."""


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
    return np.array([_row(text[:READ_MAX]) for text in texts]).reshape(len(texts), len(labels()))


@lru_cache(maxsize=4_096)
def _row(text: str) -> NDArray[np.float64]:
    """Return one posterior; remembered, because repairs ask for the same texts again."""
    ranked = dict(identifier().rank(text))
    found = np.array([ranked[label] for label in labels()], dtype=float)
    return found / found.sum() if found.sum() > 0.0 else np.full(found.size, 1.0 / found.size)


class Language:
    """The languages of the reference, and how its everyday words lie in a text.

    Args:
        known: ISO 639 codes, most frequent first; empty where they cannot be told.
        vocabulary: The reference's words.
        common: Shape parameters of the Beta distribution of the share of common words in a text.
    """

    def __init__(
        self, known: tuple[str, ...], vocabulary: Vocabulary, common: tuple[float, float]
    ) -> None:
        self.known = known
        self.vocabulary = vocabulary
        self.common = common

    @classmethod
    def fit(cls, texts: Sequence[str], vocabulary: Vocabulary) -> Self:
        """Find the languages that hold a share of the reference with confidence."""
        found = posterior(texts)
        best = found.argmax(axis=1)
        sure = found.max(axis=1) >= CONFIDENT
        votes = np.bincount(best[sure], minlength=len(labels()))
        share = votes / max(int(votes.sum()), 1)
        order = np.argsort(-share, kind="stable")
        known = tuple(labels()[index] for index in order if share[index] >= SHARE_MIN)
        if votes.sum() < VOTES_MIN * len(texts):
            known = ()
        blank = cls(known, vocabulary, OTHER)
        counts = np.array([blank._everyday(text) for text in texts], dtype=float)
        return cls(known, vocabulary, _beta(counts[:, 0], counts[:, 1]))

    def known_mass(
        self, probabilities: NDArray[np.float64], texts: Sequence[str]
    ) -> NDArray[np.float64]:
        """Return the probability that a text is in a language of the reference.

        Two independent witnesses: the identifier's posterior (the reference's languages against
        the likeliest other one, so that a flat posterior says nothing), and how many of the words
        are among the reference's most frequent ones. The second sees languages that the identifier
        does not know in that spelling (romanised Hindi), and English too short for the first.

        Args:
            probabilities: From :func:`posterior`, shape (n, languages).
            texts: The same texts.

        Returns:
            Shape (n,).
        """
        if not self.known:
            return np.ones(len(texts))
        columns = [labels().index(label) for label in self.known]
        inside = np.maximum(probabilities[:, columns].sum(axis=1), FLOOR)
        rival = np.maximum(np.delete(probabilities, columns, axis=1).max(axis=1), FLOOR)
        odds = np.log(PRIOR_ODDS) + np.log(inside) - np.log(rival)
        odds += np.array([self._testimony(text) for text in texts], dtype=float)
        mass: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-odds))
        return mass

    def _testimony(self, text: str) -> float:
        """Return log P(common words | known) - log P(common words | other), within bounds."""
        written = WORD.findall(text.lower())
        if 0 < len(written) <= FEW and all(word in self.vocabulary for word in written):
            return TESTIMONY_MAX
        count, words = self._everyday(text)
        found = _beta_binomial(count, words, *self.common) - _beta_binomial(count, words, *OTHER)
        return max(-TESTIMONY_MAX, min(TESTIMONY_MAX, found))

    def _everyday(self, text: str) -> tuple[int, int]:
        words = WORD.findall(text.lower())
        return sum(word in self.vocabulary.common for word in words), len(words)

    def to_document(self) -> dict[str, Any]:
        """Return the codes and the shape parameters."""
        return {"known": list(self.known), "common": list(self.common)}

    @classmethod
    def from_document(cls, document: dict[str, Any], vocabulary: Vocabulary) -> Self:
        """Return what was frozen."""
        first, second = document["common"]
        return cls(tuple(document["known"]), vocabulary, (first, second))


def _beta(successes: NDArray[np.float64], trials: NDArray[np.float64]) -> tuple[float, float]:
    """Fit a Beta distribution to shares by moments, no narrower than :data:`STRENGTH_MAX`."""
    used = trials > 0
    if not used.any():
        return OTHER
    mean = float(np.clip(successes[used].sum() / trials[used].sum(), FLOOR, 1.0 - FLOOR))
    spread = float(np.var(successes[used] / trials[used]))
    strength = mean * (1.0 - mean) / max(spread, FLOOR) - 1.0
    strength = float(np.clip(strength, STRENGTH_MIN, STRENGTH_MAX))
    return mean * strength, (1.0 - mean) * strength


@lru_cache(maxsize=65_536)
def _beta_binomial(successes: int, trials: int, first: float, second: float) -> float:
    """Return log P(successes) but for the binomial coefficient, which cancels in ratios."""
    return (
        math.lgamma(successes + first)
        + math.lgamma(trials - successes + second)
        - math.lgamma(trials + first + second)
        + math.lgamma(first + second)
        - math.lgamma(first)
        - math.lgamma(second)
    )
