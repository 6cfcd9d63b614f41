"""Characters that look like others, and characters that cannot be seen at all."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from functools import cache, lru_cache

# Letter to what is drawn like it in other scripts, after the pairs of Unicode's UTS 39; letters
# that some language writes with Latin ones (o with stroke, dotless i) are left out on purpose.
LOOKALIKES = {
    "a": "\u0430\u03b1\u0251\u1d00\u237a\u03ac",
    "b": "\u042c\u044c\u0185\u0299\u0432\u0182\u03b2",
    "c": "\u0441\u03f2\u1d04\u04ab\u03c2",
    "d": "\u0501\u0257\u1d05\u13e7\u03b4\u056a",
    "e": "\u0435\u0454\u03b5\u04bd\u1d07\u025b\u212e\u0451\u03ad",
    "f": "\u0192\ua730\u03dd\u0493",
    "g": "\u0261\u0581\u0262\u050d",
    "h": "\u04bb\u0570\u043d\u029c\u0266\u056b",
    "i": "\u0456\u03b9\u026a\u0457\u03af\u0269\uab75",
    "j": "\u0458\u03f3\u1d0a\u029d",
    "k": "\u043a\u03ba\u1d0b\u0138\u049b",
    "l": "\u04cf\u029f\u026d\u05df",
    "m": "\u043c\u1d0d\u0271",
    "n": "\u043f\u03b7\u0274\u0578\u057c\u0438\u03ae",
    "o": "\u043e\u03bf\u0585\u1d0f\u03c3\u04e9\u03cc",
    "p": "\u0440\u03c1\u1d18\u03f1",
    "q": "\u051b\u0566\u0563",
    "r": "\u0433\u0280\u027c\u1d26\u044f",
    "s": "\u0455\ua731\u0282\u01bd",
    "t": "\u0442\u03c4\u1d1b\u01ad",
    "u": "\u03c5\u057d\u1d1c\u028b\u03cd",
    "v": "\u03bd\u0475\u1d20",
    "w": "\u051d\u0461\u03c9\u1d21\u0561\u0448\u026f\u03ce",
    "x": "\u0445\u03c7\u04b3",
    "y": "\u0443\u03b3\u04af\u04b1\u028f\u10e7",
    "z": "\u1d22\u0290\u03b6\u01b6",
    "A": "\u0410\u0391\u13aa",
    "B": "\u0412\u0392\u13f4",
    "C": "\u0421\u03f9\u13df",
    "D": "\u13a0",
    "E": "\u0415\u0395\u13ac\u0401",
    "F": "\u03dc\u0492",
    "G": "\u050c\u13c0",
    "H": "\u041d\u0397\u13bb",
    "I": "\u0406\u0399\u04c0\u0407",
    "J": "\u0408\u037f\u13ab",
    "K": "\u041a\u039a\u13e6",
    "L": "\u13de",
    "M": "\u041c\u039c\u13b7",
    "N": "\u039d\u0418",
    "O": "\u041e\u039f\u0555",
    "P": "\u0420\u03a1\u13e2",
    "Q": "\u051a",
    "R": "\u13a1\u042f\u13d2",
    "S": "\u0405\u054f\u13da",
    "T": "\u0422\u03a4\u13a2",
    "U": "\u054d",
    "V": "\u0474\u13d9",
    "W": "\u051c\u13b3\u0428",
    "X": "\u0425\u03a7",
    "Y": "\u0423\u03a5\u04ae",
    "Z": "\u0396\u13c3",
}

"""Latin letter to its look-alikes: Cyrillic, Greek, Armenian, Cherokee, small capitals."""

HIDDEN = re.compile(
    # soft hyphen, grapheme joiner, fillers, zero-width and direction marks, invisible operators,
    # byte-order mark, interlinear marks, tag characters
    "[\u00ad\u034f\u115f\u1160\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064"
    "\u2066-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]"
    # joiners are spelling in Persian, Hindi and emoji: hidden only beside European letters
    "|(?<=[!-\u024f\u0370-\u058f])[\u200c\u200d]"
    "|[\u200c\u200d](?=[!-\u024f\u0370-\u058f])"
)
"""Characters without a shape, where they do not belong to the spelling."""

STACKED = re.compile("[\u0300-\u036f\u0483-\u0489\u20d0-\u20f0]{2,}")
"""Two or more combining marks on one letter: no European language writes this."""

OVERLAID = re.compile("[\u0334-\u0338\u20d2\u20e5]")
"""Strokes drawn through a letter."""

EAST_ASIAN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""Scripts that use full-width Latin letters as a matter of course."""

WORD = re.compile(r"[^\W_]+")

