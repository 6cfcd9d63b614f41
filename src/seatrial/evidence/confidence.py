"""Confidence: whether it is true, and from where on answers may be promised to be right."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

PromiseState = Literal["made", "none", "kept", "broken", "open", "withdrawn"]
"""On eval a promise is ``made`` or there is ``none``. Held against reviews it is ``kept``,
``broken`` or still ``open``. From reviews it is ``made`` anew, or ``withdrawn``."""


class Promise(Struct, frozen=True, kw_only=True):
    """A threshold, what is promised of the answers above it, and what it gives.

    Attributes:
        on: Whose labels it rests on.
        by: What the threshold is one of.
        state: See :data:`PromiseState`.
        threshold: Answers below it are withheld; ``None`` where none can be promised.
        share: Share of all requests answered with it.
        accuracy: Of those answered.
        low: Lower end of its interval.
        high: Upper end.
        bound: What the accuracy surely is at least, at the certainty of the promise.
        correct_of_all: Answered and right, of all requests.
        n: Labelled rows at or above the threshold.
        rows: Labelled rows in all.
        wanted: Labels that would support the promise, about; ``None``: not needed, or not known.
        why: In a sentence.
    """

    on: Literal["eval", "production"]
    by: Literal["confidence", "correctness"]
    state: PromiseState
    threshold: float | None = None
    share: float | None = None
    accuracy: float | None = None
    low: float | None = None
    high: float | None = None
    bound: float | None = None
    correct_of_all: float | None = None
    n: int = 0
    rows: int = 0
    wanted: int | None = None
    why: str = ""


class Error(Struct, frozen=True, kw_only=True):
    """An expected calibration error, with what noise alone would show."""

    value: float
    low: float
    high: float
    floor: float


class Mending(Struct, frozen=True, kw_only=True):
    """Calibration on one set of rows, before and after the map that suits it best.

    Attributes:
        on: Which rows.
        n: How many of them have a confidence and a label.
        before: Calibration error of confidence as said.
        after: The same of mended confidence, on rows that the map was not fitted on.
        excess: Mean confidence minus accuracy: above 0, the model is too sure of itself.
        excess_low: Lower end of its interval.
        excess_high: Upper end.
        method: The map, ``none`` where no map surely helps.
        temperature: Its temperature.
        points: Its corners (said, meant), to be joined by straight lines.
    """

    on: Literal["eval", "production"]
    n: int
    before: Error
    after: Error
    excess: float
    excess_low: float
    excess_high: float
    method: Literal["none", "temperature", "isotonic"]
    temperature: float | None = None
    points: tuple[tuple[float, float], ...] = ()


class Sure(Struct, frozen=True, kw_only=True):
    """The answers that the model was most sure of, and how many of them were right.

    Attributes:
        on: Which rows.
        least: Confidence from which an answer counts as sure.
        n: Labelled answers as sure as that.
        said: Their mean confidence.
        accuracy: How many of them were right.
        low: Lower end of its interval.
        high: Upper end.
    """

    on: Literal["eval", "production"]
    least: float
    n: int
    said: float
    accuracy: float
    low: float
    high: float


class Correctness(Struct, frozen=True, kw_only=True):
    """A logistic model of being right: ``1 / (1 + exp(-(intercept + sum c (x - mean) / scale)))``.

    Attributes:
        features: Names of x: ``confidence`` is its log odds, any other is a factor's intensity.
        means: Of x on the rows it was fitted to.
        scales: Standard deviations of x there.
        coefficients: Of the standardised features.
        intercept: Of the sum.
        n: Rows it was fitted to; the promise was tested on others.
    """

    features: tuple[str, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    coefficients: tuple[float, ...]
    intercept: float
    n: int


class Confidence(Struct, frozen=True, kw_only=True):
    """What confidence is worth.

    Attributes:
        target: Accuracy that is promised of what is answered.
        certainty: Chance that a promise holds.
        promised: On eval.
        delivered: The same threshold, held against reviewed production rows.
        earned: A threshold that reviewed production rows support.
        mendings: Calibration on eval and on reviewed rows.
        sure: What the model was most sure of, on either.
        correctness: The model behind ``earned``, where it is not confidence itself.
        why: What is missing.
    """

    target: float
    certainty: float
    promised: Promise | None = None
    delivered: Promise | None = None
    earned: Promise | None = None
    mendings: tuple[Mending, ...] = ()
    sure: tuple[Sure, ...] = ()
    correctness: Correctness | None = None
    why: str = ""
