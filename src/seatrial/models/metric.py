"""The user's own per-row score (``eval.metric = "module:callable"``) with the face of a subject.

It is user code, so it runs where the model runs: in a process of its own. An input is a pair of
answer and label, an answer is the score.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from seatrial.core.errors import ModelLoadError, ModelRaisedError, SeatrialError
from seatrial.models.answers import Answer
from seatrial.models.python import named
from seatrial.models.subject import Batch, Subject, Trace

METRIC: Final = "eval.metric"
"""Stands where an adapter's name stands; no key of ``[model]`` can be written like this."""


def open_metric(location: str, *, folder: Path) -> MetricSubject:
    """Import ``module:callable`` from ``folder``.

    Raises:
        ModelLoadError: No such module or attribute, importing it raised, or it is not callable.
    """
    rule = named(location, folder=folder, setting=METRIC)
    if not callable(rule):
        raise ModelLoadError(
            f"{location} is {type(rule).__name__}; accepted is a function of an answer and a "
            "label that returns a number from 0 to 1.",
            hint='For example: metric = "metric:score" for the function score in metric.py.',
        )
    return MetricSubject(rule)


class MetricSubject:
    """Scores pairs of answer and label.

    Args:
        rule: ``rule(answer, label)``, from 0 to 1; whoever asks checks that it is.

    >>> MetricSubject(lambda answer, label: answer == label).answer([(1, 1)]).answers[0].output
    True
    """

    takes_batches = True
    visible = False

    def __init__(self, rule: Any) -> None:
        self._rule = rule

    def answer(self, inputs: list[Any]) -> Batch:
        """Score a list of pairs.

        Raises:
            ModelRaisedError: The user's code raised; says for which pair.
        """
        started = time.perf_counter()
        scores = [Answer(self._score(answer, label)) for answer, label in inputs]
        return Batch(scores, time.perf_counter() - started)

    def trace(self, inputs: list[Any]) -> Trace | None:  # noqa: ARG002  (nothing is shown)
        """Return ``None``: a metric is not looked into."""
        return None

    def size(self, value: Any) -> int:  # noqa: ARG002  (every pair costs the same)
        """Return 1."""
        return 1

    def variants(self) -> Mapping[str, Subject]:
        """Return nothing."""
        return {}

    def close(self) -> None:
        """Nothing to do."""

    def _score(self, answer: Any, label: Any) -> Any:
        try:
            return self._rule(answer, label)
        except SeatrialError:
            raise
        except Exception as error:
            raise ModelRaisedError(
                f"the metric raised {type(error).__name__}: {error}, for the answer {answer!r} "
                f"and the label {label!r}",
                hint="Call it with these two in a notebook.",
                details={"raised": type(error).__name__},
            ) from error
