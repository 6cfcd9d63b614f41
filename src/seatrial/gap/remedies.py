"""Remedies tried on the reviewed rows: what each would have given, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from seatrial.evidence.closing import RemedyKind
from seatrial.evidence.confidence import Promise
from seatrial.gap.accuracy import ProductionScores
from seatrial.gap.case import FATES
from seatrial.gap.describing import Described
from seatrial.gap.rescoring import Rescored
from seatrial.gap.reviewed import Reviewed
from seatrial.stats.selective import STEPS

Floats = NDArray[np.float64]

PRESENT = 0.5
"""Intensity from which a gate closes: from there on a row counts as having the factor."""

LEAST_TOUCHED = 0.005
"""Share of requests below which a gate is not worth a line."""

MOST_TOUCHED = 0.5
"""Share above which a gate is no gate: it would refuse most of what users ask."""

MOST_GATES = 5
"""Gates that are tried, those of the commonest factors: every one widens all intervals."""

ALL = "all"


@dataclass(frozen=True)
class Trial:
    """One remedy, applied to the reviewed rows.

    Attributes:
        id: Kind, colon, what.
        kind: What is done.
        after: What each row then counts, 0 where it is not answered, shape (n,).
        answered: Whether it is then answered, shape (n,).
        weights: Share of all requests that each stands for; 0 where it was not tried.
        share: Share of all requests that is then answered.
        touched: Share that it does something to.
        withheld: Rows answered now and not then, shape (n,); ``None`` where nothing is withheld.
        tries: Choices that were open when it was made: thresholds chosen by these very rows.
        how: How it is done.
        cost: What it costs besides.
    """

    id: str
    kind: RemedyKind
    after: Floats
    answered: NDArray[np.bool_]
    weights: Floats
    share: float
    touched: float
    withheld: NDArray[np.bool_] | None = None
    tries: int = 1
    how: str = ""
    cost: str = ""


class Bench:
    """The reviewed rows as they are, and what each remedy makes of them.

    Args:
        scores: Scores and fates of all production rows.
        reviewed: Those with a label.
        described: What they look like.
    """

    def __init__(self, scores: ProductionScores, reviewed: Reviewed, described: Described) -> None:
        self._rows = reviewed
        self._fate = scores.fate
        self._described = described
        self._answered = reviewed.fate == 0
        self._share = float((scores.fate == 0).mean())

    def now(self) -> Trial:
        """Return things as they are."""
        return Trial(
            id="now",
            kind="answer",
            after=self._rows.counted,
            answered=self._answered,
            weights=self._rows.weights,
            share=self._share,
            touched=0.0,
        )

    def repairs(
        self, factors: tuple[str, ...], found: Rescored, *, unasked: frozenset[str]
    ) -> Iterator[Trial]:
        """Undo each factor that a repair exists for, then all of them.

        Args:
            factors: Their names, in the order of their bits.
            found: Scores of the reviewed rows with them undone.
            unasked: Those about which there was no time to ask.
        """
        for bit, factor in enumerate(factors):
            if factor in unasked:
                continue
            how = f'pass inputs through the describer\'s repair("{factor}") before the model'
            yield self._repair(factor, found, 1 << bit, how)
        if len(factors) > 1 and not unasked:
            how = f"pass inputs through the repairs of {', '.join(factors)}, in this order"
            yield self._repair(ALL, found, (1 << len(factors)) - 1, how)

    def _repair(self, name: str, found: Rescored, world: int, how: str) -> Trial:
        column = found.worlds.index(world)
        pattern, change = found.patterns[:, column], found.change[:, column]
        known = np.ones(pattern.size, dtype=bool)
        for one in np.unique(pattern[pattern > 0]):
            here = pattern == one
            known[here] = ~np.isnan(found.outcomes.moved(int(one)))[here]
        change = np.where(self._answered, change, 0.0)
        touched = self._rows.weights[pattern > 0].sum()
        broken = int((known & (change < 0)).sum())
        asked = int((known & (pattern > 0)).sum())
        return Trial(
            id=f"repair:{name}",
            kind="repair",
            after=self._rows.counted + change,
            answered=self._answered,
            weights=_shared_out(self._rows.weights, known, pattern > 0),
            share=self._share,
            touched=float(touched),
            how=how,
            cost=f"{broken:,} of {asked:,} rows that it changes are answered worse",
        )

    def gates(self, without: frozenset[str]) -> Iterator[Trial]:
        """Withhold answers to rows that have a factor.

        Args:
            without: Factors that a repair undoes: refusing them would be a waste.
        """
        for factor, here in self._gated(without).items():
            closed = here[self._reviewed_places()]
            withheld = closed & self._answered
            yield Trial(
                id=f"gate:{factor}",
                kind="gate",
                after=np.where(closed, 0.0, self._rows.counted),
                answered=self._answered & ~closed,
                weights=self._rows.weights,
                share=self._share_of(~here),
                touched=self._share_of(here),
                withheld=withheld,
                how=f"answer nothing, or ask somebody else, where {factor} is {PRESENT:g} or more",
                cost="whoever is asked instead wins where more of these are answered right",
            )

    def routes(self, without: frozenset[str], name: str, after: Floats) -> Iterator[Trial]:
        """Ask another model where a gate would close.

        Args:
            without: See :meth:`gates`.
            name: Of the other model.
            after: What its answers count, NaN where it was not asked.
        """
        for factor, here in self._gated(without).items():
            closed = here[self._reviewed_places()] & self._answered
            mixed = np.where(closed, after, self._rows.counted)
            found = self._other(name, mixed, changed=closed, here=here)
            how = f"ask {name} where {factor} is {PRESENT:g} or more"
            yield replace(found, id=f"route:{factor}->{name}", kind="route", how=how)

    def variant(self, name: str, after: Floats) -> Trial:
        """Ask another model instead, of everything that is answered now."""
        mixed = np.where(self._answered, after, self._rows.counted)
        here = np.ones(self._described.rows.size, dtype=bool)
        return self._other(name, mixed, changed=self._answered, here=here)

    def _other(
        self, name: str, after: Floats, *, changed: NDArray[np.bool_], here: NDArray[np.bool_]
    ) -> Trial:
        known = np.isfinite(after)
        worse = int((known & (after < self._rows.counted)).sum())
        return Trial(
            id=f"variant:{name}",
            kind="variant",
            after=np.where(known, after, 0.0),
            answered=self._answered,
            weights=_shared_out(self._rows.weights, known, changed),
            share=self._share,
            touched=self._share_of(here),
            how=f"serve {name} instead",
            cost=f"{worse:,} of {int((known & changed).sum()):,} rows are answered worse by it",
        )

    def threshold(self, promise: Promise, selector: Floats, *, tried: NDArray[np.bool_]) -> Trial:
        """Answer only from a threshold on.

        Args:
            promise: Whose threshold it is.
            selector: What it is a threshold of, for every reviewed row.
            tried: Reviewed rows that the selector was not fitted to.
        """
        rows, threshold = self._rows, promise.threshold or 0.0
        above = (selector >= threshold) & np.isfinite(rows.given)
        earned = promise.state == "made"
        return Trial(
            id=f"threshold:{'reviews' if earned else 'eval'}",
            kind="threshold",
            after=np.where(above, np.nan_to_num(rows.given), 0.0),
            answered=above,
            weights=_shared_out(rows.weights, tried, np.ones(tried.size, dtype=bool)),
            share=promise.share or 0.0,
            touched=abs(self._share - (promise.share or 0.0)),
            withheld=self._answered & ~above,
            tries=STEPS if earned else 1,
            how=f"[serving] confidence_min = {threshold:.4g}"
            if promise.by == "confidence"
            else f"answer where the correctness model says {threshold:.4g} or more",
            cost="what is withheld has to be answered by somebody else",
        )

    def unanswered(self, worth: Floats, asked: Mapping[int, int]) -> Iterator[Trial]:
        """Answer what was withheld, or what failed, wherever it is known what it was worth.

        Args:
            worth: Score of every reviewed row's answer, given, withheld or asked for again.
            asked: Reviewed rows of each fate whose answer is known.
        """
        how = {1: "lower [serving] confidence_min", 2: "mend what makes requests fail"}
        for code in (1, 2):
            here = self._rows.fate == code
            if not here.any() or asked.get(code, 0) < here.sum():
                continue
            share = float((self._fate == code).mean())
            yield Trial(
                id=f"answer:{FATES[code]}",
                kind="answer",
                after=np.where(here, worth, self._rows.counted),
                answered=self._answered | here,
                weights=self._rows.weights,
                share=self._share + share,
                touched=share,
                how=how[code],
                cost="users get these answers, wrong ones as well",
            )

    def _gated(self, without: frozenset[str]) -> dict[str, NDArray[np.bool_]]:
        """Return the described rows in which each gate closes, the commonest factors first."""
        found: dict[str, tuple[float, NDArray[np.bool_]]] = {}
        for factor, intensity in self._described.intensity.items():
            here = np.asarray(intensity >= PRESENT)
            share = float(self._described.weights[here].sum() / self._described.weights.sum())
            if factor not in without and LEAST_TOUCHED <= share <= MOST_TOUCHED:
                found[factor] = (share, here)
        common = sorted(found, key=lambda name: -found[name][0])[:MOST_GATES]
        return {name: found[name][1] for name in common}

    def _share_of(self, here: NDArray[np.bool_]) -> float:
        """Return the share of all requests that are answered now and of which this is so."""
        answered = self._fate[self._described.rows] == 0
        weights = self._described.weights
        return float(weights[here & answered].sum() / weights.sum())

    def _reviewed_places(self) -> NDArray[np.intp]:
        place = np.full(self._fate.size, -1, dtype=np.intp)
        place[self._described.rows] = np.arange(self._described.rows.size)
        return place[self._rows.rows]


def _shared_out(weights: Floats, known: NDArray[np.bool_], changed: NDArray[np.bool_]) -> Floats:
    """Let changed rows that were tried stand for those that were not.

    >>> rows = np.array([True, False, True])
    >>> _shared_out(np.ones(3) / 4, rows, np.array([True, True, False])).tolist()
    [0.5, 0.0, 0.25]
    """
    found = np.where(known, weights, 0.0)
    tried = float(found[changed].sum())
    if tried > 0:
        found[changed] *= float(weights[changed].sum()) / tried
    return found
