"""What a tensor of scores says: class, confidence, score by class.

Used wherever a runtime returns bare tensors (ONNX files, OIP endpoints). Each row is read by
itself, so that it is read the same alone and in company.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from seatrial.core.errors import OutputContractError

SUM_SLACK: Final = 1e-3
"""How far probabilities may sum from 1: float16 and int8 models are this coarse."""


def classified(
    scores: np.ndarray,
    *,
    labels: Sequence[Any] | None = None,
    classes: Sequence[Any] | None = None,
    single_is_probability: bool = True,
) -> list[Any]:
    """Return classification answers from one row of scores per input.

    A row is a distribution where it is non-negative and sums to 1; otherwise it holds logits, and
    the confidence is its softmax. Where the model also gave labels and the row is no distribution
    (a support vector machine's distances), there is no confidence.

    Args:
        scores: Shape ``(rows, classes)``; one column or a vector is the positive class of two.
        labels: The model's own choice per row, where it gave one.
        classes: Name per column; default: the column's index, or nothing where labels are given.
        single_is_probability: Whether a single column holds probabilities rather than logits.

    Raises:
        OutputContractError: Not one name per column, or more than two dimensions.

    >>> classified(np.array([[0.2, 0.8]]), classes=["no", "yes"])
    [{'output': 'yes', 'scores': {'no': 0.2, 'yes': 0.8}, 'confidence': 0.8}]
    >>> classified(np.array([[0.0, 0.0, 9.0]]))[0]["output"]
    2
    """
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim == 1:
        table = table[:, None]
    if table.ndim != 2:  # noqa: PLR2004
        raise OutputContractError(
            f"the scores have the shape {np.shape(scores)}; accepted is (rows, classes).",
            hint='Set [model] task to "regression" if these are not scores of classes.',
        )
    if table.shape[1] == 1:
        positive = table if single_is_probability else _sigmoid(table)
        table = np.hstack([1.0 - positive, positive])
    width = table.shape[1]
    if classes is not None and len(classes) != width:
        raise OutputContractError(
            f"the model scores {width} classes, {len(classes)} are named: {list(classes)}.",
            hint="Name the classes in the order of the model's outputs.",
        )
    names = list(range(width)) if classes is None and labels is None else classes
    chosen = None if labels is None else list(labels)
    return [
        _answer(row, names=names, label=None if chosen is None else (chosen[index],))
        for index, row in enumerate(table)
    ]


def bare(values: np.ndarray) -> list[Any]:
    """Return one plain value per row; a single column is a value, not a list of one."""
    table = np.asarray(values)
    if table.ndim == 2 and table.shape[1] == 1:  # noqa: PLR2004
        table = table[:, 0]
    listed: list[Any] = table.tolist()
    return listed


def _answer(
    row: np.ndarray, *, names: Sequence[Any] | None, label: tuple[Any] | None
) -> dict[str, Any]:
    distribution = is_distribution(row)
    shares = row if distribution or label is not None else _softmax(row)
    best = int(np.argmax(shares))
    answer: dict[str, Any] = {"output": label[0] if label is not None else names[best]}  # type: ignore[index]  # names is None only where a label was given
    if names is not None:
        answer["scores"] = {str(name): float(s) for name, s in zip(names, shares, strict=True)}
    if label is None or distribution:
        answer["confidence"] = float(shares[best])
        if names is not None and label is not None and label[0] in names:
            answer["confidence"] = float(shares[list(names).index(label[0])])
    elif not np.all(np.isfinite(row)):
        answer["confidence"] = float("nan")  # so that the contract check names the row
    return answer


def is_distribution(row: np.ndarray) -> bool:
    """Say whether a row is non-negative and sums to 1."""
    return bool(np.all(row >= 0.0) and abs(float(row.sum()) - 1.0) <= SUM_SLACK)


def _softmax(row: np.ndarray) -> np.ndarray:
    raised = np.exp(row - row.max())
    shares: np.ndarray = raised / raised.sum()
    return shares


def _sigmoid(values: np.ndarray) -> np.ndarray:
    from scipy.special import expit

    shares: np.ndarray = expit(values)
    return shares
