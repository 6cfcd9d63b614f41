"""stale-cache: a cache in front of two models, or of one that is swapped, answers for the other.

Twins are services (:data:`~seatrial.testing.service.Route`): ``/a`` and ``/b`` are two models;
``/swap`` puts the second model behind ``/a`` as well.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from seatrial.testing.bank import parts
from seatrial.testing.bank.entry import Failure, Parameters
from seatrial.testing.service import Route

STYLES = ("bodies without the model", "rows without the model", "kept across a swap", "some rows")
ACROSS_A_SWAP = "kept across a swap"


def draw(seed: int) -> Parameters:
    """Return the parameters of one pair; ``limit`` is how many entries a cache holds."""
    choices = {
        "width": (4, 8, 16),
        "classes": (2, 3, 5),
        "limit": (20, 100, 10_000),
        "rows": (240,),
    }
    return parts.drawn(seed, STYLES, choices)


def healthy(parameters: Parameters) -> Route:
    """Return the service with a cache whose key holds the model; every third one has no cache."""
    return _Service(parameters, sick=False, cached=parameters.seed % 3 != 0).route


def sick(parameters: Parameters) -> Route:
    """Return the service with a cache whose key leaves something out."""
    return _Service(parameters, sick=True, cached=True).route


class _Service:
    def __init__(self, parameters: Parameters, *, sick: bool, cached: bool) -> None:
        self._parameters = parameters
        self._sick = sick
        self._cached = cached
        self._models = [_model(parameters, salt) for salt in (0, 10)]
        self._behind = {"/a": 0, "/b": 1}
        self._kept: dict[str, Any] = {}
        self._lock = threading.Lock()

    def route(self, path: str, document: Any, _: dict[str, str]) -> tuple[int, Any]:
        """Answer a request; see :data:`~seatrial.testing.service.Route`."""
        with self._lock:
            if path == "/swap":
                self._behind["/a"] = 1
                return 200, {}
            if path not in self._behind:
                return 404, {"detail": f"there is no {path}"}
            rows = document["inputs"]
            if self._parameters.style == "rows without the model":
                answers = [self._answered(path, [row])[0] for row in rows]
            else:
                answers = self._answered(path, rows)
        return 200, {"id": "1", "results": [self._shaped(one) for one in answers]}

    def _answered(self, path: str, rows: list[Any]) -> list[Any]:
        key = json.dumps(self._key(path, rows))
        if not self._cached or key not in self._kept:
            self._kept[key] = self._models[self._behind[path]](rows)
        while len(self._kept) > self._parameters.limit:
            del self._kept[next(iter(self._kept))]
        return list(self._kept.get(key) or self._models[self._behind[path]](rows))

    def _key(self, path: str, rows: list[Any]) -> list[Any]:
        if not self._sick:
            return [self._behind[path], rows]
        style = self._parameters.style
        if style == ACROSS_A_SWAP:
            return [path, rows]
        if style == "some rows":  # a namespace that holds the model for part of the requests only
            return [self._behind[path] if rows[0][0] < 0 else "", rows]
        return [rows]

    @staticmethod
    def _shaped(answer: Any) -> dict[str, Any]:
        return answer if isinstance(answer, dict) else {"output": answer}


def _model(parameters: Parameters, salt: int) -> Callable[[list[Any]], list[Any]]:
    weights = parts.weights(parameters, parameters.width, parameters.classes, salt=salt)

    def predict(rows: list[Any]) -> list[Any]:
        values = np.tanh(np.array(rows, dtype=np.float64)) @ weights
        return parts.answers(values, parameters.form)

    return predict


STALE_CACHE = Failure(
    id="stale-cache",
    family="serving",
    evidence="staleness",
    draw=draw,
    sick=sick,
    healthy=healthy,
    inputs=parts.vectors,
    through=frozenset({"url"}),
)
