"""What was asked before: many label draws of the same rows then take a tenth of the time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.gap.case import Factors

MOST_LISTS = 400
"""Lists of rows whose descriptions are kept; then they are forgotten all at once."""


class Known:
    """A model of texts that is asked about each text once.

    Args:
        model: Anything with ``predict``, and perhaps ``predict_proba``.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._answers: dict[str, Any] = {}
        self._chances: dict[str, NDArray[np.float64]] = {}
        if hasattr(model, "predict_proba"):
            self.classes_ = model.classes_
            self.predict_proba = self._predict_proba

    def predict(self, inputs: Sequence[str]) -> list[Any]:
        return _looked_up(self._answers, inputs, self._model.predict)

    def _predict_proba(self, inputs: Sequence[str]) -> NDArray[np.float64]:
        return np.array(_looked_up(self._chances, inputs, self._model.predict_proba))


class Remembered:
    """A describer that describes or repairs the same list of texts once."""

    def __init__(self, describer: Factors) -> None:
        self._describer: Any = describer
        self._known: dict[tuple[str, tuple[Any, ...]], Any] = {}

    def read(self, inputs: Sequence[Any]) -> Any:
        return self._once("read", inputs, lambda: self._describer.read(inputs))

    def describe(self, inputs: Sequence[Any]) -> Mapping[str, NDArray[Any]]:
        return dict(self.read(inputs)[0])

    def factors(self, inputs: Sequence[Any]) -> Mapping[str, NDArray[np.float64]]:
        return dict(self.read(inputs)[1])

    def repair(self, factor: str, inputs: Sequence[Any]) -> list[Any] | None:
        done = self._once(factor, inputs, lambda: self._describer.repair(factor, inputs))
        return None if done is None else list(done)

    def _once(self, what: str, inputs: Sequence[Any], find: Callable[[], Any]) -> Any:
        key = (what, tuple(inputs))
        if key not in self._known:
            if len(self._known) >= MOST_LISTS:
                self._known.clear()
            self._known[key] = find()
        return self._known[key]


def _looked_up(
    known: dict[str, Any], inputs: Sequence[str], ask: Callable[[list[str]], Any]
) -> list[Any]:
    new = list(dict.fromkeys(text for text in inputs if text not in known))
    if new:
        known.update(zip(new, ask(new), strict=True))
    return [known[text] for text in inputs]
