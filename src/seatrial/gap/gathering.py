"""Gathers what the ledger is computed from: describes rows, undoes factors, asks again."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.gap.accuracy import EvalScores, ProductionScores
from seatrial.gap.asking import Asker
from seatrial.gap.bias import Bias, StandInTrial, frequent, trial_side
from seatrial.gap.case import GapCase, ProductionRows
from seatrial.gap.columns import Column, changed_columns
from seatrial.gap.describing import Described
from seatrial.gap.foreseeing import foreseen
from seatrial.gap.gains import gains
from seatrial.gap.kinds import Side, domains
from seatrial.gap.material import Material, Plan
from seatrial.gap.planning import plan_repairs, plan_stand_ins
from seatrial.gap.rescoring import Rescored, answered_scores, rescore
from seatrial.gap.standins import PREFIX, Donors
from seatrial.gap.undoing import Repaired, StoodIn, Undoing
from seatrial.stats.attribution import EXACT_PLAYERS, Operator, exact, first_and_last
from seatrial.stats.scores import row_scores

Floats = NDArray[np.float64]

EXACT_UNDONE = 4
"""Factors undone up to which every combination is asked (16 worlds)."""

EVAL_SHARE = 0.3
"""Part of the questions that eval rows may take."""

SMALL_USE = 0.1
"""A column that decides fewer rows than this has to show that it cost something: models also pick
up columns that mean nothing, and several of those shifting wildly make noise, not losses."""

COLUMNS_SHARE = 0.3
"""Part of the time that finding out which columns the model uses may take."""

DISAGREEMENT = 0.01
"""Share of unchanged rows answered otherwise than logged from which the reader is told."""

BLIND = "inputs of this kind are not described: no factor is told apart"
MUTE = "the model could not be asked again: every factor is an association"


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
        self._donors: Donors | None = None
        self._columns: list[Column] = []
        self._harmless: dict[str, float] = {}

    def gather(self) -> Material:
        """Describe every row, undo what can be undone, and put it into arrays."""
        worth, asked = self._worth()
        if self._described.blind:
            self._criticisms.append(BLIND)
        self._look_for_columns()
        plan = self._plan(frozenset())
        material = self._measured(plan, worth, asked)
        without: frozenset[str] = frozenset()
        while (idle := self._idle(material, plan)) and not self._cut():
            without |= idle
            next_plan = self._plan(without)
            next_material = self._measured(next_plan, worth, asked)
            if self._cut():
                break  # what was known before the time was over is worth more
            self._set_aside(idle, material)
            plan, material = next_plan, next_material
        if self._ask is None and plan.modelled:
            self._criticisms.append(MUTE)
        if self._cut():
            self._criticisms.append("the time budget ended asking the model again early")
        material = self._with_domain(material, plan)
        material = foreseen(
            material,
            plan,
            self._case,
            self._described.rows,
            ask=self._ask,
            score=self._score,
            rng=self._rng,
        )
        untried = tuple(one.factor for one in self._columns if one.use is None)
        return replace(
            material,
            harmless=dict(self._harmless),
            unasked=(*material.unasked, *untried),
            criticisms=tuple(dict.fromkeys(self._criticisms)),
        )

    def _cut(self) -> bool:
        return self._ask is not None and self._ask.cut

    def _look_for_columns(self) -> None:
        describer, described = self._case.describer, self._described
        if self._ask is None or describer is None:
            return
        if not any(name.startswith(PREFIX) for name in described.intensity):
            return
        self._donors = Donors(self._case.eval.inputs, self._case.eval.labels)
        with self._ask.up_to(COLUMNS_SHARE):
            self._columns = changed_columns(
                self._donors,
                self._theirs,
                self._labels,
                {name: values[self._labelled] for name, values in described.intensity.items()},
                described.before,
                ask=self._ask,
                score=self._score,
                rng=self._rng,
            )
        self._harmless = {one.factor: 0.0 for one in self._columns if one.use == 0}

    def _idle(self, material: Material, plan: Plan) -> frozenset[str]:
        """Return factors that are not to be undone: columns without effect, repairs that harm."""
        return frozenset(
            one.id
            for one in material.undone
            if one.id not in material.unasked
            and (one.hurts or (one.id in plan.stood_in and one.use < SMALL_USE and not one.moves))
        )

    def _set_aside(self, idle: frozenset[str], material: Material) -> None:
        """Note why factors are not undone any more."""
        for one in material.undone:
            if one.id in idle and one.hurts:
                self._criticisms.append(
                    f"undoing {one.id} made answers worse; it is only associated"
                )
            elif one.id in idle:
                self._harmless[one.id] = 100.0 * one.within

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
        describer, described = self._case.describer, self._described
        if describer is None or self._ask is None:
            return Plan(described.intensity, described.before)
        if self._donors is not None:
            return plan_stand_ins(
                describer,
                described,
                self._columns,
                self._donors,
                production=self._theirs,
                labels=self._labels,
                without=without,
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
        """Judge the domain of texts anew, now that it is known which repairs the model feels.

        What those undo is no domain; what others undo (a style, say) may be part of one.
        """
        if "domain" not in material.modelled or not isinstance(plan.evals, Repaired):
            return material
        felt = frozenset(one.id for one in material.undone if one.felt)
        labels: list[Any] = list(self._case.eval.labels)
        ours = Side(plan.evals.without(felt), plan.before, labels)
        everybody = self._inputs if plan.everybody is None else plan.everybody.without(felt)
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
        with self._time(EVAL_SHARE / 2):
            labels = self._case.eval.labels
            ours = self._rescored(plan.evals, labels, self._evals.reached, worlds, 1)
        with self._time(1 - EVAL_SHARE / 2 if plan.stood_in else 1.0):
            theirs = self._rescored(plan.production, self._labels, worth, worlds, 0)
        trial = self._try_stand_ins(plan, theirs)
        unasked = 0 if trial is None else trial.unasked
        if ours is not None and theirs is not None:
            unasked |= ours.unasked | theirs.unasked
            ours, theirs = ours.without(unasked), theirs.without(unasked)
        bias = Bias.none(len(worlds))
        if trial is not None and theirs is not None:
            bias = trial.bias(theirs.patterns)
        names = (*plan.undoable, *plan.modelled)
        return Material(
            undone=gains(plan, theirs, bias.correction),
            modelled=plan.modelled,
            fates=fates,
            fates_asked=asked,
            harmless={},
            operator=operator,
            worlds=worlds,
            eval_scores=self._evals.reached[:, None] + _change(ours, len(worlds)),
            eval_intensity=_stacked([plan.before[n] for n in names], len(self._evals.reached)),
            scores=worth[:, None] + _change(theirs, len(worlds)) - bias.correction,
            intensity=_stacked([plan.intensity[n] for n in names], len(self._inputs)),
            fate=self._production.fate,
            rows=self._described.weights,
            labelled=self._labelled,
            weights=self._production.weights[self._labelled],
            bias=bias,
            doubt=tuple(side.doubt for side in (ours, theirs) if side is not None),
            unasked=tuple(name for bit, name in enumerate(plan.undoable) if unasked >> bit & 1),
            undoing=plan.production,
            rescored=theirs,
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

    def _time(self, share: float) -> AbstractContextManager[None]:
        return nullcontext() if self._ask is None else self._ask.up_to(share)

    def _try_stand_ins(self, plan: Plan, theirs: Rescored | None) -> StandInTrial | None:
        side = plan.production
        if theirs is None or not isinstance(side, StoodIn) or not isinstance(plan.evals, StoodIn):
            return None
        stood_in = side.stood_in()
        patterns = frequent(theirs.patterns & stood_in[:, None], len(plan.undoable))
        limit = int(EVAL_SHARE / 2 * self._case.rescored_rows) // (len(patterns) + 1)
        rows = len(self._evals.reached)
        some = np.sort(self._rng.permutation(rows)[: max(limit, 1)])
        trial = trial_side(plan.evals, some)
        tried = self._rescored(trial, self._case.eval.labels, self._evals.reached, patterns, 1)
        if tried is None:
            return None
        needed = int(np.bitwise_or.reduce(stood_in, initial=0))
        change = tried.change[some]
        return StandInTrial(stood_in, patterns, some, change, unasked=tried.unasked & needed)


def _operator(undone: int, others: int) -> Operator:
    if undone <= EXACT_UNDONE and undone + others <= EXACT_PLAYERS:
        return exact(undone + others)
    return first_and_last(undone + others)


def _change(found: Rescored | None, worlds: int) -> Floats:
    return np.zeros((1, worlds)) if found is None else found.change


def _stacked(columns: list[Floats], rows: int) -> Floats:
    return np.stack(columns, axis=1) if columns else np.empty((rows, 0))
