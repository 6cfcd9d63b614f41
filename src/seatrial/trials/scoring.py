"""The user's own per-row score, asked from a process of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from seatrial.core.closing import Closing
from seatrial.core.settings import Settings
from seatrial.models.metric import METRIC
from seatrial.models.process import ModelProcess
from seatrial.stats.scores import ACCURACY, WITHIN

PAIRS = 256
"""Pairs in one exchange: enough that the exchange costs nothing, few enough for its time limit."""


def is_custom(metric: str) -> bool:
    """Say whether a metric is code of the user's own.

    >>> is_custom("metric:score"), is_custom("within:0.5"), is_custom("accuracy")
    (True, False, False)
    """
    return metric != ACCURACY and not metric.startswith(WITHIN) and ":" in metric


class CustomScore(Closing):
    """``score(answer, label)``, by a process that is started at once and ended by :meth:`close`.

    Args:
        settings: ``[eval] metric`` says ``module:callable``.
        folder: Where the module lies.

    Raises:
        ModelLoadError: There is no such function.
    """

    def __init__(self, settings: Settings, folder: Path) -> None:
        place = msgspec.structs.replace(
            settings.model, adapter=METRIC, location=settings.eval.metric
        )
        self._process = ModelProcess(
            folder, settings=msgspec.structs.replace(settings, model=place)
        )

    def __call__(self, answer: Any, label: Any) -> Any:
        """Score one pair."""
        return self.many([(answer, label)])[0]

    def many(self, pairs: Sequence[tuple[Any, Any]]) -> list[Any]:
        """Score many pairs.

        Raises:
            ModelRaisedError: The user's code raised.
        """
        scores: list[Any] = []
        for start in range(0, len(pairs), PAIRS):
            batch = self._process.answer([list(pair) for pair in pairs[start : start + PAIRS]])
            scores += [answer.output for answer in batch.answers]
        return scores

    def close(self) -> None:
        """End the process."""
        self._process.close()
