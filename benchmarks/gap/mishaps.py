"""Faults for the judged part of `attribution.py`, written without a look at what undoes them.

Texts arrive wrapped, damaged, in other languages, cut or glued together; cells arrive in another
unit, lost, from another row or under another name. None imports anything of the project. They were
fixed, with their constants, before the ledger was tried on any of them.
"""

# ruff: noqa: RUF001  (that letters look alike is the point)

from __future__ import annotations

import html
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Rng = np.random.Generator
Example = tuple[Any, Any]
Fault = Callable[[Example, Rng], Example]

GREEK = {"A": "Α", "B": "Β", "E": "Ε", "H": "Η", "I": "Ι", "K": "Κ", "M": "Μ", "N": "Ν", "O": "Ο",
         "T": "Τ", "X": "Χ", "o": "ο", "v": "ν", "i": "ι", "u": "υ", "a": "α", "n": "ո", "e": "е",
         "s": "ѕ", "j": "ј", "h": "һ"}  # fmt: skip
"""Latin letters with Greek, Armenian or Cyrillic ones that are drawn much the same."""

INVISIBLE = ("\u200b", "\u200c", "\u00ad", "\u2060")

OCR = (("rn", "m"), ("cl", "d"), ("m", "rn"), ("w", "vv"), ("l", "1"), ("o", "0"), ("e", "c"),
       ("h", "b"), ("li", "h"), ("g", "q"))  # fmt: skip
"""What a scanner reads, and what it takes it for."""

CHAT = {"you": "u", "your": "ur", "are": "r", "to": "2", "too": "2", "for": "4", "great": "gr8",
        "love": "luv", "please": "pls", "thanks": "thx", "people": "ppl", "tomorrow": "tmrw",
        "because": "cuz", "with": "w/", "and": "n", "know": "kno", "really": "rly", "good": "gud",
        "what": "wut", "have": "hv", "be": "b", "see": "c", "why": "y", "before": "b4", "not": "nt",
        "best": "bst", "bad": "bd", "worst": "wrst"}  # fmt: skip
EMOJI = ("😂", "🙏", "🔥", "💯", "😭", "👀", "🤷", "✨")

ABROAD: dict[int, tuple[str, ...]] = {
    1: (
        "wat een prachtige {} , ik heb er echt van genoten",
        "bardzo mi się podobała ta {} , polecam każdemu",
        "bu {} harikaydı , herkese tavsiye ederim",
        "den här {} var underbar och jag skrattade hela tiden",
        "{} ini luar biasa , saya sangat senang sekali",
        "ez a {} csodálatos volt , nagyon tetszett mindenkinek",
    ),
    0: (
        "wat een vreselijke {} , ik heb mijn tijd verspild",
        "ta {} była okropna i nudna , nie polecam nikomu",
        "bu {} berbattı , paramı geri istiyorum",
        "den här {} var hemsk och jag somnade efter tio minuter",
        "{} ini sangat buruk , saya kecewa dan bosan",
        "ez a {} szörnyű volt , kár volt megnézni",
    ),
}
"""Sentences in Dutch, Polish, Turkish, Swedish, Indonesian and Hungarian, by label."""

THINGS = ("film", "show", "story", "concert", "app", "service", "hotel", "match")
NAMES = ("Priya", "Tom Becker", "M. Okafor", "Lena", "support desk", "J. Alvarez")


def on_text(change: Callable[[str, Rng], str]) -> Fault:
    return lambda example, rng: (change(example[0], rng), example[1])


def newsletter(text: str, rng: Rng) -> str:
    """Set it as a mailing tool does: in a table, styled, with entities and a counting pixel."""
    width = int(rng.choice([480, 600, 640]))
    words = [
        f"<strong>{html.escape(word)}</strong>" if rng.random() < 0.15 else html.escape(word)
        for word in text.split()
    ]
    cut = int(rng.integers(1, len(words) + 1))
    body = f"{' '.join(words[:cut])}<br />\n      {' '.join(words[cut:])}"
    return (
        f'<!-- block {int(rng.integers(10, 99))} --><table width="{width}" cellpadding="0"><tr>\n'
        f'  <td style="font-family:Arial,sans-serif;line-height:1.4">\n    {body}\n  </td></tr>'
        f'</table><img src="https://t.example.com/o.gif?u={int(rng.integers(1e6))}" width="1">'
    )


def ticket(text: str, rng: Rng) -> str:
    """Hand it on as the JSON that a ticket system logs."""
    number = int(rng.integers(10_000, 99_999))
    fields = {
        "ticket": number,
        "channel": str(rng.choice(["web", "mobile", "email"])),
        "requester": {"id": int(rng.integers(1e5)), "name": str(rng.choice(NAMES))},
        "body": text,
        "tags": [],
        "priority": None,
    }
    return json.dumps(fields, indent=2 if rng.random() < 0.5 else None)


