"""confident-wrong, overconfidence and survivorship: what a model says of itself cannot be taken.

All three are made of one model, which reads a text and is right with a known chance. What differs
is what it *says*: the sick one says that it is sure where it is not, or says nothing at all where
it would be wrong. The answers of a pair are the same wherever both answer.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from seatrial.testing.bank import parts
from seatrial.testing.bank.entry import Failure, Model, Parameters, Traffic, Twin

ROWS = 900
"""Eval rows, and as many in production: an accuracy known to three points either way."""

CLASSES = (2, 3, 5, 12)
EASY = (0.62, 0.99)
"""Chances of being right on ordinary texts, evenly spread."""

HARD_CHANCE = 0.25
"""Chance of being right on what the model was not made for."""

HARD_SHARES = (0.15, 0.2, 0.3)
WRONGLY_SURE = (0.93, 0.995)
MARKS: dict[str, str] = {
    "another language": "bitte sehr geehrte damen und herren",
    "new products": "zx-900 qfold mk4",
    "irony": "yeah right , as if , sure thing",
    "all upper case": "PLEASE READ THIS AT ONCE",
}
"""What production holds and eval does not: the sign by which a text is hard."""

SHARPENED, ALWAYS, ROUNDED, WORSE_HERE = "sharpened", "always sure", "rounded up", "worse here"
OVERCONFIDENT = (SHARPENED, ALWAYS, ROUNDED, WORSE_HERE)
SHARPENING = 3.0
"""Temperature that was left out: what a network trained to the end of its data set says."""

CERTAIN = 0.99
RAISES, NOTHING, WITHHOLDS = "raises", "answers nothing", "withholds"
SURVIVORS = (RAISES, NOTHING, WITHHOLDS)
WITHHELD = 0.05
"""Confidence by which a model that abstains says so; thresholds lie above it."""

Say = Callable[[float, bool, Parameters], float]


def draw_confident(seed: int) -> Parameters:
    """Return the parameters of one pair of ``confident-wrong``."""
    return _drawn(seed, tuple(MARKS))


def draw_overconfident(seed: int) -> Parameters:
    """Return the parameters of one pair of ``overconfidence``."""
    return _drawn(seed, OVERCONFIDENT)


def draw_surviving(seed: int) -> Parameters:
    """Return the parameters of one pair of ``survivorship``."""
    return _drawn(seed, SURVIVORS)


def inputs(parameters: Parameters) -> list[Any]:
    """Return eval texts, all of them ordinary."""
    return [_text(parameters, f"eval {row}") for row in range(parameters.rows)]


def labels(parameters: Parameters) -> list[Any]:
    """Return what is right."""
    return [_label(text, parameters) for text in inputs(parameters)]


def production(parameters: Parameters, twin: Twin) -> Traffic:
    """Return what users send: a part of it is hard, for either twin."""
    del twin
    rng = parameters.rng(3)
    hard = rng.random(parameters.rows) < parameters.limit / 100
    texts = [_text(parameters, f"sent {row}") for row in range(parameters.rows)]
    sent = [
        f"{_mark(parameters)} {text}" if bad else text
        for text, bad in zip(texts, hard, strict=True)
    ]
    return Traffic(inputs=sent, labels=[_label(text, parameters) for text in sent])


def confident(parameters: Parameters) -> Model:
    """Return a model that is sure of what it gets wrong."""
    low, high = WRONGLY_SURE
    return _Model(
        parameters, say=lambda chance, hard, _: low + chance * (high - low) if hard else chance
    )


def modest(parameters: Parameters) -> Model:
    """Return the same model, as sure as it may be."""
    return _Model(parameters, say=_truly)


def overconfident(parameters: Parameters) -> Model:
    """Return a model that says more than it knows, in the way of the style."""
    return _Model(parameters, say=_exaggerated)


def surviving(parameters: Parameters) -> Model:
    """Return a model that gives no answer to what is hard."""
    return _Model(parameters, say=_truly, gives_up=True)


def _drawn(seed: int, styles: tuple[str, ...]) -> Parameters:
    rng = np.random.default_rng(seed)
    return Parameters(
        seed=seed,
        style=styles[seed % len(styles)],
        classes=int(rng.choice(CLASSES)),
        limit=round(100 * float(rng.choice(HARD_SHARES))),
        rows=ROWS,
    )


def _mark(parameters: Parameters) -> str:
    return MARKS.get(parameters.style, MARKS["new products"])


def _text(parameters: Parameters, number: str) -> str:
    rng = np.random.default_rng([parameters.seed, zlib.crc32(number.encode())])
    words = " ".join(rng.choice(parts.WORDS, int(rng.integers(4, 14))))
    return f"{words} {number}"


def _luck(text: str, salt: int) -> float:
    # Not a checksum: those of two salts would differ by the same bits in every text.
    digest = hashlib.blake2b(text.encode(), digest_size=8, salt=bytes([salt])).digest()
    return int.from_bytes(digest) / 2**64


def _label(text: str, parameters: Parameters) -> str:
    return f"class-{int(_luck(text, 1) * parameters.classes)}"


def _truly(chance: float, hard: bool, parameters: Parameters) -> float:  # noqa: ARG001, FBT001  (one signature for all)
    return chance


def _exaggerated(chance: float, hard: bool, parameters: Parameters) -> float:  # noqa: FBT001
    style = parameters.style
    if style == ALWAYS:
        return CERTAIN
    if style == ROUNDED:
        return min(CERTAIN, chance + 0.15)
    if style == WORSE_HERE:
        return WRONGLY_SURE[0] if hard else chance
    odds = (chance / (1.0 - chance)) ** SHARPENING
    return float(odds / (1.0 + odds))


class _Model:
    """Knows the chance with which it is right, and says what ``say`` makes of it."""

    def __init__(self, parameters: Parameters, *, say: Say, gives_up: bool = False) -> None:
        self._parameters = parameters
        self._say = say
        self._gives_up = gives_up

    def predict(self, texts: list[str]) -> list[Any]:
        """Answer a batch; every text for itself."""
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> Any:
        hard = text.startswith(_mark(self._parameters))
        low, high = EASY
        chance = HARD_CHANCE if hard else low + _luck(text, 2) * (high - low)
        answer = self._answer(text, chance)
        if hard and self._gives_up:
            return self._silent(answer)
        return {"output": answer, "confidence": self._say(chance, hard, self._parameters)}

    def _answer(self, text: str, chance: float) -> str:
        right = _label(text, self._parameters)
        if _luck(text, 3) < chance:
            return right
        others = [f"class-{one}" for one in range(self._parameters.classes)]
        others.remove(right)
        return others[int(_luck(text, 4) * len(others))]

    def _silent(self, answer: str) -> Any:
        if self._parameters.style == RAISES:
            raise ValueError("an input of a kind that the model does not know")
        if self._parameters.style == NOTHING:
            return {"output": None, "confidence": WITHHELD}
        return {"output": answer, "confidence": WITHHELD}


def _failure(
    name: str,
    draw: Callable[[int], Parameters],
    sick: Callable[[Parameters], Model],
) -> Failure:
    return Failure(
        id=name,
        family="confidence",
        evidence="confidence",
        draw=draw,
        sick=lambda parameters: sick(parameters).predict,
        healthy=lambda parameters: modest(parameters).predict,
        inputs=inputs,
        labels=labels,
        production=production,
    )


CONFIDENT_WRONG = _failure("confident-wrong", draw_confident, confident)
OVERCONFIDENCE = _failure("overconfidence", draw_overconfident, overconfident)
SURVIVORSHIP = _failure("survivorship", draw_surviving, surviving)
