"""Small models for tests, healthy and broken ones, with the face of a user's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from seatrial.testing.clock import ManualClock

Behaviour = Literal["healthy", "raises", "too-few", "nan"]
"""What a broken model does when it meets its poison; ``too-few`` does it always."""


class EchoModel:
    """Answers what it was asked.

    >>> EchoModel().predict(["a", 1])
    ['a', 1]
    """

    def predict(self, inputs: list[Any]) -> list[Any]:
        """Return the inputs."""
        return list(inputs)


class ConstantModel:
    """Answers the same to everything, with the same confidence.

    >>> ConstantModel("yes", confidence=0.9).predict(["?"])
    [{'output': 'yes', 'confidence': 0.9}]
    """

    def __init__(self, output: Any, *, confidence: float | None = None) -> None:
        self._answer = {"output": output, "confidence": confidence}

    def predict(self, inputs: list[Any]) -> list[Any]:
        """Return the constant once per input."""
        return [dict(self._answer) for _ in inputs]


class TableModel:
    """Answers by looking inputs up: the truth is known, so that scores can be planted.

    >>> TableModel({"2 + 2": 4}, otherwise=0).predict(["2 + 2", "?"])
    [4, 0]
    """

    def __init__(self, answers: dict[Any, Any], *, otherwise: Any = None) -> None:
        self._answers = dict(answers)
        self._otherwise = otherwise

    def predict(self, inputs: list[Any]) -> list[Any]:
        """Return the planted answers."""
        return [self._answers.get(value, self._otherwise) for value in inputs]


class SlowModel:
    """Echoes, and lets a manual clock pass: so much per call and so much per row."""

    def __init__(
        self, clock: ManualClock, *, per_call_s: float = 0.0, per_row_s: float = 0.0
    ) -> None:
        self._clock = clock
        self._per_call_s = per_call_s
        self._per_row_s = per_row_s

    def predict(self, inputs: list[Any]) -> list[Any]:
        """Return the inputs after their time has passed."""
        self._clock.advance(self._per_call_s + self._per_row_s * len(inputs))
        return list(inputs)


class BrokenModel:
    """Doubles numbers, and breaks its contract in one way.

    Args:
        behaviour: ``raises`` or ``nan`` when it meets the poison; ``too-few`` always.
        poison: The input that breaks it.

    >>> BrokenModel("nan", poison=-1.0).predict([2.0, -1.0])
    [4.0, nan]
    """

    def __init__(self, behaviour: Behaviour, *, poison: Any) -> None:
        self._behaviour = behaviour
        self._poison = poison

    def predict(self, inputs: list[Any]) -> list[Any]:
        """Return doubled inputs, or break."""
        if self._behaviour == "too-few":
            return [2 * value for value in inputs[1:]]
        poisoned = [value == self._poison for value in inputs]
        if self._behaviour == "raises" and any(poisoned):
            raise ZeroDivisionError(f"row {poisoned.index(True)} is poison")
        broken = self._behaviour == "nan"
        return [
            float("nan") if broken and bad else 2 * value
            for value, bad in zip(inputs, poisoned, strict=True)
        ]


class DoublingEstimator:
    """:class:`BrokenModel` with the conventions of scikit-learn, on a matrix of one column."""

    def __init__(self, behaviour: Behaviour = "healthy", poison: float = -1.0) -> None:
        self.behaviour = behaviour
        self.poison = poison

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002, FBT001, FBT002  (scikit-learn's signature)
        """Return the constructor's arguments."""
        return {"behaviour": self.behaviour, "poison": self.poison}

    def fit(self, rows: Any, labels: Any) -> DoublingEstimator:  # noqa: ARG002  (nothing to learn)
        """Learn nothing."""
        return self

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Return one number per row, or break."""
        model = BrokenModel(self.behaviour, poison=self.poison)
        return np.array(model.predict(np.asarray(rows)[:, 0].tolist()))


def from_function(function: Callable[[Any], Any]) -> Callable[[Sequence[Any]], list[Any]]:
    """Return a batch function that applies ``function`` to every input.

    >>> from_function(str.upper)(["a", "b"])
    ['A', 'B']
    """
    return lambda inputs: [function(value) for value in inputs]