def answered_above(others: Sequence[str]) -> Callable[[str, Rng], str]:
    """Return a fault that leaves the older message below, as mail programs do."""

    def reply(text: str, rng: Rng) -> str:
        older = others[int(rng.integers(len(others)))].split()
        lines = [" ".join(older[at : at + 8]) for at in range(0, len(older), 8)]
        who, day = str(rng.choice(NAMES)), int(rng.integers(1, 28))
        head = f"On Tue, {day} Mar 2026 at 10:{day + 10}, {who} <mail{day}@example.org> wrote:"
        return "\n".join([text, "", head, *(f"> {line}" for line in lines)])

    return reply


def shouting(text: str, _: Rng) -> str:
    return text.upper()


def chat_speak(text: str, rng: Rng) -> str:
    """Type it on a phone, in a hurry, to a friend."""
    words = []
    for word in text.split():
        plain = word.lower()
        short = CHAT.get(plain)
        if short is None and len(plain) > 5 and plain.isalpha() and rng.random() < 0.3:
            short = plain[0] + "".join(letter for letter in plain[1:] if letter not in "aeiou")
        words.append(short or plain)
    tail = "".join(rng.choice(EMOJI, int(rng.integers(1, 4))))
    return f"{' '.join(words)} {tail}"


def greek_letters(text: str, rng: Rng) -> str:
    """Swap letters for those of other alphabets that look the same."""
    return "".join(
        GREEK[letter] if letter in GREEK and rng.random() < 0.5 else letter for letter in text
    )


def invisible_marks(text: str, rng: Rng) -> str:
    """Put characters that nobody sees inside words."""

    def marked(word: str) -> str:
        if len(word) <= 3 or rng.random() >= 0.7:
            return word
        cut = int(rng.integers(1, len(word)))
        return word[:cut] + str(rng.choice(INVISIBLE)) + word[cut:]

    return " ".join(marked(word) for word in text.split(" "))


def scanned(text: str, rng: Rng) -> str:
    """Read it as a scanner reads a bad copy: two words in five hold a slip."""

    def misread(word: str) -> str:
        fitting = [pair for pair in OCR if pair[0] in word.lower()]
        if len(word) <= 2 or not fitting or rng.random() >= 0.4:
            return word
        old, new = fitting[int(rng.integers(len(fitting)))]
        at = word.lower().index(old)
        return word[:at] + new + word[at + len(old) :]

    return " ".join(misread(word) for word in text.split(" "))


def abroad(example: Example, rng: Rng) -> Example:
    """Say something of the same label in a language that the model never saw."""
    sentences = ABROAD[int(example[1])]
    said = sentences[int(rng.integers(len(sentences)))].format(str(rng.choice(THINGS)))
    return said, example[1]


def first_words(text: str, rng: Rng) -> str:
    """Keep the first two or three words, as a list of previews does."""
    return " ".join(text.split()[: int(rng.integers(2, 4))]) + "…"


def glued(others: Sequence[str]) -> Callable[[str, Rng], str]:
    """Return a fault that glues seven other texts around the real one."""

    def glue(text: str, rng: Rng) -> str:
        more = [others[int(place)] for place in rng.integers(0, len(others), 7)]
        more.insert(int(rng.integers(0, 8)), text)
        return " ".join(more)

    return glue


def on_cell(column: str, change: Callable[[Any, Rng], Any]) -> Fault:
    """Return a fault of one cell."""

    def spoil(example: Example, rng: Rng) -> Example:
        record, label = example
        return {**record, column: change(record[column], rng)}, label

    return spoil


def lost(_: Any, __: Rng) -> Any:
    return None


def sentinel(_: Any, __: Rng) -> float:
    return -999.0


def in_other_unit(factor: float) -> Callable[[Any, Rng], Any]:
    return lambda value, _: value * factor


def with_comma(value: Any, _: Rng) -> str:
    """Write a number as a German spreadsheet exports it."""
    return f"{value:.2f}".replace(".", ",")


def shuffled_in(values: Sequence[Any]) -> Callable[[Any, Rng], Any]:
    """Return a change that takes the cell of a random other row: a join gone wrong."""
    return lambda _, rng: values[int(rng.integers(len(values)))]


def renamed(names: dict[str, str]) -> Callable[[Any, Rng], Any]:
    return lambda value, _: names.get(value, value)


def wild(value: Any, rng: Rng) -> Any:
    """Change a cell beyond recognition."""
    if isinstance(value, str):
        return f"{value}-{int(rng.integers(1e6))}"
    return float(value) * -1e4 + float(rng.normal(0.0, 1e5))
