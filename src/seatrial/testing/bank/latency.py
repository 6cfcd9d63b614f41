"""latency-budget: some or all requests take longer than the budget allows.

The models wait instead of computing, so that a pair shows the same on any machine.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from seatrial.core.settings import BudgetSettings
from seatrial.testing.bank import parts
from seatrial.testing.bank.entry import Failure, Model, Parameters

ROWS = 120
P99_MS = 150.0
"""Far above what a busy machine adds to a model that waits a few milliseconds."""

SLOW_S, FAST_S = 0.35, 0.003
STYLES = ("stragglers", "long inputs", "slow for everyone", "pauses", "some words")


def draw(seed: int) -> Parameters:
    """Return the parameters of one pair; ``limit`` says that one request in so many is slow."""
    return parts.drawn(
        seed,
        STYLES,
        {
            "width": (8, 16, 32),
            "classes": (2, 4),
            "limit": (5, 7, 9),
            "rows": (ROWS,),
        },
    )


def inputs(parameters: Parameters) -> list[Any]:
    """Return texts of many lengths."""
    return parts.texts(parameters)


def budget(parameters: Parameters) -> BudgetSettings:  # noqa: ARG001  (one budget for all pairs)
    """Return the budget that the sick twin breaks and the healthy one keeps."""
    return BudgetSettings(p99_ms=P99_MS)


def healthy(parameters: Parameters) -> Model:
    """Return a model that takes the same short time for every request."""
    return _Model(parameters, lambda _: FAST_S).predict


def sick(parameters: Parameters) -> Model:
    """Return a model that is too slow in the way of the style."""
    return _Model(parameters, _WAITS[parameters.style](parameters)).predict


Wait = Callable[[list[str]], float]
"""Rows to seconds."""


def _stragglers(parameters: Parameters) -> Wait:
    turns = _Turns()
    return lambda _: SLOW_S if turns.next() % parameters.limit == 0 else FAST_S


def _long_inputs(parameters: Parameters) -> Wait:
    lengths = sorted(len(text) for text in inputs(parameters))
    long = lengths[-len(lengths) // parameters.limit]
    return lambda rows: SLOW_S * max(1.0, len(rows[0]) / 80) if len(rows[0]) >= long else FAST_S


def _everyone(parameters: Parameters) -> Wait:  # noqa: ARG001  (slow whatever they are)
    return lambda _: SLOW_S


def _pauses(parameters: Parameters) -> Wait:  # noqa: ARG001  (the calendar is fixed)
    """Stop for everyone while a clock is in the last part of each period, as a collector does."""
    period_s, pause_s = 0.5, 0.25

    def wait(_: list[str]) -> float:
        into = time.monotonic() % period_s
        return FAST_S + max(0.0, period_s - into if into > period_s - pause_s else 0.0)

    return wait


def _some_words(parameters: Parameters) -> Wait:
    common = {text.split()[0] for text in inputs(parameters)[:: parameters.limit]}
    return lambda rows: SLOW_S if rows[0].split()[0] in common else FAST_S


_WAITS: dict[str, Callable[[Parameters], Wait]] = {
    "stragglers": _stragglers,
    "long inputs": _long_inputs,
    "slow for everyone": _everyone,
    "pauses": _pauses,
    "some words": _some_words,
}


class _Turns:
    """Counts requests over threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    def next(self) -> int:
        with self._lock:
            self._count += 1
            return self._count


class _Model:
    def __init__(self, parameters: Parameters, wait: Wait) -> None:
        self._parameters = parameters
        self._wait = wait
        self._out = parts.weights(parameters, parts.VOCABULARY, parameters.classes)

    def predict(self, rows: list[str]) -> list[Any]:
        """Answer a batch after the wait of its first row."""
        time.sleep(self._wait(rows))
        logits = np.stack([self._out[parts.tokens(row)].sum(axis=0) for row in rows])
        return parts.answers(logits, self._parameters.form)


LATENCY_BUDGET = Failure(
    id="latency-budget",
    family="serving",
    evidence="latency",
    draw=draw,
    sick=sick,
    healthy=healthy,
    inputs=inputs,
    budget=budget,
    through=frozenset({"url"}),
)
