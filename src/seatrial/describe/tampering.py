"""Texts made to be misread: look-alike and hidden characters, digits for letters, slips."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, Self

from seatrial.describe.format import CHANGED_MAX
from seatrial.describe.lookalikes import main_script, uncover, unmask
from seatrial.describe.spelling import COUNT_MIN, Spelling
from seatrial.describe.vocabulary import Vocabulary

STANDS_FOR = {
    "0": "o", "1": "il", "3": "e", "4": "a", "5": "s", "6": "bg", "7": "t", "8": "b", "9": "g",
    "@": "a", "$": "s", "!": "il", "|": "li", "+": "t", "\u20ac": "e", "(": "c", "I": "l",
    "l": "i",
}  # fmt: skip
"""Characters put for letters, with the letters they stand for, likeliest first."""

READINGS_MAX = 64
"""Most readings of one disguised word that are tried."""

SHORT = 2
"""Length of disguised words that only the most frequent words may stand behind."""

UNITS = re.compile(
    r"\d+(?:st|nd|rd|th|am|pm|[a-z]|kg|mg|mm|cm|km|ml|hr?s?|mins?|sec|days?|in|ft|gb|mb|tb|ghz|mhz|"
    r"hz|kw|mah|x\d*|px|k|bn|mn|yo|ish)$",
    re.I,
)
"""Numbers with a unit or an ordinal ending: digits that stand for themselves."""

TOKEN = re.compile(
    r"(?P<keep>(?:https?://|www\.)\S+|[^\s@]{1,64}@[^\s@]{1,255}\.\w+|(?<!\w)[@#]\w[\w-]*|<[^<>]{1,500}>|&#?\w{1,30};"
    r"|\w{0,40}(?:(?:&#?\w{1,30};|\\u[0-9a-fA-F]{4})\w*)+)"
    r"|(?P<word>[\w@$!|+\u20ac('\u2019]{0,40}\w[\w@$|+\u20ac'\u2019]*)"
)
"""What stays as it is (addresses, tags, names), or a word with whatever is put for letters."""

SPREAD = re.compile(r"(?<![\w.*_-])[^\W\d_](?:([.*_\-\u00b7 ])[^\W\d_])(?:\1[^\W\d_]){2,}(?!\w)")
"""Single letters with one separator between them: r.e.f.u.n.d."""

BROKEN_MIN = 4
"""Shortest word that is put together again."""

ROUNDS = 4
"""Most passes over one text: a word put together may stand beside another broken one."""

PLAIN = re.compile(r"[^\W\d_]+")


class Tampering:
    """Undoes tampering, towards the script and the words of the reference.

    Args:
        script: Main script of the reference, as Unicode names it.
        vocabulary: The reference's words.
        habits: Steps left out because the reference itself has what they undo.
    """

    def __init__(
        self, *, script: str, vocabulary: Vocabulary, habits: frozenset[str] = frozenset()
    ) -> None:
        self.script = script
        self.vocabulary = vocabulary
        self.habits = habits
        self.spelling = Spelling(vocabulary)

    @classmethod
    def fit(cls, texts: Sequence[str], vocabulary: Vocabulary) -> Self:
        """Find the script, and leave out steps that the reference itself would not survive."""
        script = main_script(texts)
        whole = cls(script=script, vocabulary=vocabulary)
        steps: dict[str, Callable[[str], str]] = {
            "uncover": uncover,
            "unmask": lambda text: unmask(text, script, vocabulary),
            "reword": whole.reworded,
        }
        habits = frozenset(
            name
            for name, step in steps.items()
            if sum(step(text) != text for text in texts) > CHANGED_MAX * len(texts)
        )
        return cls(script=script, vocabulary=vocabulary, habits=habits)

    def unveiled(self, text: str) -> str:
        """Return the text in characters that are what they look like; safe in any language.

        >>> Tampering(script="LATIN", vocabulary=Vocabulary({})).unveiled("r\u0435\u200bfund")
        'refund'
        """
        if "uncover" not in self.habits:
            text = uncover(text)
        return text if "unmask" in self.habits else unmask(text, self.script, self.vocabulary)

    def reworded(self, text: str) -> str:
        """Return a text of a known language with disguised and mistyped words as they were meant.

        Names (a capital inside a sentence), addresses and tags stay.
        """
        if "reword" in self.habits:
            return text
        for _ in range(ROUNDS):
            before = text
            text = self._joined(SPREAD.sub(self._gathered, text))
            text = TOKEN.sub(self._meant, text)
            if text == before:
                break
        return text

    def _meant(self, match: re.Match[str]) -> str:
        word = match[0]
        if match["keep"] is not None or word.lower() in self.vocabulary:
            return word
        if not PLAIN.fullmatch(word):
            return self._undisguised(word)
        if word.isupper() and match.string.isupper():
            return _like(word, self.spelling.correct(word.lower()))
        if not word.islower() and match.start() > 0:
            return word if word.istitle() else self._undisguised(word)
        return _like(word, self.spelling.correct(word.lower()))

    def _undisguised(self, word: str) -> str:
        """Read digits and signs inside a word as letters where that makes it a known word."""
        bare = word.strip("!|('\u2019")
        odd = sum(character in STANDS_FOR for character in bare)
        if len(bare) < SHORT or not odd or UNITS.match(bare) or bare.isdigit():
            return word
        if not any(character.isalpha() and character not in "Il" for character in bare):
            return word
        choices = [_readings(character) for character in bare]
        for count, letters in enumerate(product(*choices)):
            if count >= READINGS_MAX:
                break
            read = "".join(letters)
            if read != bare and self._behind(read.lower()):
                return word.replace(bare, _like(bare, read.lower()))
        return word

    def _behind(self, word: str) -> bool:
        known = self.vocabulary.common if len(word) <= SHORT else self.vocabulary
        return word in known

    def _gathered(self, match: re.Match[str]) -> str:
        word = match[0].replace(match[1], "")
        return word if word.lower() in self.vocabulary else match[0]

    def _joined(self, text: str) -> str:
        """Put broken words together: two pieces, one of them no word, that make a known one."""
        words = text.split(" ")
        kept = [words[0]]
        for word in words[1:]:
            if self._is_broken(kept[-1], word):
                kept[-1] += word
            else:
                kept.append(word)
        return " ".join(kept)

    def _is_broken(self, first: str, second: str) -> bool:
        counts = self.vocabulary.counts
        if not (first.isalpha() and second.isalpha()):
            return False
        if first.lower() in counts and second.lower() in counts:
            return False
        whole = (first + second).lower()
        return len(whole) >= BROKEN_MIN and counts.get(whole, 0) >= COUNT_MIN

    def to_document(self) -> dict[str, Any]:
        """Return what was learnt; the words are the vocabulary's."""
        return {"script": self.script, "habits": sorted(self.habits)}

    @classmethod
    def from_document(cls, document: dict[str, Any], vocabulary: Vocabulary) -> Self:
        """Return what was frozen."""
        return cls(
            script=document["script"],
            vocabulary=vocabulary,
            habits=frozenset(document["habits"]),
        )


def _readings(character: str) -> str:
    """Return the letters that a character may stand for; itself where it may be itself."""
    own = character if character.isalpha() else ""
    return own + STANDS_FOR.get(character, "") or character


def _like(word: str, corrected: str) -> str:
    """Return the corrected word in the case of the one that was written."""
    letters = [character for character in word if character.isalpha()]
    if len(letters) > 1 and all(map(str.isupper, letters)):
        return corrected.upper()
    return corrected[:1].upper() + corrected[1:] if word[:1].isupper() else corrected
