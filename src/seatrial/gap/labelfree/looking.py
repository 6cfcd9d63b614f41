"""Looks at production rows without labels: estimates their accuracy, or says why it cannot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.core.settings import InputKind, Task
from seatrial.evidence.labelfree import InputShift, LabelFree, Narrowing, Refusal, Robustness
from seatrial.faults.corruption import Corruption
from seatrial.faults.suite import stress_suite
from seatrial.gap.asking import Asker
from seatrial.gap.case import Answers, outputs
from seatrial.gap.labelfree.estimator import FAMILIES_MIN, LEVEL, SETS_MIN, Estimator, Guess
from seatrial.gap.labelfree.pool import pool_for
from seatrial.gap.labelfree.shift import telling_apart, values_apart
from seatrial.gap.labelfree.signals import Labels, Signals, confidences, signals
from seatrial.gap.labelfree.stress import Ground, Score, Stressed, lay_ground, under_stress
from seatrial.gap.labelfree.verdict import (
    EVAL_ROWS_MIN,
    HALF_WIDTH_MAX,
    ROWS_MIN,
    Facts,
    bounds,
    evenness,
    mixed,
    refusals,
)
from seatrial.stats.intervals import mean_interval, wilson

Floats = NDArray[np.float64]

ROWS_MAX = 2_000
"""Production rows that are looked at: the share that is right is then known to ±2 points."""

REVIEWS_OFFERED = (50, 200, 1_000)

BLINDING: tuple[Refusal, ...] = ("few-rows", "few-stresses", "collapse", "support", "beyond-stress")
"""Reasons after which nothing is known of the rows in known languages either."""

SAME = 0.6
"""Area under the curve up to which inputs count as eval's own: two halves of one set give 0.5."""

EDITS = (
    "targeted or meaning-changing edits (adversarial, counterfactual) look like eval to every test "
    "of inputs: only reviews see them"
)
CONCEPTS = "what is right may have changed while inputs did not: only reviews see that"
LIMITS = (EDITS, CONCEPTS)


@dataclass(frozen=True)
class Subject:
    """The model whose accuracy is looked for, and the eval rows that it is stressed on.

    Attributes:
        kind: What one input is.
        task: What the model is asked to do.
        inputs: Eval inputs.
        labels: What is right about them.
        answers: The model's answers to them.
        scores: What these are worth, shape (n,).
        ask: Asks the model again.
        score: Scores answers against labels.
        tolerance: How far numbers may differ and still agree; ``None``: classes.
        suite: Ways of spoiling inputs; ``None``: all that fit.
        seed: Of every random choice.
        spent: Says whether the time for stress is over.
    """

    kind: InputKind
    task: Task
    inputs: Sequence[Any]
    labels: Sequence[Any]
    answers: Answers
    scores: Floats
    ask: Asker
    score: Score
    tolerance: float | None = None
    suite: Sequence[Corruption] | None = None
    seed: int = 0
    spent: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class Reading:
    """What was seen of the rows in known languages.

    Attributes:
        seen: Signals, by fold of the pool.
        guess: What they say.
        shift: Whether the rows differ from eval's.
        part: Accuracy on them, and half the width of its interval.
    """

    seen: Sequence[Signals]
    guess: Guess
    shift: InputShift
    part: tuple[float, float]


