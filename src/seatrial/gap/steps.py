"""The steps from eval accuracy to production accuracy, each with its reason."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seatrial.evidence.gap import Step, Unknown
from seatrial.gap.accuracy import EvalScores
from seatrial.gap.case import FATES
from seatrial.gap.ledger import Ledger
from seatrial.gap.material import Material, Undone
from seatrial.stats.intervals import paired_difference

Floats = NDArray[np.float64]


UNUSED = "it changed, and replacing it changes no score: the model does not use it"
UNASKED = "not asked for want of time; what it cost is in the remainder"
HARMLESS = "it changed, and undoing that moves accuracy no more than chance does"


def path_steps(scores: EvalScores) -> tuple[Step, ...]:
    """Return ``precision`` and, where it was measured, ``serving``: same eval rows, asked twice."""
    steps = [_precision(scores)]
    if scores.served is not None:
        before = scores.original if scores.variant is None else scores.variant
        why = "the same eval rows, over HTTP instead of in process"
        steps.append(_paired("serving", before, scores.reached, why))
    return tuple(steps)


def factor_steps(ledger: Ledger, material: Material) -> tuple[Step, ...]:
    """Return one step per known factor, then columns that cost nothing, then the remainder."""
    undone = {factor.id: factor for factor in material.undone}
    steps = []
    for place, name in enumerate(ledger.ids):
        if name in material.unasked:
            continue
        kind, why, n = _reason(name, undone, material)
        steps.append(
            Step(
                id=name,
                points=float(ledger.points[place]),
                low=float(ledger.low[place]),
                high=float(ledger.high[place]),
                kind=kind,
                why=why,
                n=n,
            )
        )
    unused = [
        Step(
            id=name,
            points=0.0,
            low=0.0 - within,
            high=within,
            kind="association",
            why=HARMLESS if within else UNUSED,
            n=0,
        )
        for name, within in material.harmless.items()
    ]
    silent = [
        Step(
            id=name,
            points=0.0,
            low=0.0,
            high=0.0,
            kind="association",
            why=f"no production request was {name}",
            n=0,
        )
        for name in FATES[1:]
        if name not in ledger.ids
    ]
    return (*steps[:-1], *unused, *silent, steps[-1])


def unknown_factors(material: Material) -> tuple[Unknown, ...]:
    """Return the factors that have no step: nothing is known of them."""
    return tuple(Unknown(id=name, why=UNASKED) for name in material.unasked)


def _precision(scores: EvalScores) -> Step:
    if scores.variant is None:
        return Step(
            id="precision",
            points=0.0,
            low=0.0,
            high=0.0,
            kind="causal",
            why="the original is what is served",
            n=int(scores.original.size),
        )
    why = "the same eval rows, answered by the served variant instead of the original"
    return _paired("precision", scores.original, scores.variant, why)


def _paired(name: str, before: Floats, after: Floats, why: str) -> Step:
    ends = paired_difference(before, after)
    points = 100.0 * float(after.mean() - before.mean())
    changed = int((before != after).sum())
    return Step(
        id=name,
        points=points,
        low=min(100.0 * ends.low, points),
        high=max(100.0 * ends.high, points),
        kind="causal",
        why=f"{why}; {changed:,} of {before.size:,} scores changed",
        n=int(before.size),
    )


Kind = Literal["causal", "association", "remainder"]


def _reason(
    name: str, undone: dict[str, Undone], material: Material
) -> tuple[Kind, str, int | None]:
    if name == "remainder":
        return "remainder", "what no factor explains", None
    if name in FATES:
        return _fate_reason(FATES.index(name), material)
    factor = undone.get(name)
    if factor is not None:
        gain = f"{100 * factor.gain:+.1f} points in the {factor.rows:,} labelled rows that have it"
        if factor.causal:
            kind: Kind = "causal" if factor.rows else "association"
            return kind, f"re-scored with it undone: {gain}", factor.rows
        why = f"re-scored with values of eval rows of the same label in its place: {gain}"
        return "association", why, factor.rows
    place = material.described.index(name)
    intensity = material.intensity[:, place]
    rows = int((intensity[material.labelled] > 0).sum())
    why = (
        f"accuracy goes with it; mean intensity {material.eval_intensity[:, place].mean():.2f} on "
        f"eval, {intensity.mean():.2f} in production"
    )
    return "association", why, rows


def _fate_reason(code: int, material: Material) -> tuple[Kind, str, int | None]:
    share = float((material.fate == code).mean())
    asked = material.fates_asked.get(code, 0)
    word = FATES[code]
    labelled = int((material.fate[material.labelled] == code).sum())
    if asked and asked == labelled:
        why = f"{100 * share:.1f} % of requests {word}; scored with the answer withheld or repeated"
        return "causal", why, asked
    why = f"{100 * share:.1f} % of requests {word}; taken to be worth what answered ones are"
    return "association", why, asked
