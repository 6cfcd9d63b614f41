"""variant-loss: a model that brings a cheaper version of itself which answers worse."""

from __future__ import annotations

from typing import Any

import numpy as np

from seatrial.testing.bank import parts
from seatrial.testing.bank.entry import Failure, Model, Parameters
from seatrial.testing.bank.parts import Floats

STYLES = ("two bits", "clipped", "pruned")
ROWS = 600
"""Rows for a paired interval that lies clear of a budget of one point."""


def draw(seed: int) -> Parameters:
    """Return the parameters of one pair."""
    rng = np.random.default_rng(seed)
    return Parameters(
        seed=seed,
        style=STYLES[seed % len(STYLES)],
        form="scores" if seed % 2 else "labels",
        width=int(rng.choice((16, 32))),
        hidden=int(rng.choice((32, 64))),
        classes=int(rng.choice((2, 3, 5))),
        rows=ROWS,
    )


def sick(parameters: Parameters) -> Model:
    """Return a model whose variant was made cheap too carelessly."""
    return _Model(parameters, cheaper=_careless)


def healthy(parameters: Parameters) -> Model:
    """Return the same model with a variant of eight bits."""
    return _Model(parameters, cheaper=_eight_bits)


def labels(parameters: Parameters) -> list[Any]:
    """Return the true classes: those of the model itself, but for a tenth of them."""
    rows = parts.vectors(parameters)
    model = _Model(parameters, cheaper=_eight_bits)
    true = model.chosen(parts.matrix(rows, "float32"))
    rng = parameters.rng(7)
    wrong = rng.random(len(rows)) < 0.1  # noqa: PLR2004  (a model that is right nine times in ten)
    drawn = rng.integers(0, parameters.classes, len(rows))
    return [f"class-{int(b if bad else a)}" for a, b, bad in zip(true, drawn, wrong, strict=True)]


class _Model:
    def __init__(self, parameters: Parameters, *, cheaper: Any) -> None:
        self._parameters = parameters
        self._cheaper = cheaper
        self._weights = (
            parts.weights(parameters, parameters.width, parameters.hidden),
            parts.weights(parameters, parameters.hidden, parameters.classes, salt=1),
        )

    def predict(self, rows: list[list[float]]) -> list[Any]:
        """Answer a batch."""
        return self._answers(rows, *self._weights)

    def variants(self) -> dict[str, Any]:
        """Return the cheaper version."""
        cheap = [self._cheaper(matrix, self._parameters.style) for matrix in self._weights]
        return {"int8": lambda rows: self._answers(rows, *cheap)}

    def chosen(self, values: Floats) -> Any:
        """Return the class of each row, as a number."""
        return self._logits(values, *self._weights).argmax(axis=1)

    def _answers(self, rows: list[list[float]], first: Floats, out: Floats) -> list[Any]:
        logits = self._logits(parts.matrix(rows, "float32"), first, out)
        return parts.answers(logits, self._parameters.form)

    @staticmethod
    def _logits(values: Floats, first: Floats, out: Floats) -> Floats:
        logits: Floats = np.tanh(values @ first) @ out
        return logits


def _eight_bits(weights: Floats, style: str) -> Floats:  # noqa: ARG001  (one signature for both)
    return _rounded(weights, levels=127)


def _careless(weights: Floats, style: str) -> Floats:
    if style == "clipped":
        limit = np.quantile(np.abs(weights), 0.3)
        return np.clip(weights, -limit, limit)
    if style == "pruned":
        return np.where(np.abs(weights) < np.quantile(np.abs(weights), 0.8), 0, weights)
    return _rounded(weights, levels=1)


def _rounded(weights: Floats, *, levels: int) -> Floats:
    scale = np.abs(weights).max() / levels
    rounded: Floats = (np.round(weights / scale) * scale).astype(np.float32)
    return rounded


VARIANT_LOSS = Failure(
    id="variant-loss",
    family="variants",
    evidence="variants",
    draw=draw,
    sick=sick,
    healthy=healthy,
    inputs=parts.vectors,
    labels=labels,
    through=frozenset({"callable"}),
)
