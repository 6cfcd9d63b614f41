"""A made-up table and a model of it, for faults whose truth must be known: no file is needed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

PLANS = ("basic", "family", "business", "student")
PLAN_EFFECT = {"basic": 0.9, "family": -0.6, "business": -1.2, "student": 0.8}
NUMBERS = ("months", "spend", "calls", "age")

Record = dict[str, Any]


def records(rng: np.random.Generator, rows: int) -> list[tuple[Record, int]]:
    """Return customers and whether they left; a good model is right about four times in five."""
    made = []
    for _ in range(rows):
        plan = PLANS[int(rng.choice(4, p=[0.4, 0.3, 0.2, 0.1]))]
        record: Record = {
            "months": int(rng.integers(1, 60)),
            "spend": round(float(rng.gamma(4.0, 12.0)), 2),
            "calls": int(rng.poisson(2.0)),
            "age": int(rng.integers(18, 80)),
            "plan": plan,
        }
        score = -0.09 * (record["months"] - 28) + 0.9 * (record["calls"] - 2)
        score += 0.03 * (record["spend"] - 48) + 2.0 * PLAN_EFFECT[plan]
        made.append((record, int(rng.random() < 1.0 / (1.0 + math.exp(-score)))))
    return made


class TableModel:
    """Answers records given as dicts; the first of its steps turns them into columns."""

    def __init__(self, rows: list[tuple[Record, int]]) -> None:
        numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
        names = OneHotEncoder(handle_unknown="ignore")
        self._pipeline: Pipeline = make_pipeline(
            make_column_transformer((numbers, list(range(4))), (names, [4])),
            LogisticRegression(max_iter=1000),
        )
        self._pipeline.fit(_columns([row for row, _ in rows]), [label for _, label in rows])

    def predict(self, inputs: list[Record]) -> np.ndarray[Any, Any]:
        return np.asarray(self._pipeline.predict(_columns(inputs)))


def _columns(rows: list[Record]) -> np.ndarray[Any, Any]:
    made = np.empty((len(rows), 5), dtype=object)
    for place, row in enumerate(rows):
        made[place] = [
            *(math.nan if row[name] is None else float(row[name]) for name in NUMBERS),
            str(row["plan"]),
        ]
    return made


def missing(column: str) -> Any:
    """Return a fault that loses a cell."""
    return lambda example, _: ({**example[0], column: None}, example[1])


def renamed(column: str, names: dict[str, str]) -> Any:
    """Return a fault that gives categories new names, as a new form does."""

    def rename(example: tuple[Record, int], _: np.random.Generator) -> tuple[Record, int]:
        record, label = example
        return {**record, column: names.get(record[column], record[column])}, label

    return rename


def scaled(column: str, factor: float) -> Any:
    """Return a fault that changes a number's unit."""

    def scale(example: tuple[Record, int], _: np.random.Generator) -> tuple[Record, int]:
        record, label = example
        return {**record, column: record[column] * factor}, label

    return scale
