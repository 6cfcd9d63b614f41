"""Scores of the same rows in other worlds: with this factor undone, with those two, with all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.gap.asking import Asker
from seatrial.gap.case import outputs
from seatrial.gap.undoing import Undoing
from seatrial.models.answers import Answer

Floats = NDArray[np.float64]

TOGETHER = 128
"""Rows that are asked in every world before the next: these are known when the time is over."""

WIDEST_SD = 0.5
"""Of a change of score of which nothing is known."""

Score = Callable[[list[Any], list[Any]], Floats]
"""``score(outputs, labels) -> scores``, rows without an output scoring 0."""


@dataclass(frozen=True)
class Rescored:
    """What undoing did to each row's score.

    Attributes:
        worlds: Which factors are undone in each world, as bits.
        change: Score with them undone minus score as it is, shape (n, worlds).
        patterns: Which factors were really undone in each row and world, shape (n, worlds).
        asked: Rows that had a factor and were asked again.
        disagreed: Share of these whose unchanged input was scored otherwise than logged.
        complete: Whether every row that has a factor was asked again.
        unasked: Factors that some row has and that were undone in no row that was asked, as bits.
        outcomes: What was asked, and what came of it.
    """

    worlds: tuple[int, ...]
    change: Floats
    patterns: NDArray[np.int64]
    asked: NDArray[np.bool_]
    disagreed: float
    complete: bool
    unasked: int
    outcomes: Outcomes

    @property
    def doubt(self) -> Floats:
        """How uncertain each world's mean is because some rows were not asked: (worlds, k)."""
        return self.outcomes.doubt(self.patterns)

    def without(self, factors: int) -> Rescored:
        """Return the same with some factors, as bits, left as they are in every world."""
        kept = self.patterns & ~factors
        return replace(self, patterns=kept, change=self.outcomes.changes(kept)[0])


@dataclass(frozen=True)
class _Jobs:
    """Rows to ask, pattern by pattern."""

    rows: NDArray[np.intp]
    patterns: NDArray[np.int64]


@dataclass(frozen=True)
class Outcomes:
    """Scores of rows with a pattern of factors undone, and of the same rows as they are.

    Attributes:
        rows: One row per question.
        patterns: What was undone in it, as bits.
        undone: Its score, NaN where nobody asked.
        plain: The score of every row as it is, NaN where nobody asked; shape (n,).
    """

    rows: NDArray[np.intp]
    patterns: NDArray[np.int64]
    undone: Floats
    plain: Floats

    def moved(self, pattern: int) -> Floats:
        """Return what undoing a pattern changed in each row, NaN where that is not known."""
        at = self.patterns == pattern
        found = np.full(self.plain.size, np.nan)
        found[self.rows[at]] = self.undone[at] - self.plain[self.rows[at]]
        return found

    def changes(self, patterns: NDArray[np.int64]) -> tuple[Floats, bool]:
        """Return the change of every row and world, and whether each one was really asked.

        Args:
            patterns: What is undone in each row and world, as bits, shape (n, worlds).
        """
        change = np.zeros(patterns.shape)
        everything = True
        for pattern in np.unique(patterns[patterns > 0]):
            here = patterns == pattern
            moved = self.moved(int(pattern))
            unknown = np.isnan(moved)
            everything = everything and not bool((here.any(axis=1) & unknown).any())
            moved[unknown] = self._usual(int(pattern), moved)
            change = np.where(here, moved[:, None], change)
        return change, everything

    def doubt(self, patterns: NDArray[np.int64]) -> Floats:
        """Return how uncertain each world's mean is because some rows were not asked.

        Args:
            patterns: What is undone in each row and world, as bits, shape (n, worlds).

        Returns:
            Shape (worlds, k): one standard deviation for each pattern that rows were given the
            mean of; those of different patterns count as independent.
        """
        found = []
        for pattern in np.unique(patterns[patterns > 0]):
            here = patterns == pattern
            moved = self.moved(int(pattern))
            unknown = np.isnan(moved) & here.any(axis=1)
            if not unknown.any():
                continue
            known = moved[~np.isnan(moved)]
            spread = known.std(ddof=1) if known.size > 1 else WIDEST_SD
            error = spread * np.sqrt(1 / max(known.size, 1) + 1 / unknown.sum())
            found.append((here & unknown[:, None]).mean(axis=0) * error)
        return np.array(found).reshape(-1, patterns.shape[1]).T

    def unasked(self, masks: NDArray[np.int64]) -> int:
        """Return the factors that rows have and no question undid, as bits.

        Args:
            masks: The factors of each row, as bits.
        """
        known = ~np.isnan(self.undone) & ~np.isnan(self.plain[self.rows])
        present, undone = (
            int(np.bitwise_or.reduce(bits, initial=0)) for bits in (masks, self.patterns[known])
        )
        return present & ~undone

    def _usual(self, pattern: int, moved: Floats) -> float:
        """Return the mean change of a pattern; where nobody asked, the sum of its factors' own."""
        known = moved[~np.isnan(moved)]
        if known.size:
            return float(known.mean())
        single = [1 << bit for bit in range(pattern.bit_length()) if pattern >> bit & 1]
        if single == [pattern]:
            return 0.0
        return sum(self._usual(bit, self.moved(bit)) for bit in single)


