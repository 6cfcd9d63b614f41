"""Spoils spelling as people do: slips of the finger, and how they write in chats."""

from __future__ import annotations

import re

from seatrial.faults.corruption import Family, Rng
from seatrial.faults.letters import by_word, each

KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
"""Keys in rows; a slip hits one beside the one that was meant."""

SHORT_FORMS = {
    "you": "u", "your": "ur", "are": "r", "please": "pls", "thanks": "thx", "because": "cuz",
    "be": "b", "see": "c", "to": "2", "for": "4", "great": "gr8", "before": "b4", "people": "ppl",
    "with": "w/", "without": "w/o", "about": "abt", "and": "n", "the": "da", "this": "dis",
    "that": "dat", "what": "wat", "really": "rly", "though": "tho", "love": "luv", "okay": "k",
    "probably": "prolly", "something": "smth", "something's": "smths", "going": "goin",
    "want": "wanna", "not": "nt", "is": "iz", "have": "hav", "it's": "its", "i'm": "im",
}  # fmt: skip
"""How words are written where every letter is one too many; no meaning is added or taken."""

FILLERS = ("lol", "tbh", "omg", "imo", "ngl", "btw", "hmm", "so yeah", "idk", "like")
"""Words that say nothing, as chats have them."""

VOWELS = re.compile(r"(?<=\w)[aeiou](?=\w)")


def _mistyped(word: str, rng: Rng) -> str:
    if len(word) < 3:  # noqa: PLR2004  (nothing would be left to read)
        return word
    place = int(rng.integers(1, len(word) - 1))
    before, letter, after = word[:place], word[place], word[place + 1 :]
    kind = int(rng.integers(4))
    if kind == 0:
        return before + after
    if kind == 1:
        return before + after[0] + letter + after[1:]
    row = next((keys for keys in KEYS if letter in keys), letter)
    near = row[max(0, row.index(letter) - 1)] if kind == 2 else letter  # noqa: PLR2004
    return before + letter + near + after


def _stretched(word: str, rng: Rng) -> str:
    letters = [place for place, letter in enumerate(word) if letter in "aeiouy"]
    if not letters:
        return word
    place = letters[-1]
    return word[:place] + word[place] * int(rng.integers(2, 5)) + word[place + 1 :]


def _chatty(text: str, severity: float, rng: Rng) -> str:
    words = [
        SHORT_FORMS.get(word.lower(), word) if rng.random() < severity else word
        for word in text.split(" ")
    ]
    for _ in range(round(3 * severity)):
        words.insert(int(rng.integers(len(words) + 1)), str(rng.choice(FILLERS)))
    return " ".join(words)


SLIPS = Family(
    "slips",
    ("text",),
    {
        "typos": by_word(_mistyped),
        "vowels-left-out": by_word(lambda word, _: VOWELS.sub("", word)),
    },
)

CHAT = Family(
    "chat",
    ("text",),
    {"short-forms": each(_chatty), "stretched": by_word(_stretched)},
    severities=(0.3, 0.9),
)
