"""inconsistent-answers: the same question, asked again or put otherwise, gets another answer.

The sick model reads something that carries no meaning: capitals, the last mark, the blanks, how a
word is contracted, which quotes, a greeting, how numbers are set, or a die. Its healthy twin has
the same weights and reads what is left when those are taken away; now and then it has a tie.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from seatrial.testing.bank import parts
from seatrial.testing.bank.entry import FORMS, Failure, Model, Parameters

HASHED = 256
ROWS = 200
SCALE = 20.0
"""Of the weights: far from level, so that what is not read cannot change an answer."""

TIES = 0.01
"""Share of questions on which even the healthy model lets capitals decide."""

LUCK = (0.06, 0.2, 0.5)
"""Share of answers that the dice change."""

SWAYED = (0.5, 0.8, 1.0)
"""Share of questions on which the sick model lets what has no meaning decide."""

OPENINGS = ("I am sure that", "It's clear:", "We do not know why", "On 2024-03-05", "The sum was")
ENDINGS = (".", "", "!", "?", ".", "")


def _cases(text: str) -> str:
    return "".join("A" if one.isupper() else "a" for one in text if one.isalpha())[:6]


def _last_mark(text: str) -> str:
    return text.rstrip()[-1:]


def _blanks(text: str) -> str:
    return "wide" if "  " in text or text != text.strip() else "narrow"


def _contractions(text: str) -> str:
    return str(len(re.findall(r"\w['\u2019]\w", text)))


def _quotes(text: str) -> str:
    return "".join(one for one in text if one in "\"'\u201c\u201d\u2018\u2019")


def _first_word(text: str) -> str:
    return text.split(" ", maxsplit=1)[0].lower().rstrip(",.!")[:5]


def _digits(text: str) -> str:
    return " ".join(re.findall(r"\d[\d,-]*", text))


READS: Mapping[str, Callable[[str], str]] = {
    "capitals": _cases,
    "the last mark": _last_mark,
    "blanks": _blanks,
    "contractions": _contractions,
    "quotes": _quotes,
    "the first word": _first_word,
    "digits as they are set": _digits,
}
DICE = "dice"
STYLES = (*READS, DICE)


def draw(seed: int) -> Parameters:
    """Return the parameters of one pair."""
    rng = np.random.default_rng(seed)
    return Parameters(
        seed=seed,
        style=STYLES[seed % len(STYLES)],
        form=FORMS[(seed // len(STYLES) + seed) % len(FORMS)],
        classes=int(rng.choice((2, 3, 5))),
        dtype="float64",
        rows=ROWS,
    )


def inputs(parameters: Parameters) -> list[Any]:
    """Return sentences with capitals, marks, contractions, dates and sums in them."""
    rng = parameters.rng(1)
    found = []
    for text in parts.texts(parameters):
        opening = str(rng.choice(OPENINGS))
        if opening == "The sum was":
            opening += f" ${int(rng.integers(1_000, 99_999))} and"
        quoted = f"{text} it's" if rng.random() < 0.3 else text  # noqa: PLR2004  (some have quotes)
        found.append(f"{opening} {quoted} {rng.integers(2, 90)} times{rng.choice(ENDINGS)}")
    return found


def sick(parameters: Parameters) -> Model:
    """Return a model that reads what the style says, or rolls dice."""
    return _Model(parameters, careful=False).predict


def healthy(parameters: Parameters) -> Model:
    """Return the same model without that."""
    return _Model(parameters, careful=True).predict


class _Model:
    def __init__(self, parameters: Parameters, *, careful: bool) -> None:
        self._parameters = parameters
        self._careful = careful
        self._out = parts.weights(parameters, HASHED, parameters.classes) * SCALE
        self._dice = parameters.rng(9)
        self._luck = float(parameters.rng(8).choice(LUCK))
        self._swayed = float(parameters.rng(8).choice(SWAYED))

    def predict(self, texts: list[str]) -> list[Any]:
        """Answer every text for itself."""
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> Any:
        features = np.zeros(HASHED)
        for word in self._core(text):
            features[self._place(word)] += 1.0
        logits = (features @ self._out)[None, :]
        if self._sways(text):
            # A feature of no meaning that outweighs the others.
            logits = logits * 0.05 + self._out[self._place(self._noticed(text))] * 4.0
        return parts.answers(logits, self._parameters.form)[0]

    def _sways(self, text: str) -> bool:
        if not self._careful and self._parameters.style == DICE:
            return bool(self._dice.random() < self._luck)
        share = TIES if self._careful else self._swayed
        return zlib.crc32(" ".join(self._core(text)).encode()) / 2**32 < share

    def _noticed(self, text: str) -> str:
        if not self._careful and self._parameters.style == DICE:
            return str(self._dice.integers(HASHED))
        read = _cases if self._careful else READS[self._parameters.style]
        # With the words: else all rows that look alike would be swayed to one and the same class.
        return f"{read(text)} {' '.join(self._core(text))}"

    @staticmethod
    def _core(text: str) -> list[str]:
        """Return the words that carry meaning, however they are set."""
        return [word for word in re.findall(r"[a-z]+", text.lower()) if word in parts.WORDS]

    def _place(self, word: str) -> int:
        return zlib.crc32(f"{self._parameters.seed} {word}".encode()) % HASHED


INCONSISTENT_ANSWERS = Failure(
    id="inconsistent-answers",
    family="wording",
    evidence="consistency",
    draw=draw,
    sick=sick,
    healthy=healthy,
    inputs=inputs,
)