class Look:
    """A model under stress, ready to judge production rows.

    Args:
        ground: Its eval rows.
        stressed: The same, spoilt.
        seed: Of every random choice.
    """

    def __init__(self, ground: Ground, stressed: Sequence[Stressed], *, seed: int) -> None:
        self.ground = ground
        self._stressed = stressed
        self._seed = seed
        families = {one.family for one in stressed}
        learnt = len(stressed) >= SETS_MIN and len(families) >= FAMILIES_MIN
        self._estimator = Estimator(ground, stressed) if learnt else None

    @classmethod
    def at(cls, subject: Subject) -> Look | None:
        """Stress a model; ``None`` where no cheap model can read its inputs or labels."""
        codes = readable(subject.labels, task=subject.task, tolerance=subject.tolerance)
        if codes is None:
            return None
        pool = pool_for(
            subject.kind,
            subject.task,
            subject.inputs,
            codes.codes(subject.labels),
            classes=len(codes.values),
            rng=np.random.default_rng(subject.seed),
        )
        if pool is None:
            return None
        ground = lay_ground(
            subject.inputs,
            subject.labels,
            subject.answers,
            subject.scores,
            codes=codes,
            pool=pool,
            score=subject.score,
            tolerance=subject.tolerance,
        )
        suite = stress_suite(subject.kind) if subject.suite is None else subject.suite
        stressed = under_stress(ground, suite, subject.ask, seed=subject.seed, spent=subject.spent)
        return cls(ground, list(stressed), seed=subject.seed)

    def estimate(
        self, inputs: Sequence[Any], answers: Answers, foreign: NDArray[np.bool_] | None = None
    ) -> LabelFree:
        """Estimate the share of these answers that are right, or say why not.

        Args:
            inputs: Production inputs that were answered.
            answers: The answers.
            foreign: Which are in a language that eval does not have; ``None``: none.
        """
        n = len(inputs)
        share = float(foreign.mean()) if foreign is not None and n else 0.0
        read = self._read(inputs, answers, foreign)
        if read is None:
            learnt = self._estimator is not None
            facts = Facts(self.ground.scores.size, n - round(share * n), share, learnt)
            return self._shown(facts, refusals(facts), n, limits=(0.0, 1.0))
        accuracy, half = mixed(read.part, share, read.guess.chance)
        facts = self._facts(n, share, read.seen, read.guess, half)
        found = refusals(facts)
        blind = any(one in BLINDING for one, _ in found) or read.part[1] > HALF_WIDTH_MAX
        limits = bounds(read.part, 1.0 if blind else share)
        return self._shown(facts, found, n, limits=limits, of=(accuracy, half), read=read)

    def withheld(
        self, inputs: Sequence[Any], answers: Answers, foreign: NDArray[np.bool_] | None = None
    ) -> float | None:
        """Return the number whether it may be shown or not: for judging refusals, never for use."""
        read = self._read(inputs, answers, foreign)
        share = 0.0 if foreign is None else float(foreign.mean())
        return None if read is None else mixed(read.part, share, read.guess.chance)[0]

    def _read(
        self, inputs: Sequence[Any], answers: Answers, foreign: NDArray[np.bool_] | None
    ) -> Reading | None:
        """Look at the rows in known languages; ``None`` where nothing can be learnt from them."""
        rng = np.random.default_rng(self._seed)
        strange = np.zeros(len(inputs), dtype=bool) if foreign is None else foreign
        known = rng.permutation(np.flatnonzero(~strange))[:ROWS_MAX]
        few = self.ground.scores.size < EVAL_ROWS_MIN or known.size < ROWS_MIN
        if self._estimator is None or few:
            return None
        theirs = [inputs[int(row)] for row in known]
        seen = self._seen(theirs, [answers[int(row)] for row in known])
        guess = self._estimator.guess(seen)
        shift = self._shift(theirs, seen[0], rng)
        return Reading(seen, guess, shift, self._part(guess, known.size, shift))

    def robustness(self) -> tuple[Robustness, ...]:
        """Return the accuracy on spoilt eval rows, family by family, the worst first."""
        families: dict[str, list[Stressed]] = {}
        for one in self._stressed:
            families.setdefault(one.family, []).append(one)
        found = [robustness_of(name, sets) for name, sets in families.items()]
        return tuple(sorted(found, key=lambda one: one.points))

    def _seen(self, inputs: list[Any], answers: Answers) -> list[Signals]:
        given = self.ground.codes.codes(outputs(answers))
        sure = confidences(answers)
        return [
            signals(given, sure, votes, tolerance=self.ground.tolerance)
            for votes in self.ground.pool.votes(inputs)
        ]

    def _shift(self, inputs: list[Any], seen: Signals, rng: np.random.Generator) -> InputShift:
        """Return the clearer of two shifts: of the inputs, and of the model's confidence."""
        ground = self.ground
        area, ends = max(
            telling_apart(ground.pool.encoding, ground.inputs, inputs, rng=rng),
            values_apart(ground.seen.confidence, seen.confidence),
            key=lambda found: found[0],
        )
        return InputShift(area=area, low=ends.low, high=ends.high, n=len(inputs))

    def _part(self, guess: Guess, n: int, shift: InputShift) -> tuple[float, float]:
        """Return accuracy and half-width on rows in known languages."""
        assert self._estimator is not None  # noqa: S101  (checked by the caller)
        if shift.high <= SAME:
            # Inputs as eval has them: losses there are what they seem, and gains are real.
            plain = float(np.mean(list(guess.parts.values())))
            return plain, self._estimator.half_width(guess, n, strangeness=0.5)
        return guess.accuracy, self._estimator.half_width(guess, n)

    def _facts(
        self, n: int, foreign: float, seen: Sequence[Signals], guess: Guess, half: float
    ) -> Facts:
        assert self._estimator is not None  # noqa: S101  (checked by the caller)
        return Facts(
            eval_rows=self.ground.scores.size,
            rows=n,
            foreign=foreign,
            learnt=True,
            evenness=evenness(self.ground.seen.shares, seen[0].shares),
            support=float(np.mean([one.support for one in seen])),
            least_support=self._estimator.least_support,
            loss=self.ground.accuracy - guess.accuracy,
            worst=self._estimator.worst,
            half_width=half,
        )

    def _shown(
        self,
        facts: Facts,
        found: Sequence[tuple[Any, str]],
        n: int,
        *,
        limits: tuple[float, float],
        of: tuple[float, float] | None = None,
        read: Reading | None = None,
    ) -> LabelFree:
        shown = not found and of is not None
        accuracy, half = of if of is not None else (0.0, 0.0)
        wide = not shown and limits == (0.0, 1.0)
        return LabelFree(
            shown=shown,
            accuracy=accuracy if shown else None,
            low=max(0.0, accuracy - half) if shown else None,
            high=min(1.0, accuracy + half) if shown else None,
            level=LEVEL,
            unknown_share=1.0 if wide else facts.foreign,
            bound_low=limits[0],
            bound_high=limits[1],
            refused=tuple(reason for reason, _ in found),
            why="; ".join(why for _, why in found),
            narrowing=narrowing(limits, n),
            shift=None if read is None else read.shift,
            parts={} if read is None else read.guess.parts,
            stresses=len(self._stressed),
            limits=LIMITS,
        )


