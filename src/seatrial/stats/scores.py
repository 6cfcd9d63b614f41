"""The score of one row: how right one answer is, from 0 to 1."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from seatrial.core.errors import DataError, OutputContractError, UnknownNameError, UsageError

ACCURACY = "accuracy"
WITHIN = "within:"
NUMBER = "number"

RowScore: TypeAlias = Callable[[Any, Any], float]
"""``score(answer, label) -> float`` in [0, 1].

A score that lives in another process may also have ``many(pairs) -> list of floats``, which is
then called instead, once for all rows."""


def row_score(metric: str, *, custom: RowScore | None = None) -> RowScore:
    """Return the rule that scores one row.

    Args:
        metric: ``accuracy``, ``within:<tolerance>``, or the name of ``custom``.
        custom: The user's own rule, resolved by the caller from ``module:callable``.

    Raises:
        UnknownNameError: No such metric.
        UsageError: The tolerance is not a number of at least 0.

    >>> row_score("within:0.5")(1.2, 1.0)
    1.0
    >>> row_score("accuracy")("spam", "ham")
    0.0
    """
    if custom is not None:
        return custom
    if metric == ACCURACY:
        return _equal
    if metric.startswith(WITHIN):
        tolerance = _tolerance(metric)
        return lambda answer, label: float(abs(answer - label) <= tolerance)
    raise UnknownNameError.of("metric", metric, [ACCURACY, "within:<tolerance>", "module:callable"])


def row_scores(
    answers: Sequence[Any],
    labels: Sequence[Any],
    *,
    metric: str = ACCURACY,
    custom: RowScore | None = None,
) -> NDArray[np.float64]:
    """Score answers against labels, row by row.

    Args:
        answers: One per row; ``None`` where there is none, which scores 0.
        labels: One per row; ``None`` where there is none, which scores NaN.
        metric: See :func:`row_score`.
        custom: See :func:`row_score`.

    Returns:
        Scores in [0, 1] or NaN, shape (n,).

    Raises:
        OutputContractError: Not as many answers as labels.
        DataError: Answers and labels are of different types, which would score 0 by accident.
        UsageError: The user's rule returned something else than a number from 0 to 1.

    >>> row_scores(["a", None, "b"], ["a", "a", None])
    array([ 1.,  0., nan])
    """
    if len(answers) != len(labels):
        raise OutputContractError(
            f"there are {len(answers)} answers for {len(labels)} labels; accepted is one each."
        )
    rule = row_score(metric, custom=custom)
    if custom is None:
        check_types(answers, labels, numeric=metric.startswith(WITHIN))
    scores = np.array([np.nan if missing(label) else 0.0 for label in labels])
    pairs = list(zip(answers, labels, strict=True))
    judged = [row for row, pair in enumerate(pairs) if not any(map(missing, pair))]
    many = getattr(rule, "many", None)
    given = [pairs[row] for row in judged]
    found = many(given) if many else [rule(answer, label) for answer, label in given]
    scores[judged] = [_checked(score, row) for score, row in zip(found, judged, strict=True)]
    return scores


def missing(value: Any) -> bool:
    """Say whether a label or an answer is absent: ``None`` or NaN.

    >>> missing(float("nan")), missing(0), missing("")
    (True, False, False)
    """
    return value is None or (isinstance(value, float) and math.isnan(value))


def check_types(answers: Sequence[Any], labels: Sequence[Any], *, numeric: bool = False) -> None:
    """Refuse answers and labels that could never be equal because their types differ.

    Whole and broken numbers compare (1 and 1.0); texts, truth values and numbers do not.

    Args:
        answers: One per row.
        labels: One per row.
        numeric: Whether both must be numbers.

    Raises:
        DataError: They differ; the message shows an example of each.
    """
    given, wanted = _families(answers), _families(labels)
    if not given or not wanted:
        return
    if numeric:
        accepted, strangers = "numbers for both", (set(given) | set(wanted)) - {NUMBER}
    else:
        accepted, strangers = "the same type for both", set(wanted) - set(given)
    if strangers:
        raise DataError(
            f"answers are {_shown(answers, given)} and labels are {_shown(labels, wanted)}; "
            f"accepted is {accepted}.",
            hint="Convert the labels, or what the model returns, so that both agree.",
            details={"answers": sorted(given), "labels": sorted(wanted)},
        )


def _families(values: Sequence[Any]) -> Counter[str]:
    return Counter(_family(value) for value in values if not missing(value))


def _family(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "truth value"
    if isinstance(value, (int, float, np.number)):
        return NUMBER
    if isinstance(value, str):
        return "text"
    return type(value).__name__


def _shown(values: Sequence[Any], families: Counter[str]) -> str:
    examples = {_family(value): value for value in reversed(values) if not missing(value)}
    return " and ".join(f"{name} ({examples[name]!r})" for name, _ in families.most_common())


def _equal(answer: Any, label: Any) -> float:
    return float(bool(np.all(answer == label)))


def _tolerance(metric: str) -> float:
    text = metric.removeprefix(WITHIN)
    try:
        tolerance = float(text)
    except ValueError:
        tolerance = math.nan
    if not tolerance >= 0 or math.isinf(tolerance):
        raise UsageError(
            f"the metric is {metric!r}; accepted is within:<a number of at least 0>.",
            hint="For example: within:0.5",
        )
    return tolerance


def _checked(score: Any, row: int) -> float:
    try:
        number = float(score)
    except (TypeError, ValueError):
        number = math.nan
    if not 0.0 <= number <= 1.0:
        raise UsageError(
            f"the metric scored row {row} with {score!r}; accepted is a number from 0 to 1.",
            hint="Scale the score so that 1 is right and 0 is wrong.",
            details={"row": row},
        )
    return number
