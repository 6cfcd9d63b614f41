"""Promises about answers above a threshold: made on eval, held against reviews, earned anew."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from seatrial.evidence.confidence import Correctness, Promise
from seatrial.gap.correctness import Features, chance, fit
from seatrial.stats.intervals import mean_interval
from seatrial.stats.selective import (
    MOST_WANTED,
    Selection,
    fixed_sequence,
    lower_bound,
    rows_to_tell,
    thresholds_of,
)

Floats = NDArray[np.float64]

MODEL_ROWS = 400
"""Reviewed rows from which the correctness model is tried: half of them go into fitting it, and the
test of confidence has to spare half of its error for it."""


@dataclass(frozen=True)
class Target:
    """What is to be promised.

    Attributes:
        accuracy: Of what is answered.
        certainty: Chance that the promise holds.
    """

    accuracy: float
    certainty: float

    def __str__(self) -> str:
        """Say it."""
        return f"{100 * self.accuracy:g} % right when it answers, at {100 * self.certainty:g} %"


@dataclass(frozen=True)
class Judged:
    """Reviewed answers: what a selector says of each, and whether it was right.

    Attributes:
        selector: Confidence or chance of being right, shape (n,).
        scores: In [0, 1], shape (n,).
        weights: Shape (n,).
    """

    selector: Floats
    scores: Floats
    weights: Floats

    def above(self, threshold: float) -> Judged:
        """Return those at or above a threshold."""
        at = self.selector >= threshold
        return Judged(self.selector[at], self.scores[at], self.weights[at])


@dataclass(frozen=True)
class Everybody:
    """All requests, labelled or not.

    Attributes:
        selector: What a selector says of each; minus infinity where it can never be answered.
        weights: How many requests each stands for.
    """

    selector: Floats
    weights: Floats

    def share(self, threshold: float) -> float:
        """Return the share that would be answered."""
        return float(self.weights[self.selector >= threshold].sum() / self.weights.sum())

    @property
    def thresholds(self) -> Floats:
        """Thresholds to try, known without a label."""
        known = self.selector[np.isfinite(self.selector)]
        return thresholds_of(known) if known.size else np.empty(0)


def promised(rows: Judged, target: Target) -> Promise:
    """Return the promise that eval rows support."""
    found = fixed_sequence(
        rows.selector,
        rows.scores,
        thresholds=thresholds_of(rows.selector),
        target=target.accuracy,
        certainty=target.certainty,
    )
    if found.threshold is None:
        why = f"{target} certainty: no threshold keeps it on {rows.scores.size:,} eval rows"
        return Promise(
            on="eval", by="confidence", state="none", rows=rows.scores.size, wanted=None, why=why
        )
    made = _outcome(rows, found.threshold, found.share)
    why = f"{target} certainty, from confidence {found.threshold:.3f} on"
    return replace(made, on="eval", state="made", bound=found.bound, rows=rows.scores.size, why=why)


def delivered(threshold: float, rows: Judged, everybody: Everybody, target: Target) -> Promise:
    """Hold the promise of eval against reviewed production rows."""
    found = _outcome(rows, threshold, everybody.share(threshold))
    above = rows.above(threshold)
    if not above.scores.size:
        why = "no reviewed answer reaches the threshold of eval"
        return replace(found, state="open", rows=rows.scores.size, why=why)
    low = lower_bound(above.scores, weights=above.weights, certainty=target.certainty)
    high = 1.0 - lower_bound(1.0 - above.scores, weights=above.weights, certainty=target.certainty)
    said = f"promised {100 * target.accuracy:g} %, delivered {100 * (found.accuracy or 0):.1f} %"
    if low >= target.accuracy:
        return replace(found, state="kept", bound=low, rows=rows.scores.size, why=said)
    if high < target.accuracy:
        return replace(found, state="broken", bound=low, rows=rows.scores.size, why=said)
    wanted = _wanted(above, rows, target)
    more = f"; about {wanted:,} labels would tell" if wanted else ""
    why = f"{said}: {above.scores.size:,} reviewed answers cannot tell whether it is kept{more}"
    return replace(found, state="open", bound=low, rows=rows.scores.size, wanted=wanted, why=why)


def earned(
    confidence: Judged | None,
    everybody: Everybody | None,
    modelled: Modelled | None,
    target: Target,
) -> tuple[Promise, Correctness | None]:
    """Return the promise that reviews support, by confidence or by the correctness model.

    Where both are tried each may use half of the error, so that the better one may be taken.

    Args:
        confidence: Reviewed answers by confidence; ``None`` where the model gives none.
        everybody: All requests by confidence.
        modelled: What the correctness model needs; ``None`` where it cannot be fitted.
        target: What is to be promised.
    """
    both = confidence is not None and modelled is not None
    certainty = 1.0 - (1.0 - target.certainty) / (2.0 if both else 1.0)
    found: list[tuple[Promise, Correctness | None]] = []
    if confidence is not None and everybody is not None:
        found.append((_earned(confidence, everybody, target, certainty, confidence), None))
    if modelled is not None:
        found.append(modelled.earned(target, certainty))
    best = max(found, key=lambda one: (one[0].state == "made", one[0].share or 0.0))
    if best[0].state == "made":
        return best
    wanted = [one.wanted for one, _ in found if one.wanted]
    first = found[0][0]
    return replace(first, wanted=min(wanted, default=None), why=_refusal(first, wanted)), None


@dataclass(frozen=True)
class Modelled:
    """What the correctness model is fitted to and used on.

    Attributes:
        features: Of every described request.
        answerable: Which of these have an answer.
        requests: How many requests each stands for.
        reviewed: Which of them are the reviewed answers.
        scores: Of the reviewed answers.
        weights: Of the reviewed answers.
        learned: Half of the reviewed answers, to fit to; the test is made on the others.
    """

    features: Features
    answerable: NDArray[np.bool_]
    requests: Floats
    reviewed: NDArray[np.intp]
    scores: Floats
    weights: Floats
    learned: NDArray[np.bool_]

    @property
    def possible(self) -> bool:
        """Whether there are labels enough, and misses among them to learn from."""
        enough = bool(self.features.names) and self.scores.size >= MODEL_ROWS
        return enough and 0 < float(self.scores[self.learned].mean()) < 1

    def earned(self, target: Target, certainty: float) -> tuple[Promise, Correctness | None]:
        """Fit to one half of the reviews, and test on the other."""
        learned, held = self.learned, ~self.learned
        values = self.features.values
        model = fit(
            self.features.names,
            values[self.reviewed[learned]],
            self.scores[learned],
            self.weights[learned],
        )
        likely = np.where(self.answerable, chance(model, values), -np.inf)
        everybody = Everybody(likely, self.requests)
        every = Judged(likely[self.reviewed], self.scores, self.weights)
        tested = Judged(every.selector[held], self.scores[held], self.weights[held])
        promise = _earned(tested, everybody, target, certainty, every)
        return replace(promise, by="correctness"), model


def _earned(
    tested: Judged, everybody: Everybody, target: Target, certainty: float, every: Judged
) -> Promise:
    found: Selection = fixed_sequence(
        tested.selector,
        tested.scores,
        thresholds=everybody.thresholds,
        target=target.accuracy,
        certainty=certainty,
        weights=tested.weights,
    )
    rows = every.scores.size
    if found.threshold is None:
        scale = rows / max(tested.scores.size, 1)
        wanted = None if found.wanted is None else round(found.wanted * scale)
        return Promise(
            on="production", by="confidence", state="withdrawn", rows=rows, wanted=wanted
        )
    made = _outcome(tested, found.threshold, everybody.share(found.threshold))
    why = f"{target} certainty, by {found.n:,} reviewed answers above the threshold"
    return replace(made, state="made", bound=found.bound, rows=rows, why=why)


def _refusal(promise: Promise, wanted: list[int]) -> str:
    said = f"{promise.rows:,} labels cannot support this promise"
    if wanted:
        return f"{said}; about {min(wanted):,} would"
    return f"{said}, and show no threshold from which more of them would"


def _outcome(rows: Judged, threshold: float, share: float) -> Promise:
    above = rows.above(threshold)
    base = Promise(
        on="production",
        by="confidence",
        state="open",
        threshold=threshold,
        share=share,
        n=int(above.scores.size),
    )
    if not above.scores.size:
        return base
    accuracy = float(np.average(above.scores, weights=above.weights))
    ends = mean_interval(above.scores, weights=above.weights)
    return replace(
        base,
        accuracy=accuracy,
        low=min(ends.low, accuracy),
        high=max(ends.high, accuracy),
        correct_of_all=share * accuracy,
    )


def _wanted(above: Judged, rows: Judged, target: Target) -> int | None:
    mean = (above.scores.sum() + 1.0) / (above.scores.size + 2.0)
    each = rows.scores.size / above.scores.size
    wanted = each * rows_to_tell(float(mean), target.accuracy, certainty=target.certainty)
    return max(round(wanted), 2 * rows.scores.size) if wanted <= MOST_WANTED else None
