"""What is known of production accuracy without a label, and what is not."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Refusal = Literal[
    "few-rows",
    "few-stresses",
    "language",
    "support",
    "collapse",
    "beyond-stress",
    "too-wide",
]
"""Why no number is shown: too few rows; a model that could not be stressed; traffic in languages
it was never scored on; inputs of parts it never saw; answers that are nearly all the same; signs of
a loss larger than any stress made; an interval too wide to be of use."""


class InputShift(Struct, frozen=True, kw_only=True):
    """How well a classifier tells production inputs from eval inputs: 0.5 is not at all."""

    area: float
    low: float
    high: float
    n: int


class Narrowing(Struct, frozen=True, kw_only=True):
    """How many reviewed rows narrow the answer to what: half the width of a 95 % interval."""

    n: int
    points: float


class LabelFree(Struct, frozen=True, kw_only=True):
    """An estimate without labels, or why there is none.

    Attributes:
        shown: Whether a number is shown; else ``refused`` says why not.
        accuracy: Share of answered production rows that are right, as estimated.
        low: Lower end of its interval.
        high: Upper end.
        level: Probability that the interval holds the truth, where production is such a shift as
            the stress families are to each other.
        unknown_share: Share of the rows of which nothing can be known without a label.
        bound_low: Least accuracy, if all of those are wrong.
        bound_high: Most, if all of those are right.
        refused: Why no number is shown; empty where one is.
        why: The same in words, with figures.
        narrowing: What reviews would make of it.
        shift: Whether inputs differ from eval's at all.
        parts: Further estimates by name, for comparison: confidence, agreement, and so on.
        stresses: How many spoilt versions of the eval rows it was learnt from.
        limits: What no label-free estimate can see.
    """

    shown: bool
    accuracy: float | None = None
    low: float | None = None
    high: float | None = None
    level: float = 0.9
    unknown_share: float = 0.0
    bound_low: float = 0.0
    bound_high: float = 1.0
    refused: tuple[Refusal, ...] = ()
    why: str = ""
    narrowing: tuple[Narrowing, ...] = ()
    shift: InputShift | None = None
    parts: dict[str, float] = {}
    stresses: int = 0
    limits: tuple[str, ...] = ()


class Robustness(Struct, frozen=True, kw_only=True):
    """Accuracy on eval rows spoilt by one family of corruptions.

    Attributes:
        family: Its name.
        accuracy: Mean over its corruptions and severities.
        low: Lower end of the interval; rows that were spoilt in several ways count once.
        high: Upper end.
        points: 100 x (spoilt - unspoilt) on the same rows; a loss is negative.
        worst: Id of the corruption that costs most.
        worst_accuracy: Accuracy under it.
        n: Answers that this rests on.
        rows: Eval rows among them.
    """

    family: str
    accuracy: float
    low: float
    high: float
    points: float
    worst: str
    worst_accuracy: float
    n: int
    rows: int
