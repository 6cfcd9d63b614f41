"""Finds slices of the reviewed rows in which the model errs more than elsewhere.

Rounds: the worst slice of all is taken where chance alone would hardly show one as bad anywhere
among all that were looked at; then rows are compared only with rows that are alike in the slices
taken so far, so that a slice that says the same again has nothing left to say. The first round that
finds nothing ends the search. A false pattern can be taken only in the first round in which nothing
true is left, so that the chance of any in the list is that of one round.

Rounds deal the losses out anew (:mod:`seatrial.stats.excess`). Columns and descriptors, words, and
pairs of these each get a third of the level: looking at thousands of pairs does not hide what one
column shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy import stats

from seatrial.evidence.patterns import Example, Pattern, Patterns
from seatrial.evidence.recorder import encodable
from seatrial.gap.accuracy import ProductionScores
from seatrial.gap.case import ProductionRows
from seatrial.gap.describing import Described
from seatrial.gap.traits import LEAST_ROWS, MOST_SHARE, Mask, Trait, traits
from seatrial.stats.excess import Dealer, Excesses
from seatrial.stats.intervals import Interval, mean_interval

Floats = NDArray[np.float64]

LEVEL = 0.05
"""Chance of any false pattern in the list."""

TIERS = ("columns and descriptors", "words", "pairs of these")
"""Families that share the level evenly, the easiest to read first."""

REPLICATES = 499
"""Dealings: the critical value of a third of 5 % then rests on eight of them."""

LEAST_REVIEWED = 60
"""Reviewed rows below which even a slice that is always wrong can hardly be told from chance."""

MOST_REVIEWED = 5_000
"""Reviewed rows searched; of more, so many are drawn: the power is there, and time counts."""

MOST_PATTERNS = 8
"""Patterns listed: a reviewer reads no more."""

PAIRED = 100
"""Traits that are paired with each other: described ones first, then the most frequent words."""

PAIRED_WORDS = 40

NEARLY_ALL = 0.9
"""Part of a trait's rows from which a pair with it is the trait itself."""

SIMPLER = 1.0
"""Statistic that a slice may lack to the worst of all and be named for it, if it is easier to read
and holds mostly the same rows: within one standard error nothing tells the two apart."""

SURE = 3.0
"""Standard errors by which a pair has to be worse than the rest of either of its traits."""

ALIKE, NEARLY_ALIKE = 0.5, 0.7
"""Jaccard similarity from which slices hold mostly, and nearly, the same rows."""

EXAMPLES, OTHERS = 5, 3

TENTH, POWER = 0.1, 0.8

SHOWN = 300
"""Characters of an input that an example shows."""


@dataclass(frozen=True)
class Candidate:
    """One slice: its conditions, its rows, and the candidates that it is the meeting of."""

    where: tuple[str, ...]
    tier: int
    rows: Mask
    also: tuple[str, ...] = ()
    parents: tuple[int, ...] = ()


def find_patterns(
    rows: ProductionRows,
    scores: ProductionScores,
    described: Described,
    *,
    rng: np.random.Generator,
    level: float = LEVEL,
) -> Patterns:
    """Look for slices of the reviewed rows that err more than the rest.

    Args:
        rows: Production rows.
        scores: Their scores; a labelled request that was not answered counts as wrong.
        described: What they look like.
        rng: Decides the dealings and the examples.
        level: Chance of any false pattern.
    """
    seen = scores.taken(described.rows)
    reviewed = np.flatnonzero(seen.labelled)
    if reviewed.size > MOST_REVIEWED:
        reviewed = np.sort(rng.choice(reviewed, MOST_REVIEWED, replace=False))
    if reviewed.size < LEAST_REVIEWED:
        why = f"{reviewed.size} rows are reviewed; {LEAST_REVIEWED} are the least to look among"
        return Patterns(rows=int(reviewed.size), level=level, why=why)
    losses = 1.0 - seen.counted()[reviewed]
    errors = float(losses.sum())
    if not losses.std():
        why = "every reviewed answer is wrong" if errors else "every reviewed answer is right"
        return Patterns(rows=int(reviewed.size), errors=errors, level=level, why=why)
    places = described.rows[reviewed]
    found = traits(
        [rows.inputs[int(place)] for place in places],
        columns={name: _taken(values, places) for name, values in rows.columns.items()},
        descriptors={name: values[reviewed] for name, values in described.descriptors.items()},
        intensity={name: values[reviewed] for name, values in described.intensity.items()},
    )
    search = Search(found, losses, seen.weights[reviewed], level=level, rng=rng)
    return search.run(lambda pattern: _examples(pattern, losses, places, rows, rng))


