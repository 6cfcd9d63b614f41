"""The reference's surface: its case, its spacing of marks, its characters; and how to match it."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, Self

from msgspec import Struct

from seatrial.describe.vocabulary import Vocabulary

Case = Literal["lower", "upper", "sentence", "any"]
Spacing = Literal["apart", "attached", "any"]

HABIT = 0.99
"""Share of the reference's texts that makes a surface form its habit."""

OCCURRENCES_MIN = 20
"""Fewer marks than this say nothing about how they are spaced."""

CASE_TEXTS_MIN = 20
"""Fewer texts than this show no habit of case."""

ALPHABET_TEXTS_MIN = 200
"""Fewer texts than this do not show all characters that the reference may hold."""

SHOUTED_MIN = 4
"""Shortest word in capitals that is shouted rather than an abbreviation."""

ATTACHED = re.compile(r"\w[.,!?;:](?=\s|$)")
APART = re.compile(r"\s[.,!?;:](?=\s|$)")
SPLIT_NOT = re.compile(r"\w n['\u2019]t\b", re.I)
SPLIT_CLITIC = re.compile(r"\w ['\u2019](?:s|re|ve|ll|d|m)\b", re.I)
WHOLE_CLITIC = re.compile(r"\w['\u2019](?:s|re|ve|ll|d|m)\b|\wn['\u2019]t\b", re.I)

MARK = re.compile(
    r"(?<=\S)([,;:](?!\d)|[!?\"()\[\]{}]|\.\.\.|\u2026|\.(?=[\s\"')\]]*$)|\.(?=\s+[A-Z\"'(]))"
    r"|([\"()\[\]{}]|\.\.\.)(?=\S)|(?<=\s)(?!'(?:s|re|ve|ll|d|m|t|n|em|til|cause)\b)(['`]{1,2})(?=[^\W\d])|(?<=\w)(')(?=[\s.,!?;:)]|$)"
)
NOT = re.compile(r"(?<=\w)(n['\u2019]t)\b", re.I)
CLITIC = re.compile(r"(?<=\w)(['\u2019](?:s|re|ve|ll|d|m))\b", re.I)
BEFORE_MARK = re.compile(
    r"(?<=\w)\s+(?=[.,!?;:)\]](?:\s|$)|n['\u2019]t\b|['\u2019](?:s|re|ve|ll|d|m)\b)"
)
AFTER_OPEN = re.compile(r"(?<=[(\[])\s+")
BRACKETS = {"-lrb-": "(", "-rrb-": ")", "-lsb-": "[", "-rsb-": "]", "``": '"', "''": '"'}
BRACKET = re.compile(r"-[lr][rs]b-|``|''", re.I)

VARIANTS = {
    "\u2018": "'", "\u2019": "'", "\u201a": "'", "\u201b": "'", "\u00b4": "'", "`": "'",
    "\u2032": "'", "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u00ab": '"', "\u00bb": '"',
    "\u2033": '"', "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-",
    "\u2015": "-", "\u2212": "-", "\u2026": "...", "\u00a0": " ", "\u202f": " ", "\u2009": " ",
    "\u2002": " ", "\u2003": " ", "\u3002": ".", "\uff0c": ",",
}  # fmt: skip
"""Typographic variants and their typewriter form."""

WORD = re.compile(r"(?<!\w)[^\W\d_]+(?:['\u2019][^\W\d_]+)*(?!\w)")
SENTENCE_START = re.compile(r"(?:^|[.!?]\s+)[\"'(]*([^\W\d_])")
ENDING = re.compile(r"\s*[.]+\s*$")


