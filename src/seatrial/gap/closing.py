"""What would close the gap: remedies tried on the reviewed rows, ranked by points won back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.evidence.closing import Closing, Pair, Remedy
from seatrial.evidence.confidence import Confidence
from seatrial.gap.accuracy import EvalScores, ProductionScores
from seatrial.gap.asking import Asker
from seatrial.gap.case import GapCase, ProductionRows
from seatrial.gap.confidence import measure_confidence
from seatrial.gap.describing import Described
from seatrial.gap.material import Material
from seatrial.gap.remedies import Bench, Trial
from seatrial.gap.rescoring import Rescored, answered_scores, rescore
from seatrial.gap.reviewed import Reviewed, reviewed_of
from seatrial.gap.selectors import Selectors
from seatrial.gap.undoing import Repaired, StoodIn
from seatrial.stats.change import change_interval, chosen_level
from seatrial.stats.intervals import mean_interval
from seatrial.stats.scores import row_scores

Floats = NDArray[np.float64]

SALT = 10
"""Of the random choices made here, so that they leave those of the ledger as they are."""

TIME_SHARE = 0.25
"""Of the time allowed for asking again, what each other model may take."""

ROWS_SHARE = 0.2
"""Of the questions allowed, what the repairs of a table's columns may take."""

FEWEST = 20
"""Reviewed rows below which nothing is tried: every interval would hold every remedy."""

MUTE = "the model could not be asked again: no repair was tried"
FEW = "too few reviewed rows to try remedies on"


def confidence_and_closing(
    case: GapCase,
    evals: EvalScores,
    scores: ProductionScores | None,
    described: Described | None,
    material: Material | None,
) -> tuple[Confidence, Closing | None]:
    """Measure what confidence is worth, and try what would close the gap.

    Args:
        case: Rows, answers and models to ask.
        evals: Scores of the eval rows.
        scores: Scores of the production rows; ``None`` without any.
        described: What these look like; ``None`` without any.
        material: What the ledger was computed from; ``None`` where no row has a label.
    """
    rows = case.production
    if rows is None or scores is None or described is None or material is None:
        return measure_confidence(case, evals, None), None
    reviewed = reviewed_of(scores)
    rng = np.random.default_rng([case.conditions.seed, SALT])
    selectors = Selectors(rows, scores, reviewed, described, rng=rng)
    confidence = measure_confidence(case, evals, selectors)
    closer = Closer(
        case,
        rows,
        scores=scores,
        reviewed=reviewed,
        described=described,
        material=material,
        confidence=confidence,
        selectors=selectors,
    )
    return confidence, closer.measure()