def rescore(
    undoing: Undoing,
    labels: Sequence[Any],
    logged: Floats,
    worlds: tuple[int, ...],
    *,
    ask: Asker,
    score: Score,
    limit: int,
    rng: np.random.Generator,
) -> Rescored:
    """Ask the model about every row with its factors undone, in every world that is needed.

    A row is asked once per set of factors that it really has, whatever the number of worlds, and
    once as it is, so that a change is never one of the path or of the day. Where there are more
    rows than may be asked, or than there is time for, a random part of them is, and the rest is
    given the mean change of its pattern.

    Args:
        undoing: The rows and how to undo factors in them.
        labels: Their labels.
        logged: Their scores as they were answered, NaN where they were not.
        worlds: Sets of factors, as bits.
        ask: The model.
        score: How answers are scored.
        limit: Most questions.
        rng: Decides which rows are asked where not all may be.
    """
    patterns = undoing.masks[:, None] & np.array(worlds, dtype=np.int64)[None, :]
    jobs, complete = _within(_jobs(patterns), undoing, limit, rng)
    # A random order of its own, so that a clock never changes what else is drawn.
    order = rng.spawn(1)[0].permutation(np.unique(jobs.rows))
    usual = float(np.nanmean(logged)) if np.isfinite(logged).any() else 0.0
    outcomes = _ask_all(jobs, order, undoing, labels, ask=ask, score=score, usual=usual)
    change, known = outcomes.changes(patterns)
    asked = ~np.isnan(outcomes.plain)
    both = asked & ~np.isnan(logged)
    disagreed = float(np.mean(outcomes.plain[both] != logged[both])) if both.any() else 0.0
    unasked = outcomes.unasked(undoing.masks)
    return Rescored(
        worlds, change, patterns, asked, disagreed, complete and known, unasked, outcomes
    )


def _ask_all(
    jobs: _Jobs,
    order: NDArray[np.intp],
    undoing: Undoing,
    labels: Sequence[Any],
    *,
    ask: Asker,
    score: Score,
    usual: float,
) -> Outcomes:
    undone, plain = np.full(jobs.rows.size, np.nan), np.full(len(undoing.masks), np.nan)
    for start in range(0, order.size, TOGETHER):
        rows = order[start : start + TOGETHER]
        part = np.flatnonzero(np.isin(jobs.rows, rows))
        groups = [part[jobs.patterns[part] == one] for one in np.unique(jobs.patterns[part])]
        inputs, asked = undoing.undo(rows, 0, 0), [rows]
        for at in groups:
            for draw in range(undoing.draws):
                inputs += undoing.undo(jobs.rows[at], int(jobs.patterns[at[0]]), draw)
                asked.append(jobs.rows[at])
        failed = np.zeros(len(inputs))
        failed[: rows.size] = usual
        scores = _scored(ask, inputs, [labels[row] for row in np.concatenate(asked)], score, failed)
        plain[rows], scores = scores[: rows.size], scores[rows.size :]
        for at in groups:
            size = undoing.draws * at.size
            undone[at] = scores[:size].reshape(undoing.draws, at.size).mean(axis=0)
            scores = scores[size:]
    return Outcomes(jobs.rows, jobs.patterns, undone, plain)


def answered_scores(answers: Sequence[Answer | None], labels: list[Any], score: Score) -> Floats:
    """Return the score of each answer, NaN where the model failed."""
    given = outputs(answers)
    scores = score(given, labels[: len(given)])
    return np.where([value is None for value in given], np.nan, scores)


def _jobs(patterns: NDArray[np.int64]) -> _Jobs:
    rows, found = [], []
    for pattern in np.unique(patterns[patterns > 0]):
        at = np.flatnonzero((patterns == pattern).any(axis=1))
        rows.append(at)
        found.append(np.full(at.size, pattern, dtype=np.int64))
    if not rows:
        return _Jobs(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.int64))
    return _Jobs(np.concatenate(rows), np.concatenate(found))


def _within(
    jobs: _Jobs, undoing: Undoing, limit: int, rng: np.random.Generator
) -> tuple[_Jobs, bool]:
    rows, questions = np.unique(jobs.rows, return_counts=True)
    wanted = int(questions.sum()) * undoing.draws + rows.size
    if wanted <= limit:
        return jobs, True
    order = rng.permutation(rows.size)
    spent = np.cumsum(questions[order] * undoing.draws + 1)
    chosen = rows[order[: max(1, int(np.searchsorted(spent, limit, side="right")))]]
    keep = np.isin(jobs.rows, chosen)
    return _Jobs(jobs.rows[keep], jobs.patterns[keep]), False


def _scored(
    ask: Asker, inputs: list[Any], labels: list[Any], score: Score, failed: Floats
) -> Floats:
    """Return a score per input: that of ``failed`` without an answer, NaN where nobody asked."""
    scores = np.full(len(inputs), np.nan)
    answers = ask(inputs)
    known = answered_scores(answers, labels, score)
    scores[: known.size] = np.where(np.isnan(known), failed[: known.size], known)
    return scores
