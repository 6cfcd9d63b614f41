"""What the ledger is computed from, as arrays: scores in every world, and intensities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from seatrial.gap.bias import Bias
from seatrial.gap.forecast import Forecast
from seatrial.gap.rescoring import Rescored
from seatrial.gap.undoing import Repaired, Undoing
from seatrial.stats.attribution import Operator

Floats = NDArray[np.float64]

MATTERS_T = 2.0
"""Standard errors above 0 from which the mean gain of undoing a factor is believed."""

MOVES_T = 3.0
"""Standard errors by which undoing a column, alone or last, has to move accuracy to be believed."""

HURTS_T = -2.0
"""A repair whose mean gain lies this many standard errors below 0 does not undo its factor."""

FELT_SHARE = 0.05
"""Share of scores that a style which the model ignores may change; what it feels changes more."""


@dataclass(frozen=True)
class Plan:
    """Which factors are undone, in which rows, and how all factors are described.

    Attributes:
        undoable: Factors that will be undone, in the order of their bits.
        evals: How to undo them in the eval rows; ``None`` where nothing is undone.
        production: The same for the labelled production rows.
        intensity: Per factor, the described production rows.
        before: Per factor, all eval rows.
        everybody: How to undo them in all described production rows; texts only.
        uses: Per column, the share of rows whose score depends on it.
        stood_in: Columns whose cells were stood in for, rather than repaired.
    """

    intensity: Mapping[str, Floats]
    before: Mapping[str, Floats]
    undoable: tuple[str, ...] = ()
    evals: Undoing | None = None
    production: Undoing | None = None
    everybody: Repaired | None = None
    uses: Mapping[str, float] = field(default_factory=dict)
    stood_in: frozenset[str] = frozenset()

    @property
    def modelled(self) -> tuple[str, ...]:
        """Factors known by their intensity only."""
        return tuple(name for name in self.intensity if name not in self.undoable)


@dataclass(frozen=True)
class Undone:
    """One factor that was undone, and what is known of it.

    Attributes:
        id: Its ledger id.
        causal: Whether it was undone itself, rather than stood in for.
        use: Share of rows in which the model's score depends on it; 1 where not measured.
        rows: Labelled production rows that were re-scored with it undone.
        gain: Mean change of score in these rows.
        gain_error: Standard error of that.
        flips: Share of these rows whose score changes at all.
        moved: Mean change over all labelled rows, undone alone and undone last, in standard
            errors; the larger of the two.
        within: Two standard errors of it, as a fraction.
    """

    id: str
    causal: bool
    use: float
    rows: int
    gain: float
    gain_error: float
    flips: float
    moved: float
    within: float

    @property
    def matters(self) -> bool:
        """Whether undoing it surely won something back in the rows that have it."""
        return self.gain > MATTERS_T * self.gain_error

    @property
    def moves(self) -> bool:
        """Whether undoing it moves the accuracy of all labelled rows beyond doubt."""
        return self.moved >= MOVES_T

    @property
    def hurts(self) -> bool:
        """Whether it is a repair that surely made answers worse."""
        return self.causal and self.gain_error > 0 and self.gain < HURTS_T * self.gain_error

    @property
    def felt(self) -> bool:
        """Whether the model feels it: undoing it changes more than a few scores, either way."""
        return self.flips > FELT_SHARE


@dataclass(frozen=True, kw_only=True)
class Material:
    """Everything the ledger needs.

    Players are, in the order of their bits: ``undone``, ``modelled``, ``fates``.

    Attributes:
        undone: Factors that were undone.
        modelled: Ids of factors known by intensity only.
        fates: Codes of the fates of requests that are players (abstained, failed).
        fates_asked: Labelled requests of each of these whose answer is known all the same.
        harmless: Columns that changed and cost nothing, and how much they may still have cost
            (points); 0 where the model does not use them.
        operator: How values of coalitions become shares.
        worlds: Sets of undone factors, as bits; the columns of the score tables.
        eval_scores: Shape (n_eval, worlds).
        eval_intensity: Shape (n_eval, undone and modelled).
        scores: Labelled production rows, shape (n, worlds): what the answer is worth, whatever
            became of the request.
        intensity: Described production rows, shape (n, undone and modelled).
        fate: Their codes.
        rows: How many production rows each stands for.
        labelled: Which of them are the labelled ones.
        weights: Of the labelled rows: inverse inclusion probabilities.
        bias: What was taken out of ``scores`` because stand-ins are not the true cells.
        unasked: Factors of which nothing is known because the time was over; those among
            ``undone`` are undone nowhere.
        doubt: Standard deviations of each world's mean, on eval and in production, because some
            rows were not asked; each of shape (worlds, k).
        criticisms: What is weak.
        forecast: What undoing changes in all described rows; ``None`` where it was not asked.
        undoing: How factors were undone in the labelled rows; ``None`` where they were not.
        rescored: What that did to their scores.
    """

    undone: tuple[Undone, ...]
    modelled: tuple[str, ...]
    fates: tuple[int, ...]
    fates_asked: Mapping[int, int]
    harmless: Mapping[str, float]
    operator: Operator
    worlds: tuple[int, ...]
    eval_scores: Floats
    eval_intensity: Floats
    scores: Floats
    intensity: Floats
    fate: NDArray[np.int64]
    rows: Floats
    labelled: NDArray[np.intp]
    weights: Floats
    bias: Bias
    unasked: tuple[str, ...] = ()
    doubt: tuple[Floats, ...] = ()
    criticisms: tuple[str, ...] = ()
    forecast: Forecast | None = None
    undoing: Undoing | None = None
    rescored: Rescored | None = None

    @property
    def described(self) -> tuple[str, ...]:
        """Ids of the players that have an intensity."""
        return (*(one.id for one in self.undone), *self.modelled)