class Search:
    """Takes one slice after the other; see the module.

    Args:
        found: Traits of the reviewed rows.
        losses: In [0, 1], shape (n,).
        weights: Inverse inclusion probabilities, shape (n,).
        level: Chance of any false pattern.
        rng: Source of the dealings.
    """

    def __init__(
        self,
        found: Sequence[Trait],
        losses: Floats,
        weights: Floats,
        *,
        level: float,
        rng: np.random.Generator,
    ) -> None:
        self._losses = losses
        self._weights = weights
        self._level = level
        self._rng = rng
        singles = [
            Candidate((one.says,), int(one.family == "word"), one.rows, one.also) for one in found
        ]
        self._candidates = [*singles, *_pairs(singles)]
        self._tiers = [
            np.array([p for p, one in enumerate(self._candidates) if one.tier == tier], dtype=int)
            for tier in range(len(TIERS))
        ]
        shape = (len(self._candidates), losses.size)
        self._rows = np.array([one.rows for one in self._candidates], dtype=bool).reshape(shape)
        self._statistics = np.empty(0)
        self._critical = np.empty(0)
        self._families: list[Excesses] = []

    def run(self, examples: Any) -> Patterns:
        """Return what was found; ``examples`` draws them for the rows of a pattern."""
        patterns: list[Pattern] = []
        cells = np.zeros(self._losses.size, dtype=np.int64)
        detectable = None
        while len(patterns) < MOST_PATTERNS and self._candidates:
            self._look(cells)
            if not patterns:
                detectable = self._detectable()
            best = self._best()
            if best is None:
                break
            pattern = self._pattern(best, examples)
            if pattern.excess_points <= 0:
                break
            patterns.append(pattern)
            cells = np.unique(cells * 2 + self._candidates[best].rows, return_inverse=True)[1]
        return Patterns(
            found=tuple(patterns),
            looked_at=len(self._candidates),
            rows=int(self._losses.size),
            errors=float(self._losses.sum()),
            level=self._level,
            method=f"largest of all statistics in {REPLICATES} permutations of the losses "
            f"(Westfall and Young); a third of the level each for {', '.join(TIERS)}",
            detectable_points=detectable,
        )

    def _look(self, cells: NDArray[np.int64]) -> None:
        dealer = Dealer(self._losses, self._weights, cells, rng=self._rng, replicates=REPLICATES)
        self._families = [dealer.excesses(self._rows[places]) for places in self._tiers]
        self._statistics = np.empty(len(self._candidates))
        self._critical = np.array(
            [family.critical(self._level / len(TIERS)) for family in self._families]
        )
        for places, family in zip(self._tiers, self._families, strict=True):
            self._statistics[places] = family.statistics

    def _best(self) -> int | None:
        """Return the slice to take: the worst, or one that says nearly the same more simply."""
        tiers = np.array([one.tier for one in self._candidates])
        beyond = np.flatnonzero(self._statistics >= self._critical[tiers])
        if not beyond.size:
            return None
        worst = int(beyond[self._statistics[beyond].argmax()])
        worst = self._without_needless_half(worst, set(beyond.tolist()))
        near = [
            int(place)
            for place in beyond
            if self._statistics[place] >= self._statistics[worst] - SIMPLER
            and _jaccard(self._rows[place], self._rows[worst]) >= ALIKE
        ]
        return min(near, key=lambda place: (tiers[place], -self._statistics[place]))

    def _without_needless_half(self, place: int, beyond: set[int]) -> int:
        """Return one trait of a pair where the other adds nothing that is sure."""
        parents = [one for one in self._candidates[place].parents if one in beyond]
        enough = [one for one in parents if self._gain(place, one) < SURE]
        return max(enough, key=lambda one: float(self._statistics[one]), default=place)

    def _gain(self, place: int, parent: int) -> float:
        """Return by how many standard errors a pair is worse than the rest of one of its traits."""
        inside = self._rows[place]
        rest = self._rows[parent] & ~inside
        means, sizes = zip(*(self._mean(part) for part in (inside, rest)), strict=True)
        pooled = self._mean(self._rows[parent])[0]
        error = np.sqrt(max(pooled * (1 - pooled), 1e-9) * (1 / sizes[0] + 1 / sizes[1]))
        return float((means[0] - means[1]) / error)

    def _mean(self, part: Mask) -> tuple[float, float]:
        weights = self._weights[part]
        effective = float(weights.sum() ** 2 / np.square(weights).sum())
        return float(np.average(self._losses[part], weights=weights)), effective

    def _pattern(self, place: int, examples: Any) -> Pattern:
        one = self._candidates[place]
        family = self._families[one.tier]
        critical = float(self._critical[one.tier])
        level = float(2 * stats.norm.cdf(critical) - 1)
        error, ends = self._error(one.rows, level)
        rest, rest_ends = self._error(~one.rows, level)
        below = np.hypot(error - ends.low, rest_ends.high - rest)
        above = np.hypot(ends.high - error, rest - rest_ends.low)
        return Pattern(
            where=one.where,
            also=self._also(place),
            n=int(one.rows.sum()),
            share=float(self._weights[one.rows].sum() / self._weights.sum()),
            error=error,
            low=ends.low,
            high=ends.high,
            rest_error=rest,
            excess_points=100.0 * (error - rest),
            excess_low=100.0 * float(error - rest - below),
            excess_high=100.0 * float(error - rest + above),
            p=min(1.0, len(TIERS) * family.chance(float(self._statistics[place]))),
            examples=examples(one.rows),
        )

    def _error(self, part: Mask, level: float) -> tuple[float, Interval]:
        losses, weights = self._losses[part], self._weights[part]
        ends = mean_interval(losses, weights=weights, level=level)
        return float(np.average(losses, weights=weights)), ends

    def _also(self, place: int) -> tuple[str, ...]:
        one = self._candidates[place]
        alike = [
            other
            for other in np.argsort(-self._statistics)
            if other != place
            and not self._candidates[other].parents
            and self._statistics[other] >= self._critical[self._candidates[other].tier]
            and _jaccard(self._rows[other], one.rows) >= NEARLY_ALIKE
        ]
        names = [*one.also, *(self._candidates[other].where[0] for other in alike)]
        return tuple(encodable(name) for name in names[:OTHERS])

    def _detectable(self) -> float | None:
        """Return how much worse a tenth of the rows must be to be found four times in five."""
        critical = float(self._critical[0])
        mean, effective = self._mean(np.ones(self._losses.size, dtype=bool))
        spread = float(np.average(np.square(self._losses - mean), weights=self._weights))
        error = np.sqrt(spread / (effective * TENTH * (1 - TENTH)))
        points = 100.0 * float((critical + stats.norm.ppf(POWER)) * error)
        # The tenth may be wrong throughout, and no more than that.
        return points if np.isfinite(points) and points <= 100.0 * (1.0 - mean) else None


