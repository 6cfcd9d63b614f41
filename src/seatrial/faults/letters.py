"""Spoils how letters are set: case, marks, look-alikes and blanks. Every word can still be read."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from seatrial.faults.corruption import Corrupt, Family, Rng

CYRILLIC = str.maketrans("aceopxyABEKMHOPCTX", "асеорхуАВЕКМНОРСТХ")  # noqa: RUF001  (that they look alike is the point)
"""Latin letters to the Cyrillic ones that are drawn the same."""

LEET = str.maketrans("aeiost", "431057")

ACCENTS = str.maketrans("aeioucnAEIOU", "áéíóúçñÁÉÍÓÚ")

MARK = re.compile(r"[^\w\s]|_")
JOINT = re.compile(r"(?<=\w)(?=[^\w\s])|(?<=[^\w\s])(?=\w)")


def each(change: Callable[[str, float, Rng], str]) -> Corrupt:
    """Return the corruption that changes every text by itself."""

    def corrupt(inputs: Sequence[Any], severity: float, rng: Rng) -> list[str]:
        return [change("" if text is None else str(text), severity, rng) for text in inputs]

    return corrupt


def by_word(change: Callable[[str, Rng], str]) -> Corrupt:
    """Return the corruption that changes that share of a text's words."""

    def spoil(text: str, severity: float, rng: Rng) -> str:
        words = text.split(" ")
        hit = rng.random(len(words)) < severity
        return " ".join(
            change(word, rng) if now and word else word
            for word, now in zip(words, hit, strict=True)
        )

    return each(spoil)


def _translated(table: dict[int, int]) -> Callable[[str, float, Rng], str]:
    def spoil(text: str, severity: float, rng: Rng) -> str:
        hit = rng.random(len(text)) < severity
        return "".join(
            letter.translate(table) if now else letter
            for letter, now in zip(text, hit, strict=True)
        )

    return spoil


def _marked(word: str, rng: Rng) -> str:
    return word + str(rng.choice(["!", "!!", "...", ",", " -", "?", " ;"]))


def _ended(text: str, severity: float, rng: Rng) -> str:
    mark = "!." if rng.random() < severity else "."
    return f"{text[:1].upper()}{text[1:].rstrip(' .')}{mark}"


def _hidden(text: str, severity: float, rng: Rng) -> str:
    hit = rng.random(len(text)) < severity / 4
    return "".join(
        f"{letter}\u200b" if now else letter for letter, now in zip(text, hit, strict=True)
    )


def _joined(text: str, severity: float, rng: Rng) -> str:
    words = text.split(" ")
    gaps = ["" if now else " " for now in rng.random(len(words)) < severity / 2]
    return "".join(word + gap for word, gap in zip(words, gaps, strict=True)).strip()


def _split(word: str, rng: Rng) -> str:
    if len(word) < 4:  # noqa: PLR2004  (a part of one letter is no part)
        return word
    place = int(rng.integers(2, len(word) - 1))
    return f"{word[:place]} {word[place:]}"


CASE = Family(
    "case",
    ("text",),
    {
        "upper": by_word(lambda word, _: word.upper()),
        "title": by_word(lambda word, _: word.title()),
        "mocking": each(
            lambda text, severity, rng: "".join(
                letter.swapcase() if rng.random() < severity / 2 else letter for letter in text
            )
        ),
    },
    severities=(0.4, 1.0),
)

PUNCTUATION = Family(
    "punctuation",
    ("text",),
    {
        "stripped": each(
            lambda text, severity, rng: MARK.sub(
                lambda match: "" if rng.random() < severity else match[0], text
            )
        ),
        "sprinkled": by_word(_marked),
        "as-a-sentence": each(_ended),
        "tokenised": each(
            lambda text, severity, rng: JOINT.sub(
                lambda _: " " if rng.random() < severity else "", text
            )
        ),
    },
    severities=(0.3, 0.9),
)

LOOKALIKES = Family(
    "look-alikes",
    ("text",),
    {
        "cyrillic": each(_translated(CYRILLIC)),
        "leet": each(_translated(LEET)),
        "accents": each(_translated(ACCENTS)),
    },
    severities=(0.05, 0.2, 0.6),
)

SPACING = Family(
    "spacing",
    ("text",),
    {"joined": each(_joined), "split": by_word(_split), "hidden": each(_hidden)},
)
