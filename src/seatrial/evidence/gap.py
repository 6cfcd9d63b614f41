"""The gap document: eval accuracy minus what users get, and the steps between them."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from seatrial.evidence.closing import Closing
from seatrial.evidence.confidence import Confidence
from seatrial.evidence.labelfree import LabelFree, Robustness
from seatrial.evidence.machine import Machine
from seatrial.evidence.patterns import Patterns
from seatrial.evidence.reviews import Reviews
from seatrial.evidence.risks import Risk

State = Literal["measured", "estimated", "unknown"]
StepKind = Literal["causal", "association", "remainder"]


class Estimate(Struct, frozen=True, kw_only=True):
    """An accuracy (a fraction) with its interval and how many rows it rests on."""

    accuracy: float
    low: float
    high: float
    n: int
    method: str = ""


class Production(Struct, frozen=True, kw_only=True):
    """Correct of *all* production requests; numbers are ``None`` where ``state`` is unknown."""

    state: State
    accuracy: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    rows: int = 0
    method: str = ""
    why: str = ""


class Step(Struct, frozen=True, kw_only=True):
    """One row of the ledger; points = 100 x (after - before), a loss is negative."""

    id: str
    points: float
    low: float | None
    high: float | None
    kind: StepKind
    why: str = ""
    n: int | None = None


class Unknown(Struct, frozen=True, kw_only=True):
    """A factor of which nothing was measured; what it cost is part of the remainder."""

    id: str
    why: str


class Slice(Struct, frozen=True, kw_only=True):
    """Accuracy of the production rows that share one value of one column."""

    by: str
    value: str
    share: float
    accuracy: float
    low: float
    high: float
    n: int


class Metric(Struct, frozen=True, kw_only=True):
    """A further metric, on eval or production rows."""

    name: str
    on: Literal["eval", "production"]
    value: float
    low: float
    high: float
    n: int


class Answered(Struct, frozen=True, kw_only=True):
    """The pair that must stand together: share answered, and correct of all."""

    share: float
    accuracy: float | None
    correct_of_all: float | None


class GapDocument(Struct, frozen=True, kw_only=True):
    """What ``seatrial gap --json`` prints."""

    metric: str
    release: str
    machine: Machine
    started: str
    duration_s: float
    seed: int
    eval: Estimate
    served: Estimate | None
    production: Production
    steps: tuple[Step, ...] | None
    unknown: tuple[Unknown, ...] = ()
    slices: tuple[Slice, ...] = ()
    answered: Answered | None = None
    metrics: tuple[Metric, ...] = ()
    criticisms: tuple[str, ...] = ()
    confidence: Confidence | None = None
    closing: Closing | None = None
    patterns: Patterns | None = None
    risks: tuple[Risk, ...] = ()
    reviews: Reviews | None = None
    estimate: LabelFree | None = None
    robustness: tuple[Robustness, ...] = ()

    @property
    def drop_points(self) -> float | None:
        """100 x (production - eval); ``None`` where production is unknown."""
        if self.production.accuracy is None:
            return None
        return 100.0 * (self.production.accuracy - self.eval.accuracy)
