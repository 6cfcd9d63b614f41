"""Pieces that the planted models are made of: texts, rows, weights, answers."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.testing.bank.entry import FORMS, Form, Parameters

Floats = NDArray[np.floating[Any]]

_WORDS = (
    "order late refund broken thanks love wrong parcel never again great support slow cancel "
    "invoice double charged quick friendly terrible works perfect missing box damaged price"
)
WORDS = tuple(_WORDS.split())
VOCABULARY = 512


def drawn(seed: int, styles: Sequence[str], choices: Mapping[str, Sequence[Any]]) -> Parameters:
    """Draw parameters: neighbouring seeds go through all styles, and then through all forms.

    Args:
        seed: Of the draw, and of everything that is drawn from the parameters later.
        styles: Ways of being sick.
        choices: Per further field, what it may be; drawn in this order.
    """
    rng = np.random.default_rng(seed)
    return Parameters(
        seed=seed,
        style=styles[seed % len(styles)],
        form=FORMS[(seed // len(styles)) % len(FORMS)],
        **{name: rng.choice(options).item() for name, options in choices.items()},
    )


def texts(parameters: Parameters) -> list[str]:
    """Return texts of one to a few dozen words, most of them short."""
    rng = parameters.rng(1)
    lengths = np.clip(rng.lognormal(1.8, 0.7, parameters.rows), 1, 40).astype(int)
    return [" ".join(rng.choice(WORDS, length)) for length in lengths]


def vectors(parameters: Parameters) -> list[list[float]]:
    """Return rows of numbers, some of them far larger than others."""
    rng = parameters.rng(1)
    scale = rng.lognormal(0.0, 0.6, (parameters.rows, 1))
    rows: list[list[float]] = (
        rng.normal(size=(parameters.rows, parameters.width)) * scale
    ).tolist()
    return rows


def tokens(text: str) -> list[int]:
    """Return the numbers of the words of a text."""
    return [zlib.crc32(word.encode()) % VOCABULARY for word in text.split()] or [0]


def weights(parameters: Parameters, *shape: int, salt: int = 0) -> Floats:
    """Return seeded weights, scaled by their fan-in."""
    rng = parameters.rng(100 + salt)
    values = rng.normal(size=shape) / np.sqrt(shape[0])
    scaled: Floats = values.astype(parameters.dtype)
    return scaled


def softmax(logits: Floats) -> Floats:
    """Return probabilities along the last axis."""
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: Floats = raised / raised.sum(axis=-1, keepdims=True)
    return shares


def answers(logits: Floats, form: Form) -> list[Any]:
    """Return logits of shape ``(rows, classes)`` as labels, scores or plain numbers."""
    if form == "numbers":
        numbers: list[float] = logits[:, 0].astype(float).tolist()
        return numbers
    names = [f"class-{index}" for index in range(logits.shape[1])]
    chosen = logits.argmax(axis=1).tolist()
    if form == "labels":
        return [names[index] for index in chosen]
    shares = softmax(logits).astype(float).tolist()
    return [
        {
            "output": names[index],
            "confidence": row[index],
            "scores": dict(zip(names, row, strict=True)),
        }
        for index, row in zip(chosen, shares, strict=True)
    ]


def matrix(inputs: Sequence[Any], dtype: str) -> Floats:
    """Return the inputs as an array of shape ``(rows, width)``."""
    return np.asarray(inputs, dtype=dtype)
