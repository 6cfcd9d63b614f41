"""Mending confidence: temperature and isotonic maps, fitted on some rows and judged on others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

Method = Literal["none", "temperature", "isotonic"]

FOLDS = 5
"""Each row's mended confidence comes from the four fifths of the rows that it is not in."""

LEAST_ROWS = 50
"""Rows below which nothing is fitted: a fold of ten tells no map from another."""

ISOTONIC_ROWS = 500
"""Rows from which a step function may be fitted: with fewer it learns noise (Niculescu-Mizil and
Caruana 2005, figure 7, find temperature-like maps ahead below about a thousand)."""

TEMPERATURES = (0.05, 20.0)
"""Beyond these, confidence is a coin's or a certainty whatever the model said."""

SURE_ERRORS = 1.0
"""Standard errors by which a map has to lower the squared error to be worth its keep."""

SURE = 1e-6
"""Confidence is kept this far from 0 and 1: one certain miss would otherwise outweigh all rows."""

PROBABILITY_ERROR = 1e-3
"""Scores that sum to 1 within this are probabilities; others are margins and have no temperature
of their own."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Said:
    """How sure the model said it was.

    Attributes:
        confidence: Of each answer, shape (n,), in [0, 1].
        shares: Probability of every class, shape (n, classes); ``None`` where not all rows have it.
        chosen: Column of the answer that was given, shape (n,).
    """

    confidence: Floats
    shares: Floats | None = None
    chosen: NDArray[np.intp] | None = None

    def taken(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Said:
        """Return the same for some of the rows."""
        shares = None if self.shares is None else self.shares[rows]
        chosen = None if self.chosen is None else self.chosen[rows]
        return Said(self.confidence[rows], shares, chosen)


@dataclass(frozen=True)
class Map:
    """A map from confidence as said to confidence as it should be, in plain numbers.

    Attributes:
        method: ``none`` leaves confidence as it is.
        temperature: Above 1 makes less sure.
        points: Corners of the isotonic map, (said, meant), joined by straight lines.
    """

    method: Method = "none"
    temperature: float | None = None
    points: tuple[tuple[float, float], ...] = ()

    def __call__(self, said: Said) -> Floats:
        """Return mended confidences, shape (n,).

        >>> Map("temperature", temperature=2.0)(Said(np.array([0.9]))).round(3).tolist()
        [0.75]
        """
        if self.temperature is not None:
            return _cooled(said, self.temperature)
        if self.points:
            said_at, meant = np.array(self.points).T
            return np.asarray(np.interp(said.confidence, said_at, meant))
        return said.confidence


@dataclass(frozen=True)
class Recalibrated:
    """The map that was chosen, and confidences of rows that it was not fitted on."""

    map: Map
    confidence: Floats


def said_of(
    confidence: Floats, scores: list[dict[str, float] | None], outputs: list[object]
) -> Said:
    """Put answers into arrays; scores are used where every row's are probabilities of one set.

    >>> said = said_of(np.array([0.7]), [{"a": 0.7, "b": 0.3}], ["a"])
    >>> said.shares.tolist(), said.chosen.tolist()
    ([[0.7, 0.3]], [0])
    """
    names = sorted({name for row in scores if row for name in row})
    place = {name: column for column, name in enumerate(names)}
    whole = all(row is not None and len(row) == len(names) for row in scores)
    if not names or not whole or any(str(one) not in place for one in outputs):
        return Said(confidence)
    shares = np.array([[row[name] for name in names] for row in scores if row], dtype=float)
    if (shares < 0).any() or np.abs(shares.sum(axis=1) - 1.0).max() > PROBABILITY_ERROR:
        return Said(confidence)
    return Said(confidence, shares, np.array([place[str(one)] for one in outputs], dtype=np.intp))


def fit(method: Method, said: Said, scores: Floats, weights: Floats) -> Map:
    """Fit one kind of map to rows that were scored.

    A temperature divides the logarithms of the scores, or of the odds of the confidence where there
    are no scores, and minimises the log loss of *being right* (Guo et al. 2017, section 4.2, with
    the answer's own probability, so that graded scores have a place). An isotonic map is the
    monotone function with the least squared error (Zadrozny and Elkan 2002).

    Args:
        method: Which kind.
        said: Confidences.
        scores: 1 for a right answer, 0 for a wrong one, shape (n,).
        weights: What each row counts, shape (n,).
    """
    if method == "none":
        return Map()
    if method == "isotonic":
        from sklearn.isotonic import IsotonicRegression

        steps = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
        steps.fit(said.confidence, scores, sample_weight=weights)
        corners = zip(steps.X_thresholds_.tolist(), steps.y_thresholds_.tolist(), strict=True)
        return Map("isotonic", points=tuple(corners))

    def loss(log_temperature: float) -> float:
        sure = np.clip(_cooled(said, float(np.exp(log_temperature))), SURE, 1.0 - SURE)
        right = scores * np.log(sure) + (1.0 - scores) * np.log1p(-sure)
        return -float(np.average(right, weights=weights))

    found = optimize.minimize_scalar(loss, bounds=tuple(np.log(TEMPERATURES)), method="bounded")
    return Map("temperature", temperature=float(np.exp(found.x)))


def recalibrate(
    said: Said, scores: Floats, *, rng: np.random.Generator, weights: Floats | None = None
) -> Recalibrated:
    """Choose the map under which confidence is nearest to the truth, if any is surely nearer.

    Every kind is cross-fitted; the one with the least squared error (Brier 1950) on rows that it
    was not fitted on is kept, provided that it is lower than without a map by a standard error.

    Args:
        said: Confidences.
        scores: Shape (n,), in [0, 1].
        rng: Decides the folds.
        weights: Inverse inclusion probabilities; default: all alike.
    """
    drawn = np.ones(scores.size) if weights is None else weights
    kinds: list[Method] = [] if scores.size < LEAST_ROWS else ["temperature"]
    if scores.size >= ISOTONIC_ROWS:
        kinds.append("isotonic")
    fold = rng.permutation(scores.size) % FOLDS
    plain = np.square(said.confidence - scores)
    best: Method = "none"
    chosen, lowest = said.confidence, float(np.average(plain, weights=drawn))
    for kind in kinds:
        mended = np.empty(scores.size)
        for one in range(FOLDS):
            rest, held = fold != one, fold == one
            mended[held] = fit(kind, said.taken(rest), scores[rest], drawn[rest])(said.taken(held))
        error = np.square(mended - scores)
        mean = float(np.average(error, weights=drawn))
        if mean < lowest and _sure(plain - error, drawn):
            best, chosen, lowest = kind, mended, mean
    return Recalibrated(fit(best, said, scores, drawn), chosen)


def _sure(gain: Floats, weights: Floats) -> bool:
    mean = float(np.average(gain, weights=weights))
    error = float(np.sqrt(np.square(weights * (gain - mean)).sum()) / weights.sum())
    return mean > SURE_ERRORS * error


def _cooled(said: Said, temperature: float) -> Floats:
    if said.shares is None or said.chosen is None:
        kept = np.clip(said.confidence, SURE, 1.0 - SURE)
        return np.asarray(1.0 / (1.0 + np.exp(-np.log(kept / (1.0 - kept)) / temperature)))
    logs = np.log(np.maximum(said.shares, SURE)) / temperature
    raised = np.exp(logs - logs.max(axis=1, keepdims=True))
    rows = np.arange(said.chosen.size)
    return np.asarray(raised[rows, said.chosen] / raised.sum(axis=1))