class Closer:
    """Tries remedies on the reviewed rows of one case.

    Args:
        case: The model and others to ask.
        rows: Production rows.
        scores: Their scores.
        reviewed: Those with a label.
        described: What they look like.
        material: What the ledger was computed from: repairs are scored in it already.
        confidence: The promises, whose thresholds are remedies too.
        selectors: Selectors of the reviewed rows.
    """

    def __init__(
        self,
        case: GapCase,
        rows: ProductionRows,
        *,
        scores: ProductionScores,
        reviewed: Reviewed,
        described: Described,
        material: Material,
        confidence: Confidence,
        selectors: Selectors,
    ) -> None:
        self._case = case
        self._rows = rows
        self._reviewed = reviewed
        self._described = described
        self._material = material
        self._confidence = confidence
        self._selectors = selectors
        self._bench = Bench(scores, reviewed, described)
        self._rng = np.random.default_rng([case.conditions.seed, SALT])

    def measure(self) -> Closing:
        """Try every remedy, and say what each would have given."""
        now = _pair(self._bench.now(), level=None)
        if self._reviewed.rows.size < FEWEST:
            return Closing(now=now, why=FEW)
        trials = list(self._trials())
        tries = sum(one.tries for one in trials)
        level = chosen_level(tries)
        found = [_remedy(one, self._bench.now(), level) for one in trials]
        found.sort(key=lambda one: (-one.points, -(one.then.accuracy or 0.0)))
        why = MUTE if self._case.answer is None else ""
        if self._material.unasked:
            why = f"there was no time to try a repair of {', '.join(self._material.unasked)}"
        return Closing(now=now, remedies=tuple(found), tries=tries, level=level, why=why)

    def _trials(self) -> Iterator[Trial]:
        factors, found = self._repairs()
        if found is not None:
            yield from self._bench.repairs(factors, found, unasked=self._unasked(factors, found))
        undone = frozenset(factors)
        yield from self._bench.gates(undone)
        worth = self._material.scores[:, self._material.worlds.index(0)]
        yield from self._bench.unanswered(worth, self._material.fates_asked)
        for name, after in self._others():
            yield self._bench.variant(name, after)
            yield from self._bench.routes(undone, name, after)
        yield from self._thresholds()

    def _unasked(self, factors: tuple[str, ...], found: Rescored) -> frozenset[str]:
        late = (name for bit, name in enumerate(factors) if found.unasked >> bit & 1)
        return frozenset({*late, *self._material.unasked} & set(factors))

    def _thresholds(self) -> Iterator[Trial]:
        said, selectors = self._confidence, self._selectors
        if said.delivered is not None:
            selector, tried = selectors.reviewed(None), selectors.unlearned(None)
            yield self._bench.threshold(said.delivered, selector, tried=tried)
        if said.earned is not None and said.earned.state == "made":
            selector = selectors.reviewed(said.correctness)
            tried = selectors.unlearned(said.correctness)
            yield self._bench.threshold(said.earned, selector, tried=tried)

    def _repairs(self) -> tuple[tuple[str, ...], Rescored | None]:
        """Return the repaired factors and the reviewed rows' scores without them.

        For texts the ledger has them. For tables it has stand-ins, which were chosen by label and
        cannot be had online: what the describer mends is asked about apart.
        """
        undoing = self._material.undoing
        if isinstance(undoing, Repaired):
            return undoing.factors, self._material.rescored
        if not isinstance(undoing, StoodIn) or self._case.describer is None:
            return (), None
        kept = [place for place, mended in enumerate(undoing.mended) if mended]
        if not kept:
            return (), None
        masks = np.zeros(len(undoing.inputs), dtype=np.int64)
        for bit, place in enumerate(kept):
            masks[list(undoing.mended[place])] |= 1 << bit
        factors = tuple(undoing.factors[place] for place in kept)
        single = tuple(undoing.mended[place] for place in kept)
        repaired = Repaired(undoing.inputs, factors, masks, single, self._case.describer)
        return factors, self._rescored(repaired)

    def _rescored(self, repaired: Repaired) -> Rescored | None:
        if self._case.answer is None:
            return None
        single = [1 << bit for bit in range(len(repaired.factors))]
        whole = (1 << len(repaired.factors)) - 1
        ask = Asker(self._case.answer, budget=self._case.budget)
        with ask.up_to(TIME_SHARE):
            return rescore(
                repaired,
                self._labels,
                self._reviewed.given,
                tuple(dict.fromkeys([0, *single, whole])),
                ask=ask,
                score=self._score,
                limit=int(ROWS_SHARE * self._case.rescored_rows),
                rng=self._rng,
            )

    def _others(self) -> Iterator[tuple[str, Floats]]:
        """Yield what every other model's answers count, NaN where it was not asked."""
        inputs = [self._rows.inputs[int(row)] for row in self._reviewed.rows]
        labels = self._labels
        for name, answer in self._case.alternatives.items():
            order = self._rng.permutation(len(inputs))
            ask = Asker(answer, budget=self._case.budget)
            with ask.up_to(TIME_SHARE):
                answers = ask([inputs[row] for row in order])
            asked = order[: len(answers)]
            after = np.full(len(inputs), np.nan)
            given = answered_scores(answers, [labels[row] for row in asked], self._score)
            # An input that it cannot answer is one that it gets wrong.
            after[asked] = np.nan_to_num(given)
            if asked.size >= FEWEST:
                yield name, after

    @property
    def _labels(self) -> list[Any]:
        labels: Sequence[Any] = self._rows.labels or []
        return [labels[int(row)] for row in self._reviewed.rows]

    def _score(self, outputs: list[Any], labels: list[Any]) -> Floats:
        return row_scores(outputs, labels, metric=self._case.metric, custom=self._case.score)


def _remedy(trial: Trial, now: Trial, level: float) -> Remedy:
    covered = float(trial.weights.sum())
    change = trial.after - now.after
    known = trial.weights > 0
    points = 100.0 * covered * float(np.average(change[known], weights=trial.weights[known]))
    ends = change_interval(change, weights=trial.weights, level=level)
    return Remedy(
        id=trial.id,
        kind=trial.kind,
        points=points,
        low=min(100.0 * covered * ends.low, points),
        high=max(100.0 * covered * ends.high, points),
        n=int(known.sum()),
        touched=trial.touched,
        then=_pair(trial, level=level),
        gives_up=_mean(now.after, trial.weights, trial.withheld),
        how=trial.how,
        cost=trial.cost,
    )


def _pair(trial: Trial, *, level: float | None) -> Pair:
    at = trial.answered & (trial.weights > 0)
    if not at.any():
        return Pair(share=trial.share, accuracy=None, low=None, high=None, correct_of_all=None)
    values, weights = np.clip(trial.after[at], 0.0, 1.0), trial.weights[at]
    accuracy = float(np.average(values, weights=weights))
    ends = (
        mean_interval(values, weights=weights)
        if level is None
        else mean_interval(values, weights=weights, level=level)
    )
    return Pair(
        share=trial.share,
        accuracy=accuracy,
        low=min(ends.low, accuracy),
        high=max(ends.high, accuracy),
        correct_of_all=trial.share * accuracy,
    )


def _mean(values: Floats, weights: Floats, at: NDArray[np.bool_] | None) -> float | None:
    if at is None or not (at & (weights > 0)).any():
        return None
    return float(np.average(values[at], weights=weights[at]))
