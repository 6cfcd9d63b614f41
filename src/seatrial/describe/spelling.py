"""Which unknown words are slips of known ones: a noisy channel over the reference's words."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cached_property

from seatrial.describe.chat import SLANG, SPELLINGS
from seatrial.describe.vocabulary import Vocabulary

SLIP_RATE = 0.02
"""Share of words typed wrongly where anything is; from studies of typed text, 1 to 3 %."""

COUNT_MIN = 2
"""A word seen once in the reference may itself be a slip: it corrects nothing."""

LENGTH_MIN = 3
"""Shorter words have too many neighbours to say which was meant."""

LENGTH_MAX = 30
"""Longer runs of letters are no words; looking for their neighbours costs more than it finds."""

ODDS_MIN = math.log(10.0)
"""Log odds (slip against new word) from which a word is corrected."""

SHORT = 4
SHORT_ODDS = math.log(10.0)
"""Further log odds for words of at most :data:`SHORT` letters: they have many neighbours."""

ENDING = 2
"""Letters at the end of a word that its grammar may change."""

USUAL = 5
"""Words of the reference that begin or end so, from which that is no sign of a slip."""

ALPHABET = 26.0
"""Letters that a slip may put in; the figure matters only by its order of magnitude."""

CLASS_SHARE = {"swap": 0.35, "drop": 0.25, "extra": 0.2, "other": 0.2}
"""How slips divide into transposed, left out, put in and wrong letters."""

NEIGHBOUR_GAIN = 4.0
"""How much likelier a neighbouring key is than any letter; a doubled one counts as neighbour."""

ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
"""Keys in rows; other layouts move a few letters only."""

UNACCENTED = str.maketrans(
    "\u00f8\u0111\u0142\u0131\u00f0\u0127\u00d8\u0110\u0141\u0130", "odlidhODLI"
)


class Spelling:
    """Corrects words by at most one edit, where the reference makes that the likelier story.

    Args:
        vocabulary: The reference's words.

    >>> words = {"refund": 20, "the": 90, "order": 30, "parcel": 12, "from": 25, "where": 9}
    >>> spelling = Spelling(Vocabulary(words))
    >>> spelling.correct("refnud"), spelling.correct("refund"), spelling.correct("teh")
    ('refund', 'refund', 'the')
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self._found: dict[str, str] = {}

    def correct(self, word: str) -> str:
        """Return the known word that was meant, or the word itself.

        Args:
            word: Lower-cased letters.
        """
        sized = LENGTH_MIN <= len(word) <= LENGTH_MAX
        if not sized or word in self.vocabulary or word in SPELLINGS or word in SLANG:
            return word
        if word not in self._found:
            if len(self._found) >= CACHE_MAX:
                self._found.clear()
            self._found[word] = self._correct(word)
        return self._found[word]

    def _correct(self, word: str) -> str:
        plain = unaccented(word)
        if plain != word and self.vocabulary.counts.get(plain, 0) >= COUNT_MIN:
            return plain
        new = math.log(self.vocabulary.novelty) + self.shape.log_probability(word)
        best, odds = word, 0.0
        for candidate in sorted(self._candidates(word)):
            found = self._slip(word, candidate) - new
            if found > odds:
                best, odds = candidate, found
        return best

    def _slip(self, typed: str, meant: str) -> float:
        """Return log P(typed | meant) P(meant) P(slip), less the odds that are asked for."""
        kind, position, keys = edit(typed, meant)
        likely = CLASS_SHARE[kind] / len(meant)
        if kind in {"extra", "other"}:
            likely *= (NEIGHBOUR_GAIN if adjacent(*keys) else 1.0) / ALPHABET
        asked = ODDS_MIN
        if kind != "swap" and keys[0] != keys[1]:
            if self._grammar(typed, meant, position):
                return -math.inf
            asked += SHORT_ODDS if len(typed) <= SHORT else 0.0
        frequency = self.vocabulary.counts[meant] / self.vocabulary.total
        return math.log(SLIP_RATE * frequency * likely) - asked

    def _grammar(self, typed: str, meant: str, position: int) -> bool:
        """Say whether the words differ as two forms or derivations of one word do."""
        if typed in {f"{meant}s", meant.removesuffix("s")}:
            return True
        if position == 0:
            return self.shape.usual(f"^{typed[:2]}")
        ends = position >= min(len(typed), len(meant)) - ENDING
        return ends and self.shape.usual(f"{typed[-2:]}$")

    def _candidates(self, word: str) -> set[str]:
        found: set[str] = set()
        for shorter in (word, *_shortened(word)):
            found.update(self._index.get(shorter, ()))
        return {candidate for candidate in found if edit(word, candidate)[0] != "far"}

    @cached_property
    def shape(self) -> Shape:
        """What new words look like: those that the reference has."""
        return Shape(self.vocabulary.counts)

    @cached_property
    def _index(self) -> dict[str, list[str]]:
        """Known words by themselves and by themselves with one letter left out."""
        index: dict[str, list[str]] = defaultdict(list)
        for known, count in self.vocabulary.counts.items():
            if count >= COUNT_MIN and LENGTH_MIN <= len(known) <= LENGTH_MAX and "'" not in known:
                for shorter in {known, *_shortened(known)}:
                    index[shorter].append(known)
        return dict(index)


