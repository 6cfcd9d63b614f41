"""The game behind the ledger: what is left of the drop with some of its factors undone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seatrial.gap.case import FATES
from seatrial.gap.changes import Changes
from seatrial.gap.material import Material
from seatrial.gap.outcome import (
    DOMAIN_SD,
    ELSEWHERE_SD,
    FACTOR_SD,
    LEFT_SD,
    UNLIKE_SD,
    Moments,
    Prior,
    helping,
    moments,
    ramps,
    solve,
)

Floats = NDArray[np.float64]

SEEN = 2
"""Columns of the design before the factors: one, and whether the row is a production row. The
factors' own columns follow, and then, of those that cannot be undone, once more on eval rows."""


@dataclass(frozen=True)
class Lot:
    """One draw of what is not known, beside which rows were drawn.

    Attributes:
        centre: Of the outcome model's prior, in its standard deviations, per coefficient.
        change: The same, of what undoing changes.
        doubt: How far off each world's mean is because rows were not asked.
        pull: Standard errors by which the forecast of each undone factor is off.
    """

    centre: Floats
    change: Floats
    doubt: Floats
    pull: Floats


class Game:
    """The value of every coalition of factors: what is left of the drop with them undone.

    ``v(S) = production(S) - eval(S)``: mean scores with the factors of S undone on both sides. A
    factor that was repaired or stood in for is undone in the rows themselves; what its undoing
    left over, and any factor that cannot be undone, is taken away through the outcome model by
    giving production eval's mean intensity. So a factor that is as common in eval as in production
    explains nothing, and ``v(all)`` is what no factor explains.

    The outcome model is fitted to the scores with everything undone that can be. To the other
    worlds it is carried by what undoing changed in each row, fitted apart: a row without a factor
    is not changed by undoing it, so a factor that comes with others cannot take their part.

    Args:
        material: What was gathered.
    """

    def __init__(self, material: Material) -> None:
        self._m = material
        self._views = self._make_views()
        rows = len(material.labelled)
        self._owner, self._eval_columns = self._columns(material.eval_intensity)
        self._population = self._columns(material.intensity)[1]
        self._apart = np.flatnonzero(self._owner >= len(material.undone))
        self._design = self._production_design(self._population[material.labelled])
        self._both = np.concatenate([self._design_of_eval(self._eval_columns), self._design])
        self._fate = material.fate[material.labelled]
        worlds = [material.worlds.index(world) for world, _ in self._views]
        self._eval_scores = material.eval_scores[:, worlds]
        reached = np.ones((rows, len(self._views)))
        for view, (_, undone) in enumerate(self._views):
            for code in material.fates:
                if code not in undone:
                    reached[self._fate == code, view] = 0.0
        self._scores = material.scores[:, worlds] * reached
        self._worth = material.scores[:, worlds]
        self._base = self._make_base()
        self._bases = np.unique(self._base)
        self._others = np.setdiff1d(np.arange(len(self._views)), self._bases)
        self._responses = np.concatenate([self._eval_scores, self._scores])
        self._responses[:, self._others] -= self._responses[:, self._base[self._others]]
        self._changes = self._make_changes(worlds)
        # Another cell in its place leaves nothing of what was there. A repair that did not surely
        # win something has left nothing that is surely the factor's; that it may have is in draws.
        repaired = [one.causal for one in material.undone]
        self._priors = self._make_priors([one.causal and one.matters for one in material.undone])
        self._doubted = self._make_priors(repaired)
        self._free = np.array(
            [True] * SEEN + [False] * len(self._owner) + [True] * self._apart.size
        )
        sums = self._moments(np.ones(len(material.eval_scores)), self._post(material.rows))
        first = self._base[:1]
        self._free = helping(sums.of(first), self._priors[int(first[0])], self._free)

    @property
    def coefficients(self) -> int:
        """How many coefficients the outcome model has."""
        return len(self._free)

    def values(
        self,
        evals: Floats,
        production: Floats,
        *,
        lot: Lot | None = None,
    ) -> tuple[Floats, float]:
        """Return the value of every coalition of the operator, and the drop itself.

        Args:
            evals: How often each eval row counts, shape (n_eval,).
            production: How often each described production row counts, shape (n,).
            lot: How far off everything is that resampling rows does not show; default: not at all.
        """
        production = production * self._m.rows
        post = self._post(production)
        slopes, on_eval = self._slopes(evals, post, lot)
        ours = evals @ self._eval_columns / evals.sum()
        theirs = production @ self._population / production.sum()
        drawn = post @ self._design[:, SEEN : SEEN + len(self._owner)] / post.sum()
        drawn = np.where(self._foretold, theirs, drawn)
        level = self._levels(post, production, pull=None if lot is None else lot.pull)
        start = evals @ self._eval_scores / evals.sum()
        bias = self._m.bias.off(evals)
        if lot is not None:
            bias = bias + lot.doubt
        found = np.empty(len(self._m.operator.coalitions))
        for place, coalition in enumerate(self._m.operator.coalitions):
            view = self._view_of(coalition)
            inside = (coalition >> self._owner & 1).astype(float)
            adjusted = (theirs - drawn) - inside * theirs
            world = self._m.worlds.index(self._views[view][0])
            found[place] = level[view] + slopes[:, view] @ adjusted - start[view] - bias[world]
            found[place] += on_eval[:, view] @ (inside * ours)
        return found, float(level[self._view_of(0)] - start[self._view_of(0)])

    def draw(self, rng: np.random.Generator) -> Lot:
        """Draw how far off everything is that resampling rows does not show."""
        factors = 0 if self._changes is None else self._changes.factors
        return Lot(
            centre=rng.standard_normal(self.coefficients),
            change=rng.standard_normal(self.coefficients),
            doubt=_doubt(self._m, rng),
            pull=rng.standard_normal(factors),
        )

    def _slopes(self, evals: Floats, post: Floats, lot: Lot | None) -> tuple[Floats, Floats]:
        """Return the coefficients of the factors' columns, in production and on eval."""
        sums = self._moments(evals, post)
        found = np.zeros_like(sums.moment)
        anything = np.ones_like(self._free)
        known = self._priors if lot is None else self._doubted
        for views, free, drawn in (
            (self._bases, self._free, None if lot is None else lot.centre),
            (self._others, anything, None if lot is None else lot.change),
        ):
            priors = [known[int(view)] for view in views]
            centres = None if drawn is None else [prior.root @ drawn for prior in priors]
            found[:, views] = solve(sums.of(views), priors, free, centres=centres)
        found[:, self._others] += found[:, self._base[self._others]]
        last = SEEN + len(self._owner)
        slopes = found[SEEN:last]
        on_eval = slopes.copy()
        on_eval[self._apart] = found[last:]
        return slopes, on_eval

    def _production_design(self, columns: Floats) -> Floats:
        rows = len(columns)
        seen = [np.ones((rows, 1)), np.ones((rows, 1))]
        return np.hstack([*seen, columns, np.zeros((rows, self._apart.size))])

    def _design_of_eval(self, columns: Floats) -> Floats:
        rows = len(columns)
        own = columns.copy()
        own[:, self._apart] = 0.0
        seen = [np.ones((rows, 1)), np.zeros((rows, 1))]
        return np.hstack([*seen, own, columns[:, self._apart]])

    def _make_views(self) -> list[tuple[int, frozenset[int]]]:
        views: list[tuple[int, frozenset[int]]] = []
        for coalition in self._m.operator.coalitions:
            view = self._split(coalition)
            if view not in views:
                views.append(view)
        return views

    def _make_base(self) -> NDArray[np.intp]:
        """Return for each view the one with the same fates in which most is undone."""
        found = []
        for place, (world, fates) in enumerate(self._views):
            wider = [
                (other.bit_count(), -at)
                for at, (other, undone) in enumerate(self._views)
                if undone == fates and other & world == world
            ]
            found.append(-max(wider, default=(0, -place))[1])
        return np.array(found, dtype=np.intp)

    def _split(self, coalition: int) -> tuple[int, frozenset[int]]:
        """Return the world of a coalition and the fates that it undoes."""
        world = coalition & ((1 << len(self._m.undone)) - 1)
        first = len(self._m.described)
        undone = frozenset(
            code for place, code in enumerate(self._m.fates) if coalition >> (first + place) & 1
        )
        return world, undone

    def _view_of(self, coalition: int) -> int:
        return self._views.index(self._split(coalition))

    def _columns(self, intensity: Floats) -> tuple[NDArray[np.int64], Floats]:
        """Return the columns of the outcome model, and which player each belongs to."""
        owners, columns = [], []
        for place in range(len(self._m.described)):
            own = intensity[:, [place]]
            if place >= len(self._m.undone):
                own = ramps(intensity[:, place])
            owners += [place] * own.shape[1]
            columns.append(own)
        empty = np.empty((len(intensity), 0))
        return np.array(owners, dtype=np.int64), np.hstack(columns) if columns else empty

    @property
    def _foretold(self) -> NDArray[np.bool_]:
        """Columns of factors whose change is known in all rows, drawn as labelled or not."""
        undone = self._owner < len(self._m.undone)
        return undone if self._changes is not None else np.zeros_like(undone)

    def _make_changes(self, worlds: list[int]) -> Changes | None:
        material = self._m
        if material.forecast is None:
            return None
        reached = np.ones((len(material.fate), len(self._views)))
        for view, (_, undone) in enumerate(self._views):
            for code in material.fates:
                if code not in undone:
                    reached[material.fate == code, view] = 0.0
        self._plain = material.scores[:, [material.worlds.index(0)]] * reached[material.labelled]
        return Changes.of(
            material.forecast,
            self._scores - self._plain,
            reached,
            views=worlds,
            worlds=material.worlds,
            labelled=material.labelled,
            post=self._post(material.rows),
            production=material.rows,
        )

    def _make_priors(self, leaves: list[bool]) -> list[Prior]:
        """Return the prior of each view.

        Args:
            leaves: Of each undone factor, whether undoing it may have left some of it.
        """
        left = [LEFT_SD if one else 0.0 for one in leaves]
        modelled = [DOMAIN_SD if n == "domain" else FACTOR_SD for n in self._m.modelled]
        pieces = np.sqrt(np.maximum(np.bincount(self._owner, minlength=len(self._m.described)), 1))
        last = SEEN + len(self._owner)
        twins = {
            last + place: (SEEN + int(column), UNLIKE_SD)
            for place, column in enumerate(self._apart)
        }
        priors = []
        for place, (world, _) in enumerate(self._views):
            undone = world if self._base[place] == place else 0
            own = [sd if undone >> bit & 1 else FACTOR_SD for bit, sd in enumerate(left)]
            sds = (np.array([*own, *modelled]) / pieces)[self._owner]
            every = np.concatenate([[np.inf, ELSEWHERE_SD], sds, np.ones(len(twins))])
            priors.append(Prior.of(every, twins))
        return priors

    def _moments(self, evals: Floats, post: Floats) -> Moments:
        effective = post.sum() ** 2 / max(np.square(post).sum(), 1e-12)
        weights = np.concatenate([evals, post * (effective / post.sum())])
        return moments(self._both, self._responses, weights)

    def _post(self, production: Floats) -> Floats:
        """Return weights of the labelled rows; each fate weighs what it weighs among all rows."""
        drawn = production[self._m.labelled] * self._m.weights
        weights = np.zeros(drawn.size)
        for code in range(len(FATES)):
            here = self._fate == code
            total = drawn[here].sum()
            if total > 0:
                share = production[self._m.fate == code].sum() / production.sum()
                weights[here] = drawn[here] / total * share
        return weights

    def _levels(self, post: Floats, production: Floats, *, pull: Floats | None = None) -> Floats:
        """Return the mean score of all requests, per view; a fate without labels is as usual."""
        level = post @ self._scores
        if self._changes is not None:
            level = post @ self._plain + self._changes.mean(post, production, pull=pull)
        answered = np.where(self._fate == 0, post, 0.0)
        for code in self._m.fates:
            if post[self._fate == code].sum() > 0 or answered.sum() <= 0:
                continue
            share = production[self._m.fate == code].sum() / production.sum()
            usual = answered @ self._worth / answered.sum()
            undone = np.array([code in fates for _, fates in self._views])
            level = level + share * np.where(undone, usual, 0.0)
        return np.asarray(level)


def _doubt(material: Material, rng: np.random.Generator) -> Floats:
    found = np.zeros(len(material.worlds))
    for errors in material.doubt:
        found += errors @ rng.standard_normal(errors.shape[1])
    return found