_STYLED = (
    (0x1D400, 0x1D6A5),  # mathematical letters
    (0x1D7CE, 0x1D7FF),  # mathematical digits
    (0x2170, 0x217F),  # small Roman numerals
    (0x249C, 0x24E9),  # letters in parentheses and circles
    (0x1D2C, 0x1D6A),  # raised letters
    (0x02B0, 0x02B8),
    (0x1F110, 0x1F189),  # letters in boxes
    (0xFB00, 0xFB06),  # ligatures
)
_NEGATIVE = {0x1F150: "A", 0x1F170: "A"}
"""First of 26 white-on-black letters, which Unicode gives no plain form."""


@lru_cache(maxsize=1)
def styled() -> dict[int, str]:
    """Return code point to plain letter for letters that differ in style alone (NFKC)."""
    plain: dict[int, str] = {}
    for first, last in _STYLED:
        for code in range(first, last + 1):
            letters = unicodedata.normalize("NFKC", chr(code)).strip("()")
            if letters != chr(code) and letters.isascii() and letters.isalnum():
                plain[code] = letters
    for code in range(0x2100, 0x2150):  # letter-like symbols, but for those that mean a word
        letters = unicodedata.normalize("NFKC", chr(code))
        if len(letters) == 1 and letters.isascii():
            plain[code] = letters
    for first, letter in _NEGATIVE.items():
        plain.update({first + step: chr(ord(letter) + step) for step in range(26)})
    return plain


@lru_cache(maxsize=1)
def full_width() -> dict[int, str]:
    """Return the full-width forms of ASCII, as plain characters."""
    return {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)} | {0x3000: " "}


@cache
def script(letter: str) -> str:
    """Return the script of a letter, by the first word of its Unicode name.

    >>> script("a"), script("\u0430")
    ('LATIN', 'CYRILLIC')
    """
    return unicodedata.name(letter, "UNKNOWN").partition(" ")[0]


@lru_cache(maxsize=8)
def pairs(target: str) -> dict[str, str]:
    """Return look-alike to letter of the target script; empty where none are known.

    Latin has the whole table. Another script gets the Latin letters that look like its own, by
    way of the table read backwards.
    """
    if target == "LATIN":
        return {odd: letter for letter, odds in LOOKALIKES.items() for odd in odds}
    found: dict[str, str] = {}
    for letter, odds in LOOKALIKES.items():
        own = next((odd for odd in odds if script(odd) == target), None)
        if own is not None:
            found[letter] = own
            found.update({odd: own for odd in odds if script(odd) != target})
    return found


def main_script(texts: Iterable[str]) -> str:
    """Return the script of most letters; Latin where there are none.

    >>> main_script(["\u0434\u0430", "fine"])
    'LATIN'
    """
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(character for character in text if character.isalpha())
    scripts: Counter[str] = Counter()
    for letter, count in counts.items():
        scripts[script(letter)] += count
    return max(sorted(scripts), key=scripts.__getitem__) if scripts else "LATIN"


def uncover(text: str) -> str:
    """Return the text without hidden characters, stacked marks and styled letters.

    >>> uncover("re\u200bfund"), uncover("\U0001d5cb\U0001d5be\U0001d5bf")
    ('refund', 'ref')
    """
    if text.isascii():
        return text
    text = HIDDEN.sub("", text).translate(styled())
    if not EAST_ASIAN.search(text):
        text = text.translate(full_width())
    return OVERLAID.sub("", STACKED.sub("", text))


def unmask(text: str, target: str, known: Container[str]) -> str:
    """Return the text with look-alike letters put back into the target script.

    A word changes where it mixes the target script with look-alikes. A word of look-alikes alone
    changes where it becomes a known word, in a text without any letter that is plainly foreign:
    Russian text beside an English reference stays what it is.

    Args:
        text: Any text.
        target: Script of the reference, as :func:`script` names it.
        known: Lower-cased words of the reference.

    >>> unmask("r\u0435fund m\u03b5", "LATIN", {"refund", "me"})
    'refund me'
    """
    swaps = pairs(target)
    if swaps.keys().isdisjoint(text):
        return text
    foreign = any(
        letter not in swaps and letter.isalpha() and script(letter) != target
        for letter in set(text)
    )
    trusted: Container[str] = () if foreign else known
    return WORD.sub(lambda match: _unmasked(match[0], target, swaps, trusted), text)


def _unmasked(word: str, target: str, swaps: Mapping[str, str], known: Container[str]) -> str:
    if swaps.keys().isdisjoint(word):
        return word
    plain = "".join(swaps.get(letter, letter) for letter in word)
    if any(letter.isalpha() and script(letter) != target for letter in plain):
        return word
    own = any(letter not in swaps and letter.isalpha() for letter in word)
    return plain if own or plain.lower() in known else word