CACHE_MAX = 50_000
"""Words whose correction is remembered; traffic repeats itself."""


class Shape:
    """A model of letters: how a word of this language tends to be built.

    Trigrams of letters over distinct words, each order smoothed by the next shorter one
    (Witten and Bell, 1991, method C).

    Args:
        words: Distinct lower-cased words.
    """

    def __init__(self, words: Iterator[str] | dict[str, int]) -> None:
        self._counts: Counter[str] = Counter()
        self._totals: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        for word in words:
            padded = f"^^{word}$"
            for end in range(2, len(padded)):
                for start in range(end - 2, end + 1):
                    context, gram = padded[start:end], padded[start : end + 1]
                    self._kinds[context] += gram not in self._counts
                    self._counts[gram] += 1
                    self._totals[context] += 1

    def usual(self, gram: str) -> bool:
        """Say whether several words have these letters in a row ("^" starts, "$" ends a word)."""
        return self._counts[gram] >= USUAL

    def log_probability(self, word: str) -> float:
        """Return log P(word), its end included."""
        padded = f"^^{word}$"
        return sum(
            math.log(self._next(padded[end - 2 : end], padded[end]))
            for end in range(2, len(padded))
        )

    def _next(self, context: str, letter: str) -> float:
        shorter = self._next(context[1:], letter) if context else 1.0 / (2.0 * ALPHABET)
        total, kinds = self._totals[context], self._kinds[context]
        if not total:
            return shorter
        return (self._counts[context + letter] + kinds * shorter) / (total + kinds)


def edit(typed: str, meant: str) -> tuple[str, int, tuple[str, str]]:
    """Return how a typed word came from the one that was meant.

    Returns:
        Kind ("swap", "drop", "extra", "other", or "far" for more than one edit), the position in
        the meant word, and two letters: typed or left out, and the one beside it or meant.

    >>> edit("teh", "the"), edit("orddr", "order")[0]
    (('swap', 1, ('e', 'h')), 'other')
    """
    first = 0
    while first < min(len(typed), len(meant)) and typed[first] == meant[first]:
        first += 1
    rest, target = typed[first:], meant[first:]
    if len(typed) == len(meant):
        if rest[2:] == target[2:] and rest[:2] == target[1::-1] and len(rest) > 1:
            return "swap", first, (rest[0], rest[1])
        if rest[1:] == target[1:] and rest:
            return "other", first, (rest[0], target[0])
    elif len(typed) + 1 == len(meant) and rest == target[1:]:
        return "drop", first, (target[0], meant[first - 1 : first])
    elif len(typed) == len(meant) + 1 and rest[1:] == target:
        return "extra", first, (rest[0], typed[first - 1 : first])
    return "far", first, ("", "")


def adjacent(one: str, other: str) -> bool:
    """Say whether two letters are one, or on neighbouring keys.

    >>> adjacent("r", "t"), adjacent("r", "p"), adjacent("e", "e")
    (True, False, True)
    """
    if one == other:
        return True
    places = {key: (x, y) for y, row in enumerate(ROWS) for x, key in enumerate(row)}
    if one not in places or other not in places:
        return False
    (x, y), (u, v) = places[one], places[other]
    return abs(x - u) <= 1 and abs(y - v) <= 1


def unaccented(word: str) -> str:
    """Return the letters without marks and strokes.

    >>> unaccented("r\u00e9f\u00fcnd"), unaccented("sm\u00f8r")
    ('refund', 'smor')
    """
    if word.isascii():
        return word
    parts = unicodedata.normalize("NFD", word.translate(UNACCENTED))
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


def _shortened(word: str) -> Iterator[str]:
    return (word[:index] + word[index + 1 :] for index in range(len(word)))
