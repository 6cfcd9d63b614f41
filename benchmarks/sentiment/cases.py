"""The gap measured in process: what ``seatrial gap`` does, without starting a server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from seatrial.describe.describer import describer_for
from seatrial.evidence.recorder import conditions
from seatrial.gap.case import EvalRows, Factors, Fate, GapCase, ProductionRows
from seatrial.models.answers import Answer

Kind = Literal["text", "record"]


def answers_of(model: Any, inputs: Sequence[Any]) -> list[Answer]:
    """Return the answers of anything with ``predict``, as sure as its ``predict_proba`` says."""
    if not inputs:
        return []
    found = [
        value.item() if hasattr(value, "item") else value for value in model.predict(list(inputs))
    ]
    if not hasattr(model, "predict_proba"):
        return [Answer(value) for value in found]
    table, names = model.predict_proba(list(inputs)), [str(name) for name in model.classes_]
    return [
        Answer(value, float(row.max()), dict(zip(names, row.tolist(), strict=True)))
        for value, row in zip(found, table, strict=True)
    ]


class CaseMaker:
    """Makes cases of one model and one eval set: what is the same in all is done once.

    Args:
        model: Anything with ``predict``.
        inputs: Eval inputs.
        labels: Eval labels.
        kind: What one input is.
        metric: How an answer is scored.
    """

    def __init__(
        self,
        model: Any,
        inputs: Sequence[Any],
        labels: Sequence[Any],
        *,
        kind: Kind = "text",
        metric: str = "accuracy",
    ) -> None:
        self._model = model
        self._metric = metric
        self.describer: Factors = describer_for(kind, list(inputs))
        self._eval = EvalRows(
            inputs=list(inputs), labels=list(labels), original=answers_of(model, inputs)
        )

    def case(
        self,
        inputs: Sequence[Any],
        labels: Sequence[Any] | None,
        *,
        seed: int = 0,
        answers: Sequence[Answer] | None = None,
        fate: Sequence[Fate] | None = None,
    ) -> GapCase:
        """Return the case of one production sample.

        Args:
            inputs: Production inputs.
            labels: Their labels, ``None`` where nobody said.
            seed: Seed of the ledger's random choices.
            answers: What the model answers to them, where that is known already.
            fate: What became of each request; default: all were answered.
        """
        return GapCase(
            eval=self._eval,
            production=ProductionRows(
                inputs=list(inputs),
                answers=answers_of(self._model, inputs) if answers is None else answers,
                labels=labels,
                fate=fate,
            ),
            metric=self._metric,
            conditions=conditions("benchmark@0", seed=seed),
            describer=self.describer,
            answer=lambda rows: answers_of(self._model, rows),
            metrics=(),
        )