def too_few(eval_rows: int, rows: int) -> LabelFree | None:
    """Return the refusal where there are too few rows to begin with; ``None`` where there are not.

    Args:
        eval_rows: How many eval rows there are.
        rows: How many answered production rows.
    """
    found = refusals(Facts(eval_rows, rows, foreign=0.0, learnt=True))
    if not found:
        return None
    return LabelFree(
        shown=False,
        unknown_share=1.0,
        refused=tuple(reason for reason, _ in found),
        why="; ".join(why for _, why in found),
        narrowing=narrowing((0.0, 1.0), rows),
        limits=LIMITS,
    )


def readable(labels: Sequence[Any], *, task: Task, tolerance: float | None) -> Labels | None:
    """Return labels as codes; ``None`` where cheap models could not learn them."""
    if task == "regression":
        numbers = all(isinstance(label, (int, float)) for label in labels)
        return Labels(labels, classes=False) if numbers and tolerance is not None else None
    try:
        codes = Labels(labels, classes=True)
    except TypeError:
        return None
    # Labels that hardly ever come twice are no classes.
    few = 2 <= len(codes.values) <= max(2.0, len(labels) / 4)  # noqa: PLR2004
    return codes if few and task == "classification" else None


def narrowing(limits: tuple[float, float], n: int) -> tuple[Narrowing, ...]:
    """Return what reviews would make of it, at the accuracy within limits that is hardest."""
    hardest = min(max(0.5, limits[0]), limits[1])
    found = []
    for reviews in REVIEWS_OFFERED:
        if reviews < n:
            ends = wilson(hardest * reviews, reviews, population=n)
            found.append(Narrowing(n=reviews, points=50.0 * (ends.high - ends.low)))
    return tuple(found)


def robustness_of(name: str, sets: Sequence[Stressed]) -> Robustness:
    """Return the accuracy under one family; a row spoilt in several ways counts once."""
    rows = np.concatenate([one.rows for one in sets])
    scores = np.concatenate([one.scores for one in sets])
    before = np.concatenate([one.before for one in sets])
    counts = np.bincount(rows)
    used = counts > 0
    means = np.bincount(rows, weights=scores)[used] / counts[used]
    ends = mean_interval(means, weights=counts[used].astype(float))
    worst = min(sets, key=lambda one: float(one.scores.mean()))
    return Robustness(
        family=name,
        accuracy=float(scores.mean()),
        low=min(ends.low, float(scores.mean())),
        high=max(ends.high, float(scores.mean())),
        points=100.0 * float(scores.mean() - before.mean()),
        worst=worst.name,
        worst_accuracy=float(worst.scores.mean()),
        n=int(scores.size),
        rows=int(used.sum()),
    )
