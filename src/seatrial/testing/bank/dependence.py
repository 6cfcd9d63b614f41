"""batch-dependent-output: a neighbour changes the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from seatrial.testing.bank import parts
from seatrial.testing.bank.entry import Failure, Model, Parameters
from seatrial.testing.bank.parts import Floats

TEXT_STYLES = ("mean over padding", "attention to padding", "max over padding")
ROW_STYLES = ("batch norm", "centred on the batch", "scaled by the batch", "shared int8 scale")
STYLES = (*TEXT_STYLES, *ROW_STYLES)
WIDTHS, CLASSES, DTYPES = (8, 16, 48), (2, 3, 5), ("float32", "float64")
SLIGHT = 1e-5
"""Keeps a division by the spread of a batch finite."""


def draw(seed: int) -> Parameters:
    """Return the parameters of one pair."""
    return parts.drawn(
        seed,
        STYLES,
        {
            "width": WIDTHS,
            "classes": CLASSES,
            "dtype": DTYPES,
        },
    )


def inputs(parameters: Parameters) -> list[Any]:
    """Return texts or rows of numbers, as the style wants."""
    return parts.texts(parameters) if parameters.style in TEXT_STYLES else parts.vectors(parameters)


def sick(parameters: Parameters) -> Model:
    """Return a model whose answers depend on who else is in the batch."""
    return _model(parameters, masked=False)


def healthy(parameters: Parameters) -> Model:
    """Return the same model with a mask, or with the statistics of its training."""
    return _model(parameters, masked=True)


def _model(parameters: Parameters, *, masked: bool) -> Model:
    if parameters.style in TEXT_STYLES:
        return _TextModel(parameters, masked=masked).predict
    return _RowModel(parameters, frozen=masked).predict


class _TextModel:
    """Embeds words, pads to the longest text, pools, classifies."""

    def __init__(self, parameters: Parameters, *, masked: bool) -> None:
        self._parameters = parameters
        self._masked = masked
        self._embedding = parts.weights(parameters, parts.VOCABULARY, parameters.width) * 20
        self._embedding[0] += 0.5
        self._out = parts.weights(parameters, parameters.width, parameters.classes, salt=1) * 4
        self._query = parts.weights(parameters, parameters.width, salt=2) * 4

    def predict(self, texts: list[str]) -> list[Any]:
        """Answer a batch."""
        ids = [parts.tokens(text) for text in texts]
        longest = max(len(row) for row in ids)
        padded = np.zeros((len(ids), longest), dtype=np.int64)
        mask = np.zeros((len(ids), longest), dtype=bool)
        for row, numbers in enumerate(ids):
            padded[row, : len(numbers)] = numbers
            mask[row, : len(numbers)] = True
        if not self._masked:
            mask[:] = True
        pooled = self._pool(self._embedding[padded], mask)
        return parts.answers(pooled @ self._out, self._parameters.form)

    def _pool(self, embedded: Floats, mask: Any) -> Floats:
        style = self._parameters.style
        if style == "max over padding":
            highest: Floats = np.where(mask[..., None], embedded, -np.inf).max(axis=1)
            return highest
        if style == "attention to padding":
            attention = np.where(mask, embedded @ self._query, -np.inf)
            shares = parts.softmax(attention)
        else:
            shares = mask / mask.sum(axis=1, keepdims=True)
        pooled: Floats = (embedded * shares[..., None]).sum(axis=1)
        return pooled.astype(self._parameters.dtype)


class _RowModel:
    """Two layers with a normalisation between them."""

    def __init__(self, parameters: Parameters, *, frozen: bool) -> None:
        self._parameters = parameters
        self._first = parts.weights(parameters, parameters.width, parameters.hidden)
        self._out = parts.weights(parameters, parameters.hidden, parameters.classes, salt=1) * 2
        self._frozen: Floats | None = None
        if frozen:
            seen = parts.matrix(parts.vectors(parameters), parameters.dtype)
            self._frozen = seen @ self._first

    def predict(self, rows: list[list[float]]) -> list[Any]:
        """Answer a batch."""
        hidden = parts.matrix(rows, self._parameters.dtype) @ self._first
        reference = hidden if self._frozen is None else self._frozen
        normalised = NORMALISATIONS[self._parameters.style](hidden, reference)
        return parts.answers(np.tanh(normalised) @ self._out, self._parameters.form)


def _batch_norm(hidden: Floats, reference: Floats) -> Floats:
    if len(reference) == 1:  # the usual guard, which makes a row alone special
        return hidden
    normalised: Floats = (hidden - reference.mean(axis=0)) / (reference.std(axis=0) + SLIGHT)
    return normalised


def _centred(hidden: Floats, reference: Floats) -> Floats:
    centred: Floats = hidden - reference.mean(axis=0)
    return centred


def _scaled(hidden: Floats, reference: Floats) -> Floats:
    scaled: Floats = 2 * hidden / (np.abs(reference).max() + SLIGHT)
    return scaled


def _shared_scale(hidden: Floats, reference: Floats) -> Floats:
    scale = np.abs(reference).max() / 127 + SLIGHT
    rounded: Floats = (np.clip(np.round(hidden / scale), -127, 127) * scale).astype(hidden.dtype)
    return rounded


NORMALISATIONS: dict[str, Callable[[Floats, Floats], Floats]] = {
    "batch norm": _batch_norm,
    "centred on the batch": _centred,
    "scaled by the batch": _scaled,
    "shared int8 scale": _shared_scale,
}

BATCH_DEPENDENT_OUTPUT = Failure(
    id="batch-dependent-output",
    family="batching",
    evidence="batching",
    draw=draw,
    sick=sick,
    healthy=healthy,
    inputs=inputs,
)
