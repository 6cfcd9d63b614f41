"""Faults planted into texts, written without a look at what undoes them.

Each function takes a text and a generator, and returns what a careless pipeline, a person in a
hurry or somebody with bad intentions makes of it. None imports anything of the project.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Rng = np.random.Generator
Damage = Callable[[str, Rng], str]

KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")

CYRILLIC = {"a": "а", "c": "с", "e": "е", "i": "і", "o": "о", "p": "р", "x": "х", "y": "у"}  # noqa: RUF001  (that they look alike is the point)
"""Latin letters with the Cyrillic ones that are drawn the same."""

LONG_WORD = 5
TYPO_SHARE = 0.35
LOOKALIKE_SHARE = 0.6


def pasted_html(text: str, rng: Rng) -> str:
    """Paste the text as a mail program would: styled spans, entities, long words breakable."""
    words = []
    for word in text.split():
        shown = word.replace("&", "&amp;").replace("'", "&#39;")
        if word.isalpha() and len(word) > LONG_WORD:
            cut = int(rng.integers(2, len(word) - 2))
            shown = f"{word[:cut]}<wbr>{word[cut:]}"
        words.append(f"<b>{shown}</b>" if rng.random() < 0.1 else shown)
    size = int(rng.integers(9, 16))
    body = "&nbsp;".join(words)
    return (
        f'<div dir="ltr"><p style="font-size:{size}pt;color:#333"><span lang="EN-GB">{body}'
        "</span></p><br></div>"
    )


def lookalike_letters(text: str, rng: Rng) -> str:
    """Swap letters for others that are drawn the same, as those do who evade filters."""
    return "".join(
        CYRILLIC[letter] if letter in CYRILLIC and rng.random() < LOOKALIKE_SHARE else letter
        for letter in text
    )


def typos(text: str, rng: Rng) -> str:
    """Mistype: neighbouring keys, letters left out, doubled or in the wrong order."""
    return " ".join(
        _mistyped(word, rng) if len(word) > 3 and rng.random() < TYPO_SHARE else word
        for word in text.split()
    )


def _mistyped(word: str, rng: Rng) -> str:
    place = int(rng.integers(1, len(word) - 1))
    before, letter, after = word[:place], word[place], word[place + 1 :]
    kind = int(rng.integers(4))
    if kind == 0:
        return before + after
    if kind == 1:
        return before + letter + letter + after
    if kind == 2:
        return before + after[0] + letter + after[1:]
    row = next((keys for keys in KEYBOARD if letter in keys), "")
    if not row:
        return before + letter + letter + after
    at = row.index(letter)
    return before + row[at - 1 if at else 1] + after


def cut_short(text: str, rng: Rng) -> str:
    """Keep what fits a preview of one or two words."""
    return " ".join(text.split()[: int(rng.integers(1, 3))])


def runs_on(others: Sequence[str]) -> Damage:
    """Return a fault that lets other people's sentences follow, as a thread without marks does."""

    def run_on(text: str, rng: Rng) -> str:
        more = [others[int(place)] for place in rng.integers(0, len(others), 5)]
        return " ".join([text, *more])

    return run_on
