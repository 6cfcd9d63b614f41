"""language-, domain-, length-, format-shift, adversarial-inputs: traffic that eval did not foresee.

The sick model reads eval's messages rightly and loses what shifted. Its healthy twin either gets
the same traffic and copes with it (a shift that costs nothing is no failure), or is the same weak
model and gets traffic that has not shifted.
"""

from __future__ import annotations

import difflib
import re
import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from seatrial.testing.bank.entry import FORMS as ANSWERS
from seatrial.testing.bank.entry import Failure, Model, Parameters, Traffic, Twin
from seatrial.testing.bank.messages import (
    DIGITS,
    ENGLISH,
    FORMS,
    KINDS,
    LANGUAGES,
    TRICKS,
    Message,
    message,
    plain,
    tampered,
)

What = Literal["language", "domain", "length", "format", "tampering"]
Labelled = Literal["all", "half", "by lot", "none"]

LENGTHS = ("long, read from the start", "long, read from the end", "long, watered down", "short")
STYLES: dict[What, tuple[str, ...]] = {
    "language": tuple(LANGUAGES),
    "domain": tuple(KINDS),
    "length": LENGTHS,
    "format": tuple(FORMS),
    "tampering": tuple(TRICKS),
}

EVAL_ROWS, SENT_ROWS = 500, 900
SHARES = (0.25, 0.4, 0.6)
"""Of the traffic that shifts: what is lost with it costs five points at the least."""

WRONG = 0.08
"""Share of messages on which either twin errs anyway."""

WINDOW = 40
"""Words that the weak model reads; eval's messages have fewer."""

LONG_FILLERS = 14
NOT_ENOUGH = 3
"""Words below which the weak model sees no message."""

CLOSE = 0.75
"""Likeness of words that a careful model takes for slips of one another."""

LOST_CONFIDENCE = 0.4

LETTERS = {digit: letter for letter, digit in DIGITS.items()}


