"""What can be seen of a model's answers without a label: its confidence, and who agrees."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from seatrial.gap.case import Answers
from seatrial.gap.labelfree.agreement import agreements
from seatrial.gap.labelfree.pool import UNKNOWN, Votes

Floats = NDArray[np.float64]

LOGIT_MAX = 6.0
"""Furthest that a logit is believed: a confidence of 0.9975."""


PARTS_MAX = 12.0
"""Known words from which more of them no longer make an answer surer."""


class Labels:
    """Eval labels as codes, so that answers can be compared in arrays.

    Args:
        labels: Those of the eval rows.
        classes: Whether they are classes; else they are numbers.
    """

    def __init__(self, labels: Sequence[Any], *, classes: bool) -> None:
        self.values = list(dict.fromkeys(labels)) if classes else []
        self._codes = {label: code for code, label in enumerate(self.values)}

    def codes(self, values: Sequence[Any]) -> Floats:
        """Return codes, or the numbers themselves; what is no label is :data:`UNKNOWN`."""
        if self.values:
            return np.array([self._code(value) for value in values], dtype=float)
        return np.array([np.nan if value is None else float(value) for value in values])

    def _code(self, value: Any) -> int:
        # A list or a mapping is no label, and asking for it would be an error.
        return self._codes.get(value, UNKNOWN) if isinstance(value, Hashable) else UNKNOWN


@dataclass(frozen=True)
class Signals:
    """Label-free signals of some rows.

    Attributes:
        given: Codes of the model's answers, shape (n,).
        confidence: Its confidence, shape (n,); NaN where it gives none.
        rows: What is told of each row, shape (n, signals); finite.
        agreement: How often each two of the models agree, the model itself last.
        shares: Share of each label among the answers; empty for regression.
        support: Mean share of a row that the pool has seen.
    """

    given: Floats
    confidence: Floats
    rows: Floats
    agreement: Floats
    shares: Floats
    support: float


def confidences(answers: Answers) -> Floats:
    """Return confidences, shape (n,); NaN where none was given.

    A model that gives scores without a confidence is as confident as its highest score.
    """
    return np.array([_confidence(one) for one in answers], dtype=float)


def _confidence(answer: Any) -> float:
    if answer is None:
        return float("nan")
    if answer.confidence is not None:
        return float(answer.confidence)
    return max(answer.scores.values()) if answer.scores else float("nan")


def logit(share: Any) -> Any:
    """Return log odds, within :data:`LOGIT_MAX`."""
    edge = special.expit(-LOGIT_MAX)
    return special.logit(np.clip(share, edge, 1.0 - edge))


def signals(
    given: Floats, confidence: Floats, votes: Votes, *, tolerance: float | None = None
) -> Signals:
    """Return the signals of some rows.

    Args:
        given: Codes of the model's answers, shape (n,).
        confidence: Shape (n,).
        votes: The pool's.
        tolerance: How far numbers may differ and still agree; ``None``: classes.
    """
    alike = np.abs(votes.answers - given[:, None]) <= (tolerance or 0.0)
    sure = logit(confidence)
    columns = [np.nan_to_num(sure), logit((0.5 + alike.sum(axis=1)) / (1 + alike.shape[1]))]
    shares = np.empty(0)
    if votes.chances.size:
        rows, codes = np.arange(given.size), given.astype(int)
        chance = np.where(codes >= 0, votes.chances[rows, np.maximum(codes, 0)], 0.0)
        columns += [logit(chance), logit(votes.chances.max(axis=1))]
        counts = np.bincount(codes + 1, minlength=votes.chances.shape[1] + 1)
        shares = counts / max(1, given.size)
    columns += [votes.support, np.log1p(np.minimum(votes.parts, PARTS_MAX))]
    everybody = np.column_stack([votes.answers, given])
    return Signals(
        given=given,
        confidence=confidence,
        rows=np.column_stack(columns),
        agreement=agreements(everybody, tolerance=tolerance),
        shares=shares,
        support=float(votes.support.mean()),
    )
