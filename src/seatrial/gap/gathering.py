"""Gathers what the ledger is computed from: describes rows, undoes factors, asks again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.gap.accuracy import EvalScores, ProductionScores
from seatrial.gap.asking import Asker
from seatrial.gap.case import GapCase, ProductionRows
from seatrial.gap.describing import Described
from seatrial.gap.kinds import Side, domains
from seatrial.gap.material import Material, Plan, Undone
from seatrial.gap.planning import plan_repairs, plan_stand_ins
from seatrial.gap.rescoring import Rescored, answered_scores, rescore
from seatrial.gap.standins import PREFIX
from seatrial.gap.undoing import Repaired, StoodIn, Undoing
from seatrial.stats.attribution import EXACT_PLAYERS, Operator, exact, first_and_last
from seatrial.stats.scores import row_scores

Floats = NDArray[np.float64]

EXACT_UNDONE = 4
"""Factors undone up to which every combination is asked (16 worlds)."""

EVAL_SHARE = 0.3
"""Part of the questions that eval rows may take."""

BIAS_PATTERNS = 32
"""Combinations of columns whose stand-ins are tried on eval; for others single ones are added."""

HURTS_T = -2.0
"""A repair whose mean gain lies this many standard errors below 0 does not undo its factor."""

MATTERS_T = 2.0
"""A repair whose mean gain lies this many standard errors above 0 undoes something that matters."""

DISAGREEMENT = 0.01
"""Share of unchanged rows answered otherwise than logged from which the reader is told."""


class Gatherer:
    """Gathers the material of one case.

    Args:
        case: What is measured.
        rows: Its production rows.
        evals: Scores of the eval rows.
        production: Scores of the production rows.
        described: What the rows look like.
        rng: Source of every random choice.
    """

    def __init__(
        self,
        case: GapCase,
        rows: ProductionRows,
        evals: EvalScores,
        production: ProductionScores,
        described: Described,
        *,
        rng: np.random.Generator,
    ) -> None:
        self._case = case
        self._evals = evals
        self._production = production.taken(described.rows)
        self._described = described
        self._rng = rng
        self._ask = None if case.answer is None else Asker(case.answer, budget=case.budget)
        self._inputs = [rows.inputs[int(row)] for row in described.rows]
        self._labelled = np.flatnonzero(self._production.labelled)
        self._theirs = [self._inputs[row] for row in self._labelled]
        labels = list(rows.labels or [])
        self._labels = [labels[row] for row in described.rows[self._labelled]]
        self._criticisms: list[str] = []

    def gather(self) -> Material:
        """Describe every row, undo what can be undone, and put it into arrays."""
        worth, asked = self._worth()
        if self._described.blind:
            self._criticisms.append(
                "inputs of this kind are not described: no factor is told apart"
            )
        without: frozenset[str] = frozenset()
        while True:
            plan = self._plan(without)
            material = self._measured(plan, worth, asked)
            hurting = frozenset(one.id for one in material.undone if one.causal and _hurts(one))
            if not hurting:
                break
            without |= hurting
            names = ", ".join(sorted(hurting))
            self._criticisms.append(f"undoing {names} made answers worse; it is only associated")
        if self._ask is None and plan.modelled:
            self._criticisms.append(
                "the model could not be asked again: every factor is an association"
            )
        if self._ask is not None and self._ask.cut:
            self._criticisms.append("the time budget ended asking the model again early")
        material = self._with_domain(material, plan)
        return replace(material, criticisms=tuple(dict.fromkeys(self._criticisms)))

    def _score(self, outputs: list[Any], labels: list[Any]) -> Floats:
        return row_scores(outputs, labels, metric=self._case.metric, custom=self._case.score)

    def _worth(self) -> tuple[Floats, dict[int, int]]:
        """Return what each labelled row's answer is worth, asked again where none was given."""
        worth = self._production.given[self._labelled].copy()
        silent = np.flatnonzero(np.isnan(worth))
        if self._ask is not None and silent.size:
            again = self._ask([self._theirs[row] for row in silent])
            labels = [self._labels[row] for row in silent]
            worth[silent[: len(again)]] = answered_scores(again, labels, self._score)
        fate = self._production.fate[self._labelled]
        asked = {code: int((~np.isnan(worth) & (fate == code)).sum()) for code in (1, 2)}
        usual = float(np.nanmean(worth)) if np.isfinite(worth).any() else 0.0
        return np.nan_to_num(worth, nan=usual), asked

    def _plan(self, without: frozenset[str]) -> Plan:
        describer, ask, described = self._case.describer, self._ask, self._described
        if describer is None or ask is None:
            return Plan(described.intensity, described.before)
        if any(name.startswith(PREFIX) for name in described.intensity):
            return plan_stand_ins(
                describer,
                described,
                evals=self._case.eval.inputs,
                eval_labels=self._case.eval.labels,
                production=self._theirs,
                labels=self._labels,
                labelled=self._labelled,
                ask=ask,
                score=self._score,
                rng=self._rng,
            )
        return plan_repairs(
            describer,
            described,
            evals=self._case.eval.inputs,
            production=self._inputs,
            labelled=self._labelled,
            without=without,
        )

    def _with_domain(self, material: Material, plan: Plan) -> Material:
        """Judge the domain of texts anew, now that it is known which repairs matter.

        What they undo is no domain; what they undo in vain (a style, say) is part of it.
        """
        if "domain" not in material.modelled or not isinstance(plan.evals, Repaired):
            return material
        matter = frozenset(
            one.id for one in material.undone if one.gain > MATTERS_T * one.gain_error
        )
        labels: list[Any] = list(self._case.eval.labels)
        ours = Side(plan.evals.without(matter), plan.before, labels)
        everybody = self._inputs if plan.everybody is None else plan.everybody.without(matter)
        theirs = Side(everybody, plan.intensity, self._labels)
        place = material.described.index("domain")
        before, here = material.eval_intensity.copy(), material.intensity.copy()
        before[:, place], here[:, place] = domains(ours, theirs, rng=self._rng)
        return replace(material, eval_intensity=before, intensity=here)

    def _measured(self, plan: Plan, worth: Floats, asked: dict[int, int]) -> Material:
        fates = tuple(code for code in (1, 2) if (self._production.fate == code).any())
        operator = _operator(len(plan.undoable), len(plan.modelled) + len(fates))
        whole = (1 << len(plan.undoable)) - 1
        worlds = tuple(sorted({coalition & whole for coalition in operator.coalitions}))
        ours = self._rescored(plan.evals, self._case.eval.labels, self._evals.reached, worlds, 1)
        theirs = self._rescored(plan.production, self._labels, worth, worlds, 0)
        bias, shares, correction = self._bias(plan, theirs)
        names = (*plan.undoable, *plan.modelled)
        return Material(
            undone=_undone(plan, theirs),
            modelled=plan.modelled,
            fates=fates,
            fates_asked=asked,
            unused=plan.unused,
            operator=operator,
            worlds=worlds,
            eval_scores=self._evals.reached[:, None] + _change(ours, len(worlds)),
            eval_intensity=_stacked([plan.before[n] for n in names], len(self._evals.reached)),
            scores=worth[:, None] + _change(theirs, len(worlds)) - correction,
            intensity=_stacked([plan.intensity[n] for n in names], len(self._inputs)),
            fate=self._production.fate,
            rows=self._described.weights,
            labelled=self._labelled,
            weights=self._production.weights[self._labelled],
            bias=bias,
            bias_shares=shares,
        )

    def _rescored(
        self,
        undoing: Undoing | None,
        labels: Any,
        logged: Floats,
        worlds: tuple[int, ...],
        of_eval: float,
    ) -> Rescored | None:
        if undoing is None or self._ask is None:
            return None
        share = EVAL_SHARE / 2 if of_eval else 1 - EVAL_SHARE
        found = rescore(
            undoing,
            labels,
            logged,
            worlds,
            ask=self._ask,
            score=self._score,
            limit=int(share * self._case.rescored_rows),
            rng=self._rng,
        )
        if not found.complete:
            self._criticisms.append(
                "not every row that has a factor could be asked again; the rest was taken to "
                "change as these did"
            )
        if found.disagreed > DISAGREEMENT:
            self._criticisms.append(
                f"asked again, the model scored {100 * found.disagreed:.1f} % of unchanged rows "
                "otherwise than logged"
            )
        return found

    def _bias(self, plan: Plan, theirs: Rescored | None) -> tuple[Floats, Floats, Floats | float]:
        """Measure what stand-ins cost on eval rows, where the column was as it should be."""
        rows = len(self._evals.reached)
        if not plan.stood_in or theirs is None or not isinstance(plan.evals, StoodIn):
            return np.empty((rows, 0)), np.empty((0, 0)), 0.0
        patterns = _frequent(theirs.patterns, len(plan.undoable))
        whole = np.full(rows, (1 << len(plan.undoable)) - 1, dtype=np.int64)
        side = replace(plan.evals, masks=whole)
        tried = self._rescored(side, self._case.eval.labels, self._evals.reached, patterns, 1)
        if tried is None:
            return np.empty((rows, 0)), np.empty((0, 0)), 0.0
        means = dict(zip(patterns, tried.change.mean(axis=0), strict=True))
        correction = np.zeros(theirs.patterns.shape)
        shares = np.zeros((len(theirs.worlds), len(patterns)))
        for pattern in np.unique(theirs.patterns[theirs.patterns > 0]):
            here = theirs.patterns == pattern
            for part in _parts(int(pattern), means):
                correction[here] += means[part]
                shares[:, patterns.index(part)] += here.mean(axis=0)
        return tried.change, shares, correction


