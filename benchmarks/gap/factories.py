"""Tables for the judged part of `attribution.py`: scikit-learn's own, and houses that are made up.

scikit-learn's tables are small: each is cut into thirds (training, eval, production), and each
third is drawn from with replacement, numbers moved by a tenth of their column's spread.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from worlds import Example

TRAINING, EVALS, POOL = 1_500, 1_500, 5_000
REGIONS = {"coast": 1.1, "valley": -0.5, "hills": 0.3, "desert": -0.9}
WITHIN = 0.5


@dataclass(frozen=True)
class Made:
    """A model of a table, rows to plant into, and its eval rows."""

    model: Any
    pool: list[Example]
    evals: list[Example]
    metric: str = "accuracy"


class OfColumns:
    """Answers records by some of their columns; what is no number counts as missing.

    Args:
        estimator: Anything with ``fit`` and ``predict``.
        columns: Which columns it looks at.
        categories: Categories of a column that is not a number; each becomes a column.
    """

    def __init__(
        self,
        estimator: Any,
        columns: Sequence[str],
        categories: dict[str, Sequence[str]] | None = None,
    ) -> None:
        self._estimator = make_pipeline(SimpleImputer(keep_empty_features=True), estimator)
        self._columns = list(columns)
        self._categories = categories or {}

    def fit(self, rows: Sequence[Example]) -> OfColumns:
        self._estimator.fit(self._array([row[0] for row in rows]), [row[1] for row in rows])
        return self

    def predict(self, inputs: Sequence[dict[str, Any]]) -> list[Any]:
        return list(self._estimator.predict(self._array(inputs)).tolist())

    def _array(self, inputs: Sequence[dict[str, Any]]) -> np.ndarray[Any, Any]:
        return np.array(
            [
                [
                    *(_number(row[name]) for name in self._columns),
                    *(
                        float(row[name] == value)
                        for name, values in self._categories.items()
                        for value in values
                    ),
                ]
                for row in inputs
            ]
        )


def houses() -> Made:
    """Return districts like those of California's census: a price, right within half a unit."""
    rng = np.random.default_rng(31)
    training, evals, pool = (_districts(rng, n) for n in (TRAINING, EVALS, POOL))
    model = OfColumns(
        GradientBoostingRegressor(random_state=0), ("income", "age", "rooms", "crowd"),
        {"region": tuple(REGIONS)},
    )  # fmt: skip
    return Made(model.fit(training), pool, evals, metric=f"within:{WITHIN}")


def cells() -> Made:
    """Return the ten means of the breast cancer table, answered by a forest."""
    data = load_breast_cancer()
    names = [str(name) for name in data.feature_names[:10]]
    parts = _thirds(data.data[:, :10], data.target, names, np.random.default_rng(32))
    forest = RandomForestClassifier(60, random_state=0)
    return _made(OfColumns(forest, names), parts)


def wine() -> Made:
    """Return the wines, answered by logistic regression."""
    data = load_wine()
    names = [str(name) for name in data.feature_names]
    parts = _thirds(data.data, data.target, names, np.random.default_rng(33))
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return _made(OfColumns(model, names), parts)


def digits() -> Made:
    """Return the digits; three of their pixels are always 0, so no linear model weighs them."""
    data = load_digits()
    names = [f"p{place:02d}" for place in range(64)]
    parts = _thirds(data.data, data.target, names, np.random.default_rng(34))
    return _made(OfColumns(LogisticRegression(max_iter=2000), names), parts)


def _made(model: OfColumns, parts: list[list[Example]]) -> Made:
    training, evals, pool = parts
    return Made(model.fit(training), pool, evals)


def _districts(rng: np.random.Generator, rows: int) -> list[Example]:
    made = []
    for _ in range(rows):
        region = str(rng.choice(list(REGIONS), p=[0.4, 0.3, 0.2, 0.1]))
        income = float(np.clip(rng.lognormal(1.2, 0.45), 0.5, 15.0))
        record = {
            "income": round(income, 2),
            "age": int(rng.integers(1, 52)),
            "rooms": round(float(rng.normal(5.4, 1.2)), 1),
            "crowd": round(float(rng.gamma(9.0, 0.33)), 2),
            "region": region,
            "agent": float(rng.normal()),
            "listing": f"L{int(rng.integers(4))}",
            "moon": float(rng.uniform(0, 1)),
        }
        price = 0.45 * income + 0.35 * (record["rooms"] - 5.4) - 0.3 * (record["crowd"] - 3.0)
        price += REGIONS[region] + 0.008 * record["age"] + 0.4 * rng.normal()
        made.append((record, round(float(price), 2)))
    return made


def _thirds(
    table: np.ndarray[Any, Any],
    labels: np.ndarray[Any, Any],
    names: Sequence[str],
    rng: np.random.Generator,
) -> list[list[Example]]:
    order = rng.permutation(len(labels))
    spread = table.std(axis=0) / 10.0
    parts = []
    for place, rows in enumerate((TRAINING, EVALS, POOL)):
        own = order[place::3]
        drawn = own[rng.integers(0, own.size, rows)]
        moved = table[drawn] + rng.normal(size=(rows, table.shape[1])) * spread
        parts.append(
            [
                (dict(zip(names, map(float, row), strict=True)), int(label))
                for row, label in zip(moved, labels[drawn], strict=True)
            ]
        )
    return parts


def _number(value: Any) -> float:
    if value is None or isinstance(value, str):
        return math.nan
    return float(value)
