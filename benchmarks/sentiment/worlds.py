"""Planted truth: rows with and without each fault, so that every fault's points are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Any

import numpy as np
from cases import CaseMaker
from numpy.typing import NDArray

from seatrial.evidence.gap import GapDocument
from seatrial.gap.gap import measure_gap

Rng = np.random.Generator
Example = tuple[Any, Any]
Fault = Callable[[Example, Rng], Example]


@dataclass(frozen=True)
class Planted:
    """One fault: which ledger step must name it, in what share of rows it lies, what it does."""

    step: str
    share: float
    fault: Fault


@dataclass(frozen=True)
class Found:
    """What the ledger said of one planted sample, in points."""

    steps: dict[str, tuple[float, float, float]]
    truth: dict[str, float]
    remainder: float
    remainder_low: float
    remainder_high: float
    base: float
    others: float
    document: GapDocument


def planted_rows(
    rows: Sequence[Example], faults: Sequence[Planted], rng: Rng
) -> dict[frozenset[int], list[Example]]:
    """Return the rows in every world: with none, some and all of the faults planted."""
    hit = [rng.random(len(rows)) < one.share for one in faults]
    seeds = rng.integers(0, 2**63, (len(faults), len(rows)))
    worlds = {}
    for size in range(len(faults) + 1):
        for present in combinations(range(len(faults)), size):
            made = list(rows)
            for which in present:
                for place in np.flatnonzero(hit[which]):
                    own = np.random.default_rng(int(seeds[which, place]))
                    made[place] = faults[which].fault(made[place], own)
            worlds[frozenset(present)] = made
    return worlds


def shapley(values: dict[frozenset[int], float], faults: int) -> list[float]:
    """Return each fault's mean marginal value over all orders in which faults may come."""
    shares = [0.0] * faults
    orders = list(permutations(range(faults)))
    for order in orders:
        present: frozenset[int] = frozenset()
        for which in order:
            shares[which] += (values[present | {which}] - values[present]) / len(orders)
            present |= {which}
    return shares


def accuracy(model: Any, rows: Sequence[Example]) -> float:
    """Return the share of rows answered right."""
    answers: NDArray[Any] = np.asarray(model.predict([row[0] for row in rows]))
    return float((answers == np.array([row[1] for row in rows])).mean())


def measure(
    maker: CaseMaker,
    model: Any,
    rows: Sequence[Example],
    faults: Sequence[Planted],
    *,
    eval_accuracy: float,
    seed: int,
) -> Found:
    """Plant, measure the gap, and hold the ledger against what was planted.

    ``base`` is how far the rows lay from eval before anything was planted, in points: it is
    chance, and the remainder's to report. ``others`` is the sum of what innocent factors got.
    """
    worlds = planted_rows(rows, faults, np.random.default_rng(seed))
    values = {key: 100.0 * accuracy(model, made) for key, made in worlds.items()}
    everything = worlds[frozenset(range(len(faults)))]
    case = maker.case([row[0] for row in everything], [row[1] for row in everything], seed=seed)
    document = measure_gap(case)
    steps = {step.id: step for step in document.steps or ()}
    total = sum(step.points for step in steps.values())
    if abs(total - (document.drop_points or 0.0)) > 1e-9:
        raise AssertionError(f"the points sum to {total}, the drop is {document.drop_points}")
    truth: dict[str, float] = {}
    for one, points in zip(faults, shapley(values, len(faults)), strict=True):
        truth[one.step] = truth.get(one.step, 0.0) + points
    rest = steps["remainder"]
    named = {*truth, "remainder"}
    return Found(
        steps={
            name: (step.points, step.low or 0.0, step.high or 0.0) for name, step in steps.items()
        },
        truth=truth,
        remainder=rest.points,
        remainder_low=rest.low or 0.0,
        remainder_high=rest.high or 0.0,
        base=values[frozenset()] - 100.0 * eval_accuracy,
        others=sum(abs(step.points) for name, step in steps.items() if name not in named),
        document=document,
    )