def _operator(undone: int, others: int) -> Operator:
    if undone <= EXACT_UNDONE and undone + others <= EXACT_PLAYERS:
        return exact(undone + others)
    return first_and_last(undone + others)


def _frequent(patterns: NDArray[np.int64], factors: int) -> tuple[int, ...]:
    found, counts = np.unique(patterns[patterns > 0], return_counts=True)
    common = found[np.argsort(-counts)][:BIAS_PATTERNS]
    return tuple(sorted({*(1 << bit for bit in range(factors)), *(int(one) for one in common)}))


def _parts(pattern: int, known: dict[int, Any]) -> list[int]:
    if pattern in known:
        return [pattern]
    return [1 << bit for bit in range(pattern.bit_length()) if pattern >> bit & 1]


def _change(found: Rescored | None, worlds: int) -> Floats:
    return np.zeros((1, worlds)) if found is None else found.change


def _stacked(columns: list[Floats], rows: int) -> Floats:
    return np.stack(columns, axis=1) if columns else np.empty((rows, 0))


def _undone(plan: Plan, found: Rescored | None) -> tuple[Undone, ...]:
    result = []
    for bit, factor in enumerate(plan.undoable):
        if found is None or plan.production is None:
            continue
        rows = (plan.production.masks >> bit & 1).astype(bool) & found.asked
        change = found.change[rows, found.worlds.index(1 << bit)]
        error = float(change.std(ddof=1) / np.sqrt(change.size)) if change.size > 1 else 0.0
        result.append(
            Undone(
                id=factor,
                causal=factor not in plan.stood_in,
                use=plan.uses.get(factor, 1.0),
                rows=int(rows.sum()),
                gain=float(change.mean()) if change.size else 0.0,
                gain_error=error,
            )
        )
    return tuple(result)


def _hurts(factor: Undone) -> bool:
    return factor.gain_error > 0 and factor.gain < HURTS_T * factor.gain_error