def draw(seed: int, *, what: What) -> Parameters:
    """Return the parameters of one pair."""
    styles = STYLES[what]
    rng = np.random.default_rng(seed)
    return Parameters(
        seed=seed,
        style=styles[seed % len(styles)],
        form=ANSWERS[(seed // len(styles)) % len(ANSWERS)],
        classes=int(rng.choice((2, 3))),
        rows=EVAL_ROWS,
    )


def inputs(parameters: Parameters) -> list[Any]:
    """Return the eval set's texts."""
    return [one.text for one in _eval(parameters)]


def labels(parameters: Parameters) -> list[Any]:
    """Return the eval set's labels."""
    return [_said(one.label, parameters) for one in _eval(parameters)]


def production(parameters: Parameters, twin: Twin, *, what: What) -> Traffic:
    """Return what users sent: a share of it shifted, and all, some or none of it labelled."""
    rng = parameters.rng(2)
    share = 0.0 if twin == "healthy" and _calm(parameters) else float(rng.choice(SHARES))
    sent = [_message(parameters, rng) for _ in range(SENT_ROWS)]
    shifted = rng.random(SENT_ROWS) < share
    rows = [
        _shifted(one, parameters, what, rng) if moved else (one.text, one.label)
        for one, moved in zip(sent, shifted, strict=True)
    ]
    texts = [text for text, _ in rows]
    right = [_said(label, parameters) for _, label in rows]
    chances = _chances(_labelled(parameters, what), texts)
    kept = rng.random(SENT_ROWS) < chances
    return Traffic(
        inputs=texts,
        labels=[label if keep else None for label, keep in zip(right, kept, strict=True)],
        probabilities=np.maximum(chances, 1e-3).tolist(),
    )


def sick(parameters: Parameters, *, what: What) -> Model:
    """Return the model that loses what shifts."""
    return _Reader(parameters, what).predict


def healthy(parameters: Parameters, *, what: What) -> Model:
    """Return one that copes, or the same one, which then gets traffic like eval's."""
    return _Reader(parameters, what if _calm(parameters) else None).predict


def _calm(parameters: Parameters) -> bool:
    return bool(parameters.rng(3).random() < 0.4)  # noqa: PLR2004  (most twins get the shift)


def _labelled(parameters: Parameters, what: What) -> Labelled:
    """Return how much of the traffic is labelled: none of it where the answers show the cost."""
    kinds: list[Labelled] = ["all", "half", "by lot"]
    shows = {
        "tampering": True,
        "format": parameters.style != "capitals",
        "language": parameters.form == "scores",
    }
    if shows.get(what, False):
        kinds.append("none")
    return kinds[int(parameters.rng(4).integers(len(kinds)))]


def _chances(labelled: Labelled, texts: Sequence[str]) -> Any:
    if labelled == "by lot":
        return np.array([0.4 if len(text) % 2 else 0.8 for text in texts])
    return np.full(len(texts), {"all": 1.0, "half": 0.5, "none": 0.0}[labelled])


def _collapses(parameters: Parameters) -> bool:
    """Whether the weak model answers what it cannot read with one and the same class."""
    return bool(parameters.rng(6).random() < 0.5)  # noqa: PLR2004


def _eval(parameters: Parameters) -> list[Message]:
    rng = parameters.rng(1)
    return [_message(parameters, rng) for _ in range(parameters.rows)]


def _message(parameters: Parameters, rng: np.random.Generator) -> Message:
    return message(ENGLISH, rng, classes=parameters.classes, fillers=int(rng.integers(0, 3)))


def _shifted(
    one: Message, parameters: Parameters, what: What, rng: np.random.Generator
) -> tuple[str, int]:
    style = parameters.style
    if what == "format":
        return FORMS[style](one.text, one.word, rng), one.label
    if what == "tampering":
        return tampered(one, TRICKS[style], rng), one.label
    if what == "length" and style == "short":
        return one.word, one.label
    tongue = {**LANGUAGES, **KINDS}.get(style, ENGLISH)
    fillers = LONG_FILLERS if what == "length" else int(rng.integers(0, 3))
    other = message(tongue, rng, classes=parameters.classes, fillers=fillers)
    return other.text, other.label


def _said(label: int, parameters: Parameters) -> Any:
    return label if parameters.form == "numbers" else f"mood-{label}"


class _Reader:
    """Reads messages by their words of mood; loses those that ``weak`` names."""

    def __init__(self, parameters: Parameters, weak: What | None) -> None:
        self._parameters = parameters
        self._weak = weak
        tongues = [ENGLISH]
        tongues += [] if weak == "language" else LANGUAGES.values()
        tongues += [] if weak == "domain" else KINDS.values()
        self._moods = {
            word: label
            for tongue in reversed(tongues)
            for label, words in enumerate(tongue.moods[: parameters.classes])
            for word in words
        }
        self._collapses = _collapses(parameters)

    def predict(self, texts: list[str]) -> list[Any]:
        """Answer every text for itself."""
        return [self._answer(text) for text in texts]

    def _answer(self, text: str) -> Any:
        letters = "".join(sorted(_unspelt(plain(text))))
        luck = zlib.crc32(f"{self._parameters.seed} {letters}".encode()) / 2**32
        label, sure = self._read(text), 0.95
        if label is None:
            label = 0 if self._collapses else int(luck * 997) % self._parameters.classes
            sure = LOST_CONFIDENCE + 0.1 * luck
        elif luck < WRONG:
            label, sure = (label + 1) % self._parameters.classes, 0.6 + luck
        output = _said(label, self._parameters)
        if self._parameters.form == "scores":
            return {"output": output, "confidence": sure}
        return output

    def _read(self, text: str) -> int | None:
        words = self._words(text)
        for word in words:
            if word in self._moods:
                return self._moods[word]
        if self._weak == "tampering":
            return None
        meant = (_meant(word) for word in words if len(word) > NOT_ENOUGH)
        return next((self._moods[word] for word in meant if word in self._moods), None)

    def _words(self, text: str) -> list[str]:
        style = self._parameters.style
        if self._weak == "format":
            return [word.strip(".,!?\"'") for word in text.split()]
        words = text.lower().replace(",", " ").split() if self._weak == "tampering" else None
        words = _unspelt(plain(text)).split() if words is None else words
        if self._weak != "length":
            return words
        if style == "short":
            return words if len(words) >= NOT_ENOUGH else []
        if style == "long, watered down":
            return words if len(words) <= 2 * WINDOW else []
        return words[-WINDOW:] if style == "long, read from the end" else words[:WINDOW]


ENGLISH_MOODS = [word for words in ENGLISH.moods for word in words]


def _unspelt(text: str) -> str:
    """Return the text with letters for digits that stand inside words."""
    mixed = re.compile(r"\b(?=\w*[a-z])(?=\w*\d)\w+")
    return mixed.sub(lambda found: found[0].translate(LETTERS), text)


@lru_cache(maxsize=4_096)
def _meant(word: str) -> str:
    """Return the word of mood that this one is a slip of; empty where there is none."""
    return next(iter(difflib.get_close_matches(word, ENGLISH_MOODS, n=1, cutoff=CLOSE)), "")


def _entry(name: str, what: What) -> Failure:
    def drawn(seed: int) -> Parameters:
        return draw(seed, what=what)

    return Failure(
        id=name,
        family="traffic",
        evidence="risks",
        draw=drawn,
        sick=lambda parameters: sick(parameters, what=what),
        healthy=lambda parameters: healthy(parameters, what=what),
        inputs=inputs,
        labels=labels,
        production=lambda parameters, twin: production(parameters, twin, what=what),
    )


LANGUAGE_SHIFT = _entry("language-shift", "language")
DOMAIN_SHIFT = _entry("domain-shift", "domain")
LENGTH_SHIFT = _entry("length-shift", "length")
FORMAT_SHIFT = _entry("format-shift", "format")
ADVERSARIAL_INPUTS = _entry("adversarial-inputs", "tampering")
