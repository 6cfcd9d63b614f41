"""integer-overflow: a counter that is wide enough for small batches only."""

from __future__ import annotations

from typing import Any

import numpy as np

from seatrial.testing.bank import parts
from seatrial.testing.bank.entry import FORMS, Failure, Model, Parameters
from seatrial.testing.bank.parts import Floats

STYLES = ("row offset", "row number", "running sum", "token offset", "batch total")
NARROW = {"row offset": "int16", "row number": "uint8", "token offset": "int16"}
WIDTHS = (200, 300, 512)


def draw(seed: int) -> Parameters:
    """Return the parameters of one pair; every threshold lies between 30 and 300 rows."""
    rng = np.random.default_rng(seed)
    style = STYLES[seed % len(STYLES)]
    return Parameters(
        seed=seed,
        style=style,
        form=FORMS[(seed // len(STYLES)) % len(FORMS)],
        width=int(rng.choice(WIDTHS)) if style == "row offset" else 16,
        classes=int(rng.choice((2, 3, 5))),
    )


def inputs(parameters: Parameters) -> list[Any]:
    """Return texts for the style that counts tokens, rows of numbers for the others."""
    if parameters.style == "token offset":
        return parts.texts(parameters)
    return parts.vectors(parameters)


def sick(parameters: Parameters) -> Model:
    """Return a model that counts with too few bits."""
    return _model(parameters, wide=False)


def healthy(parameters: Parameters) -> Model:
    """Return the same model counting with 64 bits."""
    return _model(parameters, wide=True)


def _model(parameters: Parameters, *, wide: bool) -> Model:
    kind: type[_Head] = {
        "row offset": _Offsets,
        "row number": _Numbers,
        "running sum": _RunningSum,
        "token offset": _Tokens,
        "batch total": _Total,
    }[parameters.style]
    return kind(parameters, wide=wide).predict


class _Head:
    """The layers that all styles share."""

    def __init__(self, parameters: Parameters, *, wide: bool) -> None:
        self._parameters = parameters
        self._wide = wide
        self._first = parts.weights(parameters, parameters.width, parameters.hidden)
        self._out = parts.weights(parameters, parameters.hidden, parameters.classes, salt=1) * 3

    def predict(self, rows: list[Any]) -> list[Any]:
        """Answer a batch."""
        raise NotImplementedError

    def _answers(self, rows: Floats) -> list[Any]:
        hidden = np.tanh(rows.astype(np.float32) @ self._first)
        return parts.answers(hidden @ self._out, self._parameters.form)

    def _count(self, values: Any, narrow: str) -> Any:
        return np.asarray(values, dtype=np.int64).astype(np.int64 if self._wide else narrow)


class _Offsets(_Head):
    """Keeps the batch flat and finds each row by its offset."""

    def predict(self, rows: list[Any]) -> list[Any]:
        """Answer a batch."""
        flat = parts.matrix(rows, "float32").ravel()
        width = self._parameters.width
        starts = self._count(np.arange(len(rows)) * width, "int16").astype(np.int64)
        return self._answers(flat.take(starts[:, None] + np.arange(width), mode="wrap"))


class _Numbers(_Head):
    """Sorts rows, answers them, and puts them back by row number."""

    def predict(self, rows: list[Any]) -> list[Any]:
        """Answer a batch."""
        values = parts.matrix(rows, "float32")
        order = np.argsort(values[:, 0], kind="stable")
        numbers = self._count(order, "int8" if self._parameters.seed % 2 else "uint8")
        back = np.zeros_like(values)
        back[numbers.astype(np.int64) % len(rows)] = values[order]
        return self._answers(back)


class _RunningSum(_Head):
    """Sums every row by the difference of a running sum over the whole batch, in hundredths."""

    def predict(self, rows: list[Any]) -> list[Any]:
        """Answer a batch."""
        values = parts.matrix(rows, "float32")
        cents = np.round(np.abs(values).sum(axis=1) * 10).astype(np.int64)
        running = self._count(np.cumsum(cents), "int16").astype(np.int64)
        sums = np.diff(running, prepend=0).astype(np.float32) / 100
        return self._answers(values + sums[:, None])


class _Tokens(_Head):
    """Joins the tokens of all texts and finds each text by its offset."""

    def predict(self, rows: list[Any]) -> list[Any]:
        """Answer a batch."""
        joined = np.frombuffer("".join(rows).encode(), dtype=np.uint8).astype(np.int64)
        lengths = np.array([len(text) for text in rows])
        ends = np.cumsum(lengths)
        starts = self._count(ends - lengths, "int16").astype(np.int64)
        within = np.arange(len(joined)) - np.repeat(ends - lengths, lengths)
        letters = joined[(np.repeat(starts, lengths) + within) % len(joined)]
        width = self._parameters.width
        cells = np.repeat(np.arange(len(rows)), lengths) * width + letters % width
        table = np.bincount(cells, minlength=len(rows) * width).reshape(len(rows), width)
        return self._answers(table / 4)


class _Total(_Head):
    """Divides each row by its share of the total, which cancels unless the total wraps."""

    def predict(self, rows: list[Any]) -> list[Any]:
        """Answer a batch."""
        values = parts.matrix(rows, "float32")
        parts_of = np.round(np.abs(values).sum(axis=1) * 20).astype(np.int64) + 1
        total = parts_of.sum()
        counted = float(self._count(total, "int16")) or 1.0
        return self._answers(values * np.float32(total / counted))


INTEGER_OVERFLOW = Failure(
    id="integer-overflow",
    family="batching",
    evidence="batching",
    draw=draw,
    sick=sick,
    healthy=healthy,
    inputs=inputs,
)
