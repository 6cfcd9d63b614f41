"""Asking the model again, in batches, surviving rows that it cannot answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import inf
from typing import Any

from seatrial.core.clock import TimeBudget
from seatrial.core.errors import ModelError, ServingError
from seatrial.models.answers import Answer

BATCH = 256
"""Rows per call: large enough to be quick, small enough to stop between calls."""

Ask = Callable[[list[Any]], Sequence[Answer]]


class Asker:
    """Asks the model about rows, and remembers how many it asked.

    Args:
        answer: The model, as the serving path runs it.
        budget: How long the model may take in all; what happens between two questions does not
            count, or a busy machine would leave no time to ask anything.
    """

    def __init__(self, answer: Ask, *, budget: TimeBudget | None = None) -> None:
        self._answer = answer
        self._budget = budget
        self._spent_s = 0.0
        self._limit_s = inf if budget is None else budget.seconds
        self.asked = 0
        self.cut = False

    def __call__(self, inputs: Sequence[Any]) -> list[Answer | None]:
        """Return one answer per input, ``None`` where the model failed.

        The list is shorter than ``inputs`` where the time budget ended it.
        """
        found: list[Answer | None] = []
        for start in range(0, len(inputs), BATCH):
            if self._spent_s >= self._limit_s:
                self.cut = True
                break
            found.extend(self._timed(list(inputs[start : start + BATCH])))
        self.asked += len(found)
        return found

    @contextmanager
    def up_to(self, share: float) -> Iterator[None]:
        """Spend no more than this share of the time that is left while the block runs."""
        whole = self._limit_s
        self._limit_s = self._spent_s + share * max(0.0, whole - self._spent_s)
        try:
            yield
        finally:
            self._limit_s = whole

    def _timed(self, inputs: list[Any]) -> list[Answer | None]:
        if self._budget is None:
            return self._batch(inputs)
        begun_s = self._budget.clock.now_s()
        answers = self._batch(inputs)
        self._spent_s += self._budget.clock.now_s() - begun_s
        return answers

    def _batch(self, inputs: list[Any]) -> list[Answer | None]:
        try:
            return list(self._answer(inputs))
        except (ModelError, ServingError):
            if len(inputs) == 1:
                return [None]
        middle = len(inputs) // 2
        return self._batch(inputs[:middle]) + self._batch(inputs[middle:])
