"""The gap measured in process: what ``seatrial gap`` does, without starting a server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from seatrial.describe.describer import describer_for
from seatrial.evidence.recorder import conditions
from seatrial.gap.case import EvalRows, Factors, GapCase, ProductionRows
from seatrial.models.answers import Answer

Kind = Literal["text", "record"]


def answers_of(model: Any, inputs: Sequence[Any]) -> list[Answer]:
    """Return the bare answers of anything with ``predict``."""
    if not inputs:
        return []
    found = model.predict(list(inputs))
    return [Answer(value.item() if hasattr(value, "item") else value) for value in found]


class CaseMaker:
    """Makes cases of one model and one eval set: what is the same in all is done once.

    Args:
        model: Anything with ``predict``.
        inputs: Eval inputs.
        labels: Eval labels.
        kind: What one input is.
    """

    def __init__(
        self, model: Any, inputs: Sequence[Any], labels: Sequence[Any], *, kind: Kind = "text"
    ) -> None:
        self._model = model
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
    ) -> GapCase:
        """Return the case of one production sample.

        Args:
            inputs: Production inputs.
            labels: Their labels, ``None`` where nobody said.
            seed: Seed of the ledger's random choices.
            answers: What the model answers to them, where that is known already.
        """
        return GapCase(
            eval=self._eval,
            production=ProductionRows(
                inputs=list(inputs),
                answers=answers_of(self._model, inputs) if answers is None else answers,
                labels=labels,
            ),
            conditions=conditions("benchmark@0", seed=seed),
            describer=self.describer,
            answer=lambda rows: answers_of(self._model, rows),
            metrics=(),
        )
