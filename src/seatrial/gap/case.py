"""What the gap is measured from: labelled eval rows, production rows, and a model to ask again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from seatrial.core.clock import TimeBudget
from seatrial.core.errors import DataError
from seatrial.core.settings import InputKind, Task
from seatrial.evidence.recorder import Conditions
from seatrial.models.answers import Answer
from seatrial.stats.scores import ACCURACY, RowScore

Fate = Literal["answered", "abstained", "failed"]
FATES: tuple[Fate, ...] = ("answered", "abstained", "failed")
"""What became of a request; the place in this tuple is the code used in arrays."""

RESCORED_ROWS = 60_000
"""Most rows the model is asked again: seconds for a small model, a minute for a slow one."""

Answers = Sequence[Answer | None]


class Factors(Protocol):
    """The part of a describer that the gap needs; see :mod:`seatrial.describe.describer`."""

    def describe(self, inputs: Sequence[Any]) -> Mapping[str, NDArray[Any]]:
        """Return descriptors, one array of shape (n,) each."""
        ...

    def factors(self, inputs: Sequence[Any]) -> Mapping[str, NDArray[np.float64]]:
        """Return the intensity in [0, 1] of each ledger factor, shape (n,) each."""
        ...

    def repair(self, factor: str, inputs: Sequence[Any]) -> list[Any] | None:
        """Return the inputs with one factor undone; ``None`` where it cannot be."""
        ...


@dataclass(frozen=True)
class EvalRows:
    """Labelled rows chosen by us, and what the model answered to them.

    Attributes:
        inputs: What was asked.
        labels: What is right; every row has one.
        original: Answers of the model as it was built.
        variant: Answers of the variant that is served, in process; ``None``: the original itself.
        served: Answers to the same rows over HTTP; ``None``: not measured.
        served_fate: What became of each served row; ``None``: all were answered.
    """

    inputs: Sequence[Any]
    labels: Sequence[Any]
    original: Answers
    variant: Answers | None = None
    served: Answers | None = None
    served_fate: Sequence[Fate] | None = None


@dataclass(frozen=True)
class ProductionRows:
    """Requests as users sent them, whatever became of them.

    Attributes:
        inputs: What was asked.
        answers: What the serving path answered; ``None`` where it did not. An abstained row may
            carry the answer that was withheld.
        labels: What is right; ``None`` entries where nobody said, ``None`` altogether for none.
        fate: What became of each request; ``None``: all were answered.
        probabilities: With which probability each row came into the labelled sample; ``None``: all
            alike.
        columns: Further columns to report by.
    """

    inputs: Sequence[Any]
    answers: Answers
    labels: Sequence[Any] | None = None
    fate: Sequence[Fate] | None = None
    probabilities: Sequence[float] | None = None
    columns: Mapping[str, Sequence[Any]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class GapCase:
    """Everything :func:`seatrial.gap.gap.measure_gap` looks at.

    Attributes:
        eval: Labelled eval rows.
        production: Production rows; ``None`` where there are none.
        conditions: Release, machine, seed and clock.
        metric: ``accuracy``, ``within:<tolerance>``, or the name of ``score``.
        score: The user's own per-row score, resolved from ``module:callable``.
        task: Decides which further metrics are reported.
        describer: Fitted on the eval inputs; ``None``: no factor can be told apart.
        answer: Asks the serving model again, for rows with a factor undone; ``None``: it cannot
            be asked, and every factor is an association.
        kind: What one input is; ``None``: nothing is estimated without labels.
        metrics: Further metrics; ``None``: those that suit the task.
        rescored_rows: Most rows asked again.
        budget: Ends asking again early; the document then says so.
        alternatives: Other models that could be served, by name; each is tried as a remedy.
        promise_accuracy: Accuracy that is to be promised of what is answered.
        promise_certainty: Chance that this promise holds.
    """

    eval: EvalRows
    production: ProductionRows | None
    conditions: Conditions
    metric: str = ACCURACY
    score: RowScore | None = None
    task: Task = "classification"
    describer: Factors | None = None
    answer: Callable[[list[Any]], Sequence[Answer]] | None = None
    kind: InputKind | None = None
    metrics: Sequence[str] | None = None
    rescored_rows: int = RESCORED_ROWS
    budget: TimeBudget | None = None
    alternatives: Mapping[str, Callable[[list[Any]], Sequence[Answer]]] = field(
        default_factory=dict
    )
    promise_accuracy: float = 0.8
    promise_certainty: float = 0.9

    def __post_init__(self) -> None:
        """Refuse rows that do not belong together.

        Raises:
            DataError: The eval set is empty, or lists differ in length.
        """
        rows = len(self.eval.inputs)
        if not rows:
            raise DataError(
                "the eval set holds 0 rows; accepted is at least 1.",
                hint="Point [eval] data at a file with labelled rows.",
            )
        _same_length("eval", rows, self.eval, ("labels", "original", "variant", "served"))
        if self.production is not None:
            fields = ("answers", "labels", "fate", "probabilities")
            asked = len(self.production.inputs)
            _same_length("production", asked, self.production, fields)
            for name, column in self.production.columns.items():
                _length(f"production column {name!r}", len(column), asked)


def outputs(answers: Answers) -> list[Any]:
    """Return the bare outputs; ``None`` where there was no answer.

    >>> outputs([Answer("a"), None])
    ['a', None]
    """
    return [None if answer is None else answer.output for answer in answers]


def fate_codes(fate: Sequence[Fate] | None, n: int) -> NDArray[np.int64]:
    """Return the place of each fate in :data:`FATES`; all answered where none are given.

    Raises:
        DataError: A fate is none of the known ones.
    """
    if fate is None:
        return np.zeros(n, dtype=np.int64)
    unknown = set(fate) - set(FATES)
    if unknown:
        raise DataError(
            f"a request's fate is {sorted(unknown)[0]!r}; accepted are {', '.join(FATES)}."
        )
    return np.array([FATES.index(one) for one in fate], dtype=np.int64)


def _same_length(what: str, rows: int, group: object, names: Sequence[str]) -> None:
    for name in names:
        values = getattr(group, name)
        if values is not None:
            _length(f"{what} {name}", len(values), rows)


def _length(what: str, received: int, rows: int) -> None:
    if received != rows:
        raise DataError(
            f"{what}: received {received} values for {rows} inputs; accepted is one per input."
        )
