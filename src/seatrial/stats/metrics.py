"""Metrics of a whole set of answers (F1, AUC, errors), each with a bootstrap interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.core.errors import UnknownNameError
from seatrial.stats.intervals import LEVEL
from seatrial.stats.resampling import percentile_interval, resampled_weights
from seatrial.stats.scores import missing

REPLICATES = 200
"""Resamples of a metric; each takes up to milliseconds."""

CLASSIFICATION = ("f1", "precision", "recall", "auc")
REGRESSION = ("mae", "rmse")

TWO = 2
"""Classes of a binary problem, where one curve says it all."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class MetricValue:
    """One metric with its interval."""

    name: str
    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Answers:
    """Answers beside labels, all of shape (n,), as the metrics read them.

    Attributes:
        outputs: One per row; ``None`` where there is none.
        labels: One per row; rows without one are left out of every metric.
        scores: Per row, class -> number, where the model gives them; for AUC.
        weights: Inverse inclusion probabilities; ``None`` for equal ones.
    """

    outputs: Sequence[Any]
    labels: Sequence[Any]
    scores: Sequence[dict[str, float] | None] | None = None
    weights: Floats | None = None


def measure_metrics(
    names: Sequence[str],
    answers: Answers,
    *,
    rng: np.random.Generator,
    replicates: int = REPLICATES,
    level: float = LEVEL,
) -> list[MetricValue]:
    """Compute metrics as scikit-learn defines them; those that do not apply are left out.

    F1, precision and recall are macro means over the classes among the labels; a row without an
    answer counts as a miss of its class. AUC is one class
    against the other, or the macro mean of one against the rest. ``mae`` and ``rmse`` are in the
    unit of the label; rows without an answer are left out of these and of AUC.

    Args:
        names: Among :data:`CLASSIFICATION` and :data:`REGRESSION`.
        answers: What was answered and what is right.
        rng: Source of the resamples.
        replicates: How many resamples.
        level: Probability that an interval covers the truth.

    Raises:
        UnknownNameError: No such metric.

    >>> good = Answers(outputs=[1.0, 2.0, 4.0], labels=[1.0, 2.0, 3.0])
    >>> [round(m.value, 4) for m in measure_metrics(["mae"], good, rng=np.random.default_rng(0))]
    [0.3333]
    """
    known = (*CLASSIFICATION, *REGRESSION)
    for name in names:
        if name not in known:
            raise UnknownNameError.of("metric", name, known)
    found = []
    for name in names:
        prepared = _prepare(name, answers)
        if prepared is None:
            continue
        compute, weights = prepared
        draws = [
            compute(weights * drawn)
            for drawn in resampled_weights(weights.size, rng=rng, replicates=replicates)
        ]
        value = compute(weights)
        ends = percentile_interval([*draws, value], level=level)
        low, high = min(ends.low, value), max(ends.high, value)
        found.append(MetricValue(name, value, low, high, weights.size))
    return found


def _prepare(name: str, answers: Answers) -> tuple[Callable[[Floats], float], Floats] | None:
    """Return a function of row weights, and the weights; ``None`` where it does not apply."""
    keep = np.array([not missing(label) for label in answers.labels], dtype=bool)
    if name in REGRESSION or name == "auc":
        keep &= np.array([not missing(output) for output in answers.outputs], dtype=bool)
    rows = np.flatnonzero(keep)
    if not rows.size:
        return None
    weights = np.ones(rows.size) if answers.weights is None else answers.weights[rows]
    if name in REGRESSION:
        compute = _error(name, answers, rows)
    elif name == "auc":
        compute = _auc(answers, rows)
    else:
        compute = _by_class(name, answers, rows)
    return None if compute is None else (compute, weights)


def _error(name: str, answers: Answers, rows: NDArray[np.intp]) -> Callable[[Floats], float] | None:
    try:
        true = np.array([float(answers.labels[row]) for row in rows])
        given = np.array([float(answers.outputs[row]) for row in rows])
    except (TypeError, ValueError):
        return None
    off = np.abs(given - true)
    if name == "mae":
        return lambda weights: float(weights @ off / weights.sum())
    return lambda weights: float(np.sqrt(weights @ np.square(off) / weights.sum()))


def _by_class(name: str, answers: Answers, rows: NDArray[np.intp]) -> Callable[[Floats], float]:
    classes = sorted({_key(answers.labels[row]) for row in rows})
    index = {key: position for position, key in enumerate(classes)}
    count = len(classes)
    true = np.array([index[_key(answers.labels[row])] for row in rows])
    given = np.array([index.get(_key(answers.outputs[row]), count) for row in rows])
    cell = true * (count + 1) + given

    def compute(weights: Floats) -> float:
        table = np.bincount(cell, weights, minlength=count * (count + 1)).reshape(count, -1)
        right = np.diag(table)
        wanted, said = table.sum(axis=1), table[:, :count].sum(axis=0)
        whole = {"recall": wanted, "precision": said, "f1": (wanted + said) / 2.0}[name]
        return float(np.mean(np.divide(right, whole, out=np.zeros(count), where=whole > 0)))

    return compute


def _auc(answers: Answers, rows: NDArray[np.intp]) -> Callable[[Floats], float] | None:
    if answers.scores is None:
        return None
    given = [answers.scores[row] for row in rows]
    true = np.array([_key(answers.labels[row]) for row in rows])
    classes = sorted(set(true))
    if len(classes) < TWO or any(s is None or not set(classes) <= set(s) for s in given):
        return None
    table = np.array([[s[c] for c in classes] for s in given if s is not None])
    wanted = range(1, 2) if len(classes) == TWO else range(len(classes))

    def compute(weights: Floats) -> float:
        return float(
            np.mean([_one_against_rest(true == classes[c], table[:, c], weights) for c in wanted])
        )

    return compute


def _one_against_rest(positive: NDArray[np.bool_], score: Floats, weights: Floats) -> float:
    from sklearn.metrics import roc_auc_score

    if weights[positive].sum() == 0 or weights[~positive].sum() == 0:
        return float("nan")
    return float(roc_auc_score(positive, score, sample_weight=weights))


def _key(value: Any) -> str:
    """Return a class's name as it stands in ``scores``; 1 and 1.0 are one class."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)
