"""Scores of the same rows in other worlds: with this factor undone, with those two, with all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.gap.asking import Asker
from seatrial.gap.case import outputs
from seatrial.gap.undoing import Undoing
from seatrial.models.answers import Answer

Floats = NDArray[np.float64]
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
    """

    worlds: tuple[int, ...]
    change: Floats
    patterns: NDArray[np.int64]
    asked: NDArray[np.bool_]
    disagreed: float
    complete: bool


@dataclass(frozen=True)
class _Jobs:
    """Rows to ask, pattern by pattern."""

    rows: NDArray[np.intp]
    patterns: NDArray[np.int64]


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
    rows than may be asked, a random part of them is, and the rest is given the mean change of its
    pattern.

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
    outcome = _ask_all(jobs, undoing, labels, ask, score)
    present = np.unique(jobs.rows)
    plain = np.full(len(undoing.masks), np.nan)
    usual = float(np.nanmean(logged)) if np.isfinite(logged).any() else 0.0
    again = ask(undoing.undo(present, 0, 0))
    plain[present[: len(again)]] = answered_scores(again, [labels[r] for r in present], score)
    plain[present[: len(again)]] = np.nan_to_num(plain[present[: len(again)]], nan=usual)
    change, known = _changes(patterns, jobs, outcome, plain)
    asked = np.zeros(len(undoing.masks), dtype=bool)
    asked[present] = ~np.isnan(plain[present])
    both = asked & ~np.isnan(logged)
    disagreed = float(np.mean(plain[both] != logged[both])) if both.any() else 0.0
    return Rescored(worlds, change, patterns, asked, disagreed, complete and known)


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


def _ask_all(
    jobs: _Jobs, undoing: Undoing, labels: Sequence[Any], ask: Asker, score: Score
) -> Floats:
    outcome = np.full(jobs.rows.size, np.nan)
    for pattern in np.unique(jobs.patterns):
        at = np.flatnonzero(jobs.patterns == pattern)
        rows = jobs.rows[at]
        draws = [undoing.undo(rows, int(pattern), draw) for draw in range(undoing.draws)]
        outcome[at] = _scored(ask, draws, [labels[row] for row in rows], score).mean(axis=0)
    return outcome


def _scored(ask: Asker, draws: list[list[Any]], labels: list[Any], score: Score) -> Floats:
    scores = np.full((len(draws), len(labels)), np.nan)
    for draw, inputs in enumerate(draws):
        answers = ask(inputs)
        scores[draw, : len(answers)] = score(outputs(answers), labels[: len(answers)])
    return scores


def _changes(
    patterns: NDArray[np.int64], jobs: _Jobs, outcome: Floats, plain: Floats
) -> tuple[Floats, bool]:
    change = np.zeros(patterns.shape)
    everything = True
    for pattern in np.unique(patterns[patterns > 0]):
        at = jobs.patterns == pattern
        moved = np.full(plain.size, np.nan)
        moved[jobs.rows[at]] = outcome[at] - plain[jobs.rows[at]]
        unknown = np.isnan(moved)
        mean = 0.0 if unknown.all() else float(moved[~unknown].mean())
        here = patterns == pattern
        everything = everything and not bool((here.any(axis=1) & unknown).any())
        moved[unknown] = mean
        change = np.where(here, moved[:, None], change)
    return change, everything
