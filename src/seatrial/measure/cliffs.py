"""Sizes at which a larger batch is slower per row, measured again side by side.

A sweep alone sees ghosts on a busy machine, and longer rows where there are none: a size under
suspicion is therefore compared with the one before on the *same* rows of like size, in pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from msgspec import Struct

from seatrial.core.clock import TimeBudget
from seatrial.measure.pairing import PAIRS_MAX, Ratio, paired_ratio
from seatrial.measure.sweep import Visit
from seatrial.models.subject import Subject

SUSPECT = 0.9
"""Throughput relative to the size before, below which a size is measured again."""

SUSPECTS_MAX = 4
CLEAR = 0.7
"""A cliff is clear once the whole interval lies below this ratio, and refuted above it."""

ARM_S = 0.001
"""How long one half of a pair should last."""

REPEATS = (3, 30)
"""Fewest and most runs in one half of a pair."""

LONG_S = 0.1
"""A half that lasts this long is interrupted anyhow, and is run once."""

WINDOW_SHARE = 0.25
"""Rows of one comparison come from this part of the size distribution: padding stays equal."""


class Cliff(Struct, frozen=True):
    """Throughput at ``batch`` over that at ``batch_before``, on the same rows."""

    batch_before: int
    batch: int
    ratio: Ratio


def suspects(visits: Sequence[Visit]) -> list[tuple[int, int]]:
    """Return the pairs of sizes whose throughput fell, the deepest fall first."""
    falls = []
    for before, after in pairwise(visits):
        fall = min(
            after.items_per_s / max(before.items_per_s, 1e-9),
            after.best_per_s / max(before.best_per_s, 1e-9),
        )
        falls.append((fall, before.batch, after.batch))
    return [(before, after) for fall, before, after in sorted(falls) if fall < SUSPECT]


def measure_cliffs(
    subject: Subject,
    rows: Sequence[Any],
    sizes: Sequence[int],
    pairs: Sequence[tuple[int, int]],
    *,
    rng: np.random.Generator,
    budget: TimeBudget,
) -> list[Cliff]:
    """Measure each suspected fall again.

    Args:
        subject: What is measured.
        rows: Inputs.
        sizes: Size of each input, as the subject counts it.
        pairs: Size before and size of each fall, the most suspicious first.
        rng: Choice of rows.
        budget: When to stop.
    """
    found = []
    chosen = pairs[:SUSPECTS_MAX]
    for at, (before, after) in enumerate(chosen):
        share = budget.share(1.0 / (len(chosen) - at))
        ratio = throughput_ratio(
            subject, alike(rows, sizes, rng), before=before, after=after, budget=share
        )
        found.append(Cliff(before, after, ratio))
    return found


def throughput_ratio(
    subject: Subject,
    choose: Callable[[int], list[Any]],
    *,
    before: int,
    after: int,
    budget: TimeBudget,
    pairs_max: int = PAIRS_MAX,
) -> Ratio:
    """Return the throughput in batches of ``after`` over that in batches of ``before``.

    Args:
        subject: What is measured.
        choose: Returns that many rows; both halves of a pair get the same ones.
        before: Rows a call of the one half.
        after: Rows a call of the other.
        budget: When to stop.
        pairs_max: When to stop in any case.
    """
    count = max(before, after)
    rows = choose(count)
    once_s = _answer(subject, rows, after)
    repeats = int(np.clip(ARM_S / max(once_s, 1e-9), *REPEATS)) if once_s < LONG_S else 1

    def half(size: int) -> float:
        # The shortest, because whatever else the machine does can only add to it.
        return min(_answer(subject, rows, size) for _ in range(repeats))

    def first() -> float:
        return half(before)

    def second() -> float:
        return half(after)

    def settled(ratio: Ratio) -> bool:
        low, high = ratio.low or 0.0, ratio.high or 0.0
        return high < CLEAR or low > CLEAR

    return paired_ratio(first, second, budget=budget, settled=settled, pairs_max=pairs_max)


def alike(
    rows: Sequence[Any], sizes: Sequence[int], rng: np.random.Generator
) -> Callable[[int], list[Any]]:
    """Return a chooser of rows of like size, in order of size."""
    order = np.argsort(np.asarray(sizes), kind="stable")

    def choose(count: int) -> list[Any]:
        width = min(count, max(1, int(len(order) * WINDOW_SHARE)))
        start = int(rng.integers(0, len(order) - width + 1))
        window = np.sort(np.resize(np.arange(start, start + width), count))
        return [rows[int(order[at])] for at in window]

    return choose


def _answer(subject: Subject, rows: list[Any], size: int) -> float:
    return sum(
        subject.answer(rows[start : start + size]).elapsed_s for start in range(0, len(rows), size)
    )
