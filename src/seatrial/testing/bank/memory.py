"""memory-pressure: memory that grows with the square of the batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from seatrial.testing.bank import parts
from seatrial.testing.bank.entry import Failure, Model, Parameters
from seatrial.testing.bank.parts import Floats

STYLES = ("pairwise distances", "square of scores", "list of batches")


def draw(seed: int) -> Parameters:
    """Return the parameters of one pair."""
    return parts.drawn(
        seed,
        STYLES,
        {
            "width": (8, 16, 32),
            "dtype": ("float32", "float64"),
        },
    )


def sick(parameters: Parameters) -> Model:
    """Return a model that holds something for every pair of rows."""
    return _Model(parameters, square=True).predict


def healthy(parameters: Parameters) -> Model:
    """Return the same model without it."""
    return _Model(parameters, square=False).predict


class _Model:
    def __init__(self, parameters: Parameters, *, square: bool) -> None:
        self._parameters = parameters
        self._square = square
        self._first = parts.weights(parameters, parameters.width, parameters.hidden)
        self._out = parts.weights(parameters, parameters.hidden, parameters.classes, salt=1)

    def predict(self, rows: list[list[float]]) -> list[Any]:
        """Answer a batch."""
        values = parts.matrix(rows, self._parameters.dtype)
        hidden = np.tanh(values @ self._first)
        if self._square:
            hidden = hidden + 0 * self._held(values)[:, None]
        return parts.answers(hidden @ self._out, self._parameters.form)

    def _held(self, values: Floats) -> Floats:
        """Hold a value for every pair of rows; the answer does not depend on it."""
        if self._parameters.style == "pairwise distances":
            apart: Floats = values[:, None, :] - values[None, :, :]
            summed: Floats = np.square(apart).sum(axis=(1, 2))
            return summed
        if self._parameters.style == "square of scores":
            held: Floats = np.outer(values[:, 0], values[:, 0])
            totals: Floats = held.sum(axis=1)
            return totals
        copies = [values.copy() for _ in range(len(values))]
        return np.array([float(copy[0, 0]) for copy in copies], dtype=values.dtype)


MEMORY_PRESSURE = Failure(
    id="memory-pressure",
    family="batching",
    evidence="batching",
    draw=draw,
    sick=sick,
    healthy=healthy,
    inputs=parts.vectors,
    through=frozenset({"callable"}),
)
