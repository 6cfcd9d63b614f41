"""When two answers count as the same: labels exactly, numbers up to the noise of arithmetic.

The order in which a matrix product adds up changes with the number of rows, so that the last bits
of a healthy float32 model change too. Higham (2002, *Accuracy and Stability of Numerical
Algorithms*, section 3.1) bounds the relative error of a sum of k terms by k times the unit
roundoff, 6e-8 for float32; ``RELATIVE`` leaves room for about a thousand terms.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from seatrial.models.answers import Answer

RELATIVE = 1e-4
"""Tolerance for float32 and float64, relative to the answer and to the typical answer."""

ROUNDING_UNITS = 8.0
"""Tolerance for answers of 16 bits, in units of their last place."""

HALF_EPSILON, BRAIN_EPSILON = 2.0**-10, 2.0**-7
HALF_MAX = 65504.0
LOW_BITS = np.uint32(0xFFFF)
"""Bits of a float32 that a bfloat16 lacks."""

SINGLE_EPSILON = 2.0**-22
"""Error of a rounded float32, such as 2.0999999 for 2.1, relative to it."""

FINE_MIN = 3
"""Distinct fractions needed before a set of answers shows its precision."""

COARSEST, FINEST = 0, 3
"""Decimals at which rounded answers are looked for; finer rounding is below the tolerance."""

TIE = 0.5 + 1e-3
"""Above this confidence no other class can be level."""


class Difference(NamedTuple):
    """How far two answers lie apart: in tolerances (more than 1: changed) and absolutely."""

    tolerances: float
    absolute: float

    @property
    def changed(self) -> bool:
        """Whether the difference is more than arithmetic."""
        return self.tolerances > 1.0


SAME = Difference(0.0, 0.0)
OTHER = Difference(math.inf, 1.0)


class Ruler:
    """Measures differences between answers of one model.

    Args:
        answers: Answers of that model, from which precision and scale are read.

    >>> ruler = Ruler([Answer(1.25001), Answer(2.5)])
    >>> ruler.difference(Answer(2.5), Answer(2.5000001)).changed
    False
    >>> ruler.difference(Answer("a"), Answer("b")).changed
    True
    """

    def __init__(self, answers: Sequence[Answer]) -> None:
        outputs = [list(_numbers(answer.output)) for answer in answers]
        scores = [list(_numbers([answer.confidence, answer.scores])) for answer in answers]
        every = [value for values in (*outputs, *scores) for value in values]
        self.relative = _precision(every)
        self.graded = bool(every) and not _rounded(every)
        """Whether small changes show; labels and rounded numbers jump instead."""
        self._output_scale = _scale(outputs)
        self._score_scale = _scale(scores)

    def difference(self, first: Answer, second: Answer) -> Difference:
        """Return how far two answers to the same input lie apart."""
        output = self._between(first.output, second.output, self._output_scale)
        scores = self._between(
            [first.confidence, first.scores],
            [second.confidence, second.scores],
            self._score_scale,
        )
        if math.isinf(output.tolerances) and not scores.changed and self._level(first, second):
            return scores
        return max(output, scores)

    def _level(self, first: Answer, second: Answer) -> bool:
        """Whether another label can come from two classes whose scores are level."""
        if first.scores and second.scores:
            best, *others = sorted(_numbers(first.scores), reverse=True)
            return bool(others) and best - others[0] <= 2.0 * self.relative * (
                self._score_scale + abs(best)
            )
        if first.confidence is None or second.confidence is None:
            return False
        return max(first.confidence, second.confidence) <= TIE

    def _between(self, first: Any, second: Any, scale: float) -> Difference:
        if isinstance(first, float) and isinstance(second, (int, float)):
            return self._numbers(first, float(second), scale)
        if isinstance(first, Mapping) and isinstance(second, Mapping):
            if first.keys() != second.keys():
                return OTHER
            return self._all([first[key] for key in first], [second[key] for key in first], scale)
        if isinstance(first, list) and isinstance(second, list):
            return self._all(first, second, scale)
        return SAME if first == second else OTHER

    def _all(self, first: list[Any], second: list[Any], scale: float) -> Difference:
        if len(first) != len(second):
            return OTHER
        pairs = zip(first, second, strict=True)
        return max((self._between(a, b, scale) for a, b in pairs), default=SAME)

    def _numbers(self, first: float, second: float, scale: float) -> Difference:
        absolute = abs(first - second)
        if absolute == 0.0:
            return SAME
        allowed = self.relative * (scale + max(abs(first), abs(second)))
        return Difference(absolute / allowed, absolute)


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _numbers(item)
    elif isinstance(value, list):
        for item in value:
            yield from _numbers(item)


def _scale(answers: list[list[float]]) -> float:
    largest = [max(abs(value) for value in values) for values in answers if values]
    return float(np.median(largest)) if largest else 0.0


def _precision(values: list[float]) -> float:
    """Return the relative tolerance: wider where every answer fits into 16 bits."""
    array = np.asarray(values, dtype=np.float64)
    fine = np.unique(array[np.abs(array * 8 - np.round(array * 8)) > 0])
    if len(fine) < FINE_MIN:
        return RELATIVE
    single = fine.astype(np.float32)
    exact = np.array_equal(single.astype(np.float64), fine)
    if exact and not (single.view(np.uint32) & LOW_BITS).any():
        return ROUNDING_UNITS * BRAIN_EPSILON
    if np.abs(fine).max() < HALF_MAX and np.array_equal(fine.astype(np.float16), fine):
        return ROUNDING_UNITS * HALF_EPSILON
    return RELATIVE


def _rounded(values: list[float]) -> bool:
    array = np.asarray(values, dtype=np.float64)
    for decimals in range(COARSEST, FINEST + 1):
        scaled = array * 10.0**decimals
        if np.all(np.abs(scaled - np.round(scaled)) <= SINGLE_EPSILON * np.abs(scaled)):
            return True
    return False
