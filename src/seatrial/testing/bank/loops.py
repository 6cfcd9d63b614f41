"""row-loop: a model that answers its batch one row after another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from seatrial.testing.bank import parts
from seatrial.testing.bank.entry import Failure, Model, Parameters
from seatrial.testing.bank.parts import Floats

STYLES = ("for", "comprehension", "map", "apply_along_axis", "estimator", "pure python")
BUSY_TURNS = 400
LAYERS = 3


def draw(seed: int) -> Parameters:
    """Return the parameters of one pair."""
    return parts.drawn(
        seed,
        STYLES,
        {
            "width": (16, 64, 96),
            "hidden": (16, 64, 128),
            "classes": (2, 3, 5),
            "dtype": ("float32", "float64"),
        },
    )


def sick(parameters: Parameters) -> Model:
    """Return a model that loops over its rows."""
    layers = _Layers(parameters)
    return _LOOPS[parameters.style](layers)


def healthy(parameters: Parameters) -> Model:
    """Return the same model on the whole batch; every third one is busy enough to gain nothing."""
    layers = _Layers(parameters, busy=parameters.seed % 3 == 0)

    def predict(rows: list[list[float]]) -> list[Any]:
        return parts.answers(layers.logits(parts.matrix(rows, parameters.dtype)), parameters.form)

    return predict


class _Layers:
    """A small network; ``busy`` repeats a wide layer until a row costs as much alone."""

    def __init__(self, parameters: Parameters, *, busy: bool = False) -> None:
        self.parameters = parameters
        self._first = parts.weights(parameters, parameters.width, parameters.hidden)
        self._between = parts.weights(parameters, parameters.hidden, parameters.hidden, salt=2)
        self._out = parts.weights(parameters, parameters.hidden, parameters.classes, salt=1)
        self._busy = busy

    def logits(self, values: Floats) -> Floats:
        """Return the logits of an array of shape ``(rows, width)`` or ``(width,)``."""
        hidden = np.tanh(values @ self._first)
        for _ in range(LAYERS):
            hidden = np.tanh(hidden @ self._between)
        if self._busy:
            # Element-wise work in place grows with the rows exactly, as a large model's does.
            busy = hidden.copy()
            for _ in range(BUSY_TURNS):
                np.sin(busy, out=busy)
            hidden = hidden + 0 * busy
        logits: Floats = hidden @ self._out
        return logits


def _for(layers: _Layers) -> Model:
    def predict(rows: list[list[float]]) -> list[Any]:
        found = []
        for row in rows:
            values = np.asarray([row], dtype=layers.parameters.dtype)
            found += parts.answers(layers.logits(values), layers.parameters.form)
        return found

    return predict


def _comprehension(layers: _Layers) -> Model:
    def predict(rows: list[list[float]]) -> list[Any]:
        dtype = layers.parameters.dtype
        logits = np.stack([layers.logits(np.asarray(row, dtype=dtype)) for row in rows])
        return parts.answers(logits, layers.parameters.form)

    return predict


def _map(layers: _Layers) -> Model:
    def one(row: list[float]) -> Floats:
        return layers.logits(np.asarray(row, dtype=layers.parameters.dtype))

    def predict(rows: list[list[float]]) -> list[Any]:
        return parts.answers(np.array(list(map(one, rows))), layers.parameters.form)

    return predict


def _apply(layers: _Layers) -> Model:
    def predict(rows: list[list[float]]) -> list[Any]:
        values = parts.matrix(rows, layers.parameters.dtype)
        logits = np.apply_along_axis(layers.logits, 1, values)
        return parts.answers(logits, layers.parameters.form)

    return predict


def _estimator(layers: _Layers) -> Model:
    from sklearn.linear_model import LogisticRegression

    parameters = layers.parameters
    seen = np.array(parts.vectors(parameters))
    labels = [f"class-{at % parameters.classes}" for at in range(len(seen))]
    fitted = LogisticRegression(max_iter=20, tol=1.0).fit(seen, labels)

    def predict(rows: list[list[float]]) -> list[Any]:
        return [fitted.predict([row])[0] for row in rows]

    return predict


def _pure(layers: _Layers) -> Model:
    columns = (
        layers.parameters.rng(5)
        .normal(size=(layers.parameters.classes, layers.parameters.width))
        .tolist()
    )

    def predict(rows: list[list[float]]) -> list[Any]:
        found = []
        for row in rows:
            scores = [sum(a * b for a, b in zip(row, column, strict=True)) for column in columns]
            found.append(f"class-{scores.index(max(scores))}")
        return found

    return predict


_LOOPS: dict[str, Callable[[_Layers], Model]] = {
    "for": _for,
    "comprehension": _comprehension,
    "map": _map,
    "apply_along_axis": _apply,
    "estimator": _estimator,
    "pure python": _pure,
}

ROW_LOOP = Failure(
    id="row-loop",
    family="batching",
    evidence="batching",
    draw=draw,
    sick=sick,
    healthy=healthy,
    inputs=parts.vectors,
    through=frozenset({"callable"}),
)