def _pairs(singles: Sequence[Candidate]) -> list[Candidate]:
    """Return the pairs of the traits that are paired, those that say nothing new left out."""
    plain = [place for place, one in enumerate(singles) if one.tier == 0]
    words = [place for place, one in enumerate(singles) if one.tier == 1][:PAIRED_WORDS]
    chosen = [*plain[: PAIRED - len(words)], *words]
    found: dict[bytes, Candidate] = {}
    for at, first in enumerate(chosen):
        for second in chosen[at + 1 :]:
            pair = _pair(singles, first, second)
            if pair is not None:
                found.setdefault(np.packbits(pair.rows).tobytes(), pair)
    return list(found.values())


def _pair(singles: Sequence[Candidate], first: int, second: int) -> Candidate | None:
    one, other = singles[first], singles[second]
    rows = one.rows & other.rows
    count = int(rows.sum())
    least = min(int(one.rows.sum()), int(other.rows.sum()))
    if count < LEAST_ROWS or count > min(NEARLY_ALL * least, MOST_SHARE * rows.size):
        return None
    return Candidate((*one.where, *other.where), 2, rows, parents=(first, second))


def _jaccard(first: Mask, second: Mask) -> float:
    union = int((first | second).sum())
    return int((first & second).sum()) / union if union else 0.0


def _taken(values: Sequence[Any], places: NDArray[np.intp]) -> list[Any]:
    return [values[int(place)] for place in places]


def _examples(
    part: Mask,
    losses: Floats,
    places: NDArray[np.intp],
    rows: ProductionRows,
    rng: np.random.Generator,
) -> tuple[Example, ...]:
    wrong = np.flatnonzero(part & (losses > 0))
    chosen = rng.choice(wrong, min(EXAMPLES, wrong.size), replace=False)
    return tuple(_example(rows, int(places[one])) for one in np.sort(chosen))


def _example(rows: ProductionRows, row: int) -> Example:
    answer = rows.answers[row]
    return Example(
        row=row,
        input=shown(rows.inputs[row]),
        answer=encodable(None if answer is None else answer.output),
        label=encodable(rows.labels[row] if rows.labels is not None else None),
    )


def shown(value: Any) -> str:
    """Return an input for people: one line, shortened.

    >>> shown({"age": 3}), len(shown("word " * 1000))
    ('{"age":3}', 300)
    """
    text = value if isinstance(value, str) else _json(value)
    text = " ".join(encodable(text).split())
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def _json(value: Any) -> str:
    try:
        return msgspec.json.encode(encodable(value), enc_hook=str).decode()
    except (TypeError, msgspec.MsgspecError):
        return str(value)
