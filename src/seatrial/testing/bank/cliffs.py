"""batch-cliff: beyond some size a larger batch is slower per row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from seatrial.testing.bank import parts
from seatrial.testing.bank.entry import Failure, Model, Parameters
from seatrial.testing.bank.parts import Floats

STYLES = ("computed again", "copied row by row", "slow path")
LIMITS = (16, 32, 64, 100)


def draw(seed: int) -> Parameters:
    """Return the parameters of one pair."""
    return parts.drawn(
        seed,
        STYLES,
        {
            "width": (64, 128),
            "hidden": (128, 256),
            "limit": LIMITS,
            "dtype": ("float32", "float64"),
        },
    )


def sick(parameters: Parameters) -> Model:
    """Return a model that has a cliff behind ``limit`` rows."""
    return _Model(parameters, cliff=True).predict


def healthy(parameters: Parameters) -> Model:
    """Return the same model without it."""
    return _Model(parameters, cliff=False).predict


class _Model:
    def __init__(self, parameters: Parameters, *, cliff: bool) -> None:
        self._parameters = parameters
        self._cliff = cliff
        self._first = parts.weights(parameters, parameters.width, parameters.hidden)
        self._out = parts.weights(parameters, parameters.hidden, parameters.classes, salt=1)

    def predict(self, rows: list[list[float]]) -> list[Any]:
        """Answer a batch."""
        values = parts.matrix(rows, self._parameters.dtype)
        hidden = self._hidden(values)
        if self._cliff and len(rows) > self._parameters.limit:
            hidden = self._again(values, hidden)
        return parts.answers(hidden @ self._out, self._parameters.form)

    def _again(self, values: Floats, hidden: Floats) -> Floats:
        """Waste time in the way of the style; the result is the same."""
        if self._parameters.style == "computed again":
            for _ in range(4):
                hidden = self._hidden(values)
            return hidden
        if self._parameters.style == "copied row by row":
            grown = np.empty((0, hidden.shape[1]), dtype=hidden.dtype)
            for row in hidden:
                grown = np.concatenate([grown, row[None, :], np.zeros((64, len(row)))])[
                    : len(grown) + 1
                ]
            return grown.astype(hidden.dtype)
        for _ in range(3):
            hidden = self._hidden(values, product=_unblocked)
        return hidden

    def _hidden(self, values: Floats, product: Callable[..., Floats] = np.matmul) -> Floats:
        hidden = product(values, self._first)
        for _ in range(6):
            hidden = np.tanh(hidden)
        return hidden


def _unblocked(values: Floats, weights: Floats) -> Floats:
    """Multiply without BLAS."""
    product: Floats = np.einsum("ij,jk->ik", values, weights)
    return product


BATCH_CLIFF = Failure(
    id="batch-cliff",
    family="batching",
    evidence="batching",
    draw=draw,
    sick=sick,
    healthy=healthy,
    inputs=parts.vectors,
    through=frozenset({"callable"}),
)
