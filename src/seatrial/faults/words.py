"""Takes words away, moves them, or puts others there that the model has never seen.

Words that only this text has, and words that every text has, seldom carry its label; which ones
those are is read from the inputs themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from seatrial.faults.corruption import Corrupt, Family, Rng
from seatrial.faults.letters import by_word, each

COMMON = 60
"""Words most frequent in the inputs that count as function words: grammar, not content."""

SYLLABLES = ("ba", "ko", "ri", "tel", "mun", "sa", "vor", "pi", "ned", "lu", "gar", "fo", "ish")
"""What words that no vocabulary has are made of."""

WINDOW = 8
"""Words within which others change places at severity 1."""

Chosen = Callable[[str], bool]


def _counts(inputs: Sequence[Any]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for text in inputs:
        counts.update(set(str(text).lower().split()))
    return counts


def _frequent(inputs: Sequence[Any], _: float) -> Chosen:
    common = {word for word, _ in _counts(inputs).most_common(COMMON)}
    return lambda word: word.lower() in common


def _rare(inputs: Sequence[Any], severity: float) -> Chosen:
    """Say which words are in fewer texts than others, up to a limit that grows with severity."""
    counts = _counts(inputs)
    limit = max(1.0, len(inputs) * 0.1 * severity**2)
    return lambda word: counts[word.lower()] <= limit


def _any(_: Sequence[Any], __: float) -> Chosen:
    return lambda _: True


def _replacing(which: Callable[[Sequence[Any], float], Chosen], by: str) -> Corrupt:
    """Return the corruption of some of the words of one sort: left out, or made unknown."""

    def corrupt(inputs: Sequence[Any], severity: float, rng: Rng) -> list[str]:
        chosen = which(inputs, severity)
        return [_replaced(str(text), chosen, severity, by, rng) for text in inputs]

    return corrupt


def _replaced(text: str, chosen: Chosen, severity: float, by: str, rng: Rng) -> str:
    words = [word for word in text.split(" ") if word]
    hit = rng.random(len(words)) < severity
    kept = [
        (_made_up(rng) if by == "unknown" else "") if now and chosen(word) else word
        for word, now in zip(words, hit, strict=True)
    ]
    # An empty text asks the model nothing: one word always stays.
    return " ".join(word for word in kept if word) or (words[0] if words else text)


def _made_up(rng: Rng) -> str:
    return "".join(rng.choice(SYLLABLES) for _ in range(int(rng.integers(2, 4))))


def _shuffled(text: str, severity: float, rng: Rng) -> str:
    words = text.split(" ")
    order = sorted(range(len(words)), key=lambda place: place + rng.random() * WINDOW * severity)
    return " ".join(words[place] for place in order)


def _noisy(inputs: Sequence[Any], severity: float, rng: Rng) -> list[str]:
    """Put words in that are frequent in the inputs, at random places."""
    common = [word for word, _ in _counts(inputs).most_common(COMMON)] or [""]
    spoilt = []
    for text in inputs:
        words = str(text).split(" ")
        for _ in range(max(1, round(severity * len(words)))):
            words.insert(int(rng.integers(len(words) + 1)), str(rng.choice(common)))
        spoilt.append(" ".join(words))
    return spoilt


def _distracted(inputs: Sequence[Any], severity: float, rng: Rng) -> list[str]:
    """Put words of other inputs in the place of some: known words that mean nothing here."""
    others = [word for text in inputs for word in str(text).split(" ") if word] or [""]
    spoilt = []
    for text in inputs:
        words = [word for word in str(text).split(" ") if word] or [""]
        for place in np.flatnonzero(rng.random(len(words)) < severity):
            words[int(place)] = others[int(rng.integers(len(others)))]
        spoilt.append(" ".join(words) or str(text))
    return spoilt


def _followed(inputs: Sequence[Any], severity: float, rng: Rng) -> list[str]:
    """Let parts of other inputs stand before or behind, as quotes and threads do."""
    spoilt = []
    for text in inputs:
        other = str(inputs[int(rng.integers(len(inputs)))]).split(" ")
        kept = other[: max(1, round(severity * len(other)))]
        parts = [str(text), " ".join(kept)]
        spoilt.append(" ".join(parts if rng.random() < 0.5 else parts[::-1]))  # noqa: PLR2004
    return spoilt


LOST = Family(
    "words-lost",
    ("text",),
    {
        "any": _replacing(_any, "nothing"),
        "function": _replacing(_frequent, "nothing"),
        "rare": _replacing(_rare, "nothing"),
    },
)

UNKNOWN = Family(
    "words-unknown",
    ("text",),
    {
        "rare": _replacing(_rare, "unknown"),
        "any": _replacing(_any, "unknown"),
        "endings": by_word(lambda word, rng: word + str(rng.choice(SYLLABLES))),
    },
)

MOVED = Family("words-moved", ("text",), {"shuffled": each(_shuffled), "inserted": _noisy})

DISTRACTION = Family(
    "distraction",
    ("text",),
    {"words": _distracted, "parts": _followed},
    severities=(0.1, 0.25, 0.5, 0.75),
)
"""What stands beside a text is not what it says: the label holds, though a model may doubt it."""