class Style(Struct, frozen=True):
    """Surface habits of the reference; "any" where it has none.

    Attributes:
        case: All lower, all upper, or sentences that begin with a capital.
        spacing: Marks apart from words ("good , but") or attached to them.
        contractions: Clitics split off ("do n't", "it 's") or not.
        stop: Whether texts end in a full stop: nearly all, none, or either.
        one_line: Whether texts are one line, with single blanks.
        marks: Punctuation seen in the reference; empty where it is too small to say.
    """

    case: Case
    spacing: Spacing
    contractions: Spacing
    stop: Literal["always", "never", "any"]
    one_line: bool
    marks: str

    @classmethod
    def of(cls, texts: Sequence[str]) -> Self:
        """Read the habits off the reference."""
        joined = "\n".join(texts)
        return cls(
            case=_case(texts),
            spacing=_spacing(len(APART.findall(joined)), len(ATTACHED.findall(joined))),
            contractions=_spacing(
                len(SPLIT_NOT.findall(joined)) + len(SPLIT_CLITIC.findall(joined)),
                len(WHOLE_CLITIC.findall(joined)),
            ),
            stop=_stop(texts),
            one_line=_share(" ".join(text.split()) == text.strip() for text in texts) >= HABIT,
            marks=_marks(texts),
        )

    def typed(self, text: str) -> str:
        """Return the text with typewriter marks where the reference has only those."""
        if text.isascii() or not self.marks:
            return text
        swaps: dict[str, str | int | None] = {
            odd: plain
            for odd, plain in VARIANTS.items()
            if odd in text and odd not in self.marks and (plain in self.marks or plain == " ")
        }
        return text.translate(str.maketrans(swaps)) if swaps else text

    def spaced(self, text: str) -> str:
        """Return the text with marks and clitics spaced as in the reference.

        >>> Style.of(["it is n't good , but it 's short"] * 30).spaced("It isn't good, is it?")
        "It is n't good , is it ?"
        """
        if self.spacing == "apart":
            text = " ".join(MARK.sub(_apart, text).split())
        elif self.spacing == "attached":
            text = AFTER_OPEN.sub("", BEFORE_MARK.sub("", BRACKET.sub(_bracket, text)))
        if self.contractions == "apart":
            text = CLITIC.sub(r" \1", NOT.sub(r" \1", text))
        return text

    def pared(self, text: str) -> str:
        """Return the text without marks and line breaks that the reference never has."""
        if self.marks:
            odd = {
                character
                for character in set(text)
                if character not in self.marks and _is_mark(character)
            }
            if odd:
                text = " ".join(text.translate(dict.fromkeys(map(ord, odd), " ")).split())
        if self.stop == "never":
            text = ENDING.sub("", text) or text
        elif self.stop == "always" and text[-1:].isalnum():
            text += "."
        return " ".join(text.split()) if self.one_line else text

    def cased(self, text: str, vocabulary: Vocabulary) -> str:
        """Return the text in the reference's case, names and abbreviations as it writes them."""
        if self.case == "lower":
            return text.lower()
        if self.case == "upper":
            return text.upper()
        if self.case == "sentence":
            return _sentence(text, vocabulary)
        return text


def _share(flags: Iterable[bool]) -> float:
    found = list(flags)
    return sum(found) / max(len(found), 1)


def _case(texts: Sequence[str]) -> Case:
    letters = [text for text in texts if text.lower() != text.upper()]
    if len(letters) < CASE_TEXTS_MIN:
        return "any"
    if _share(text == text.lower() for text in letters) >= HABIT:
        return "lower"
    if _share(text == text.upper() for text in letters) >= HABIT:
        return "upper"
    if _share(_begins_large(text) for text in letters) >= HABIT:
        return "sentence"
    return "any"


def _begins_large(text: str) -> bool:
    start = SENTENCE_START.search(text)
    return start is None or start[1] == start[1].upper()


def _spacing(apart: int, attached: int) -> Spacing:
    total = apart + attached
    if total < OCCURRENCES_MIN:
        return "any"
    if apart / total >= HABIT - 0.04:
        return "apart"
    return "attached" if attached / total >= HABIT - 0.04 else "any"


def _stop(texts: Sequence[str]) -> Literal["always", "never", "any"]:
    if len(texts) < ALPHABET_TEXTS_MIN:
        return "any"
    if _share(text.rstrip()[-1:] == "." for text in texts) <= 1.0 - HABIT:
        return "never"
    ended = _share(not text.rstrip()[-1:].isalnum() for text in texts)
    return "always" if ended >= HABIT else "any"


def _marks(texts: Sequence[str]) -> str:
    if len(texts) < ALPHABET_TEXTS_MIN:
        return ""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update({mark for mark in text if unicodedata.category(mark)[0] == "P"})
    return "".join(sorted(counts)) or " "


def _is_mark(character: str) -> bool:
    """Punctuation alone: currency and other symbols mean something, letters too."""
    return unicodedata.category(character)[0] == "P" and character not in "@#%&*/'_"


def _apart(match: re.Match[str]) -> str:
    return f" {match[0]} "


def _bracket(match: re.Match[str]) -> str:
    return BRACKETS[match[0].lower()]


def _sentence(text: str, vocabulary: Vocabulary) -> str:
    """Take shouting down, and give a text that has no capital its capitals."""
    shouted = text.isupper() and sum(map(str.isalpha, text)) > SHOUTED_MIN
    if shouted or not any(map(str.isupper, text)):
        forms = vocabulary.cased
        plain = WORD.sub(lambda match: forms.get(match[0].lower(), match[0]), text.lower())
        return SENTENCE_START.sub(lambda match: match[0][:-1] + match[0][-1].upper(), plain)
    return WORD.sub(lambda match: _softened(match[0], vocabulary), text)


def _softened(word: str, vocabulary: Vocabulary) -> str:
    if len(word) < SHOUTED_MIN or not word.isupper():
        return word
    low = word.lower()
    return low if low in vocabulary and low not in vocabulary.capitals else word
