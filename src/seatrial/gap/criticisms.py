"""What is weak about a gap document, in sentences that say what would help."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from scipy import stats

from seatrial.evidence.gap import Production, Step
from seatrial.gap.accuracy import ProductionScores
from seatrial.gap.case import GapCase, outputs
from seatrial.gap.material import Material
from seatrial.stats.scores import missing

FEW_LABELS = 200
"""Labels below which an accuracy is known to no better than ±7 points."""

LARGE_REMAINDER = 0.25
"""Share of the drop that may stay unexplained before it is said aloud."""

REMAINDER_POINTS = 2.0
"""And the points it must have besides."""

MIX_LEVEL = 0.001
"""Chance of saying that the labels are mixed otherwise when they are not."""

EVERYWHERE = 0.95
"""Share of production rows that have a factor from which nothing can be compared with it."""


def criticisms(
    case: GapCase,
    scores: ProductionScores | None,
    production: Production,
    material: Material | None,
    steps: Sequence[Step] | None,
) -> tuple[str, ...]:
    """Return every criticism that applies, most general first."""
    found: list[str] = []
    if scores is not None:
        found.extend(_labels(case, scores))
        found.extend(_vocabulary(case))
        found.extend(_mix(case))
    if case.eval.served is None:
        found.append("served accuracy was not measured: what serving costs is in other steps")
    if material is not None:
        found.extend(material.criticisms)
        found.extend(_everywhere(material))
        if material.unasked:
            names = ", ".join(material.unasked)
            found.append(f"what {names} cost is not known: there was no time to ask about it")
    if steps:
        found.extend(_remainder(steps, production))
    return tuple(dict.fromkeys(found))


def _labels(case: GapCase, scores: ProductionScores) -> Iterator[str]:
    judged, answered = int(scores.judged.sum()), int(scores.answered.sum())
    if not judged:
        return
    if judged < FEW_LABELS:
        yield (
            f"only {judged} production rows are labelled: intervals are wide; "
            f"{FEW_LABELS} would give about ±7 points"
        )
    rows = case.production
    if judged < answered and rows is not None and rows.probabilities is None:
        yield (
            "the labelled rows are taken to be a random sample: no inclusion probabilities were "
            "given"
        )


def _vocabulary(case: GapCase) -> Iterator[str]:
    rows = case.production
    if case.task != "classification" or case.score is not None or rows is None:
        return
    for where, answers, labels in (
        ("eval", case.eval.original, case.eval.labels),
        ("production", rows.answers, rows.labels or []),
    ):
        given = {str(v) for v in outputs(answers) if not missing(v)}
        wanted = {str(v) for v in labels if not missing(v)}
        if given and wanted and not given & wanted:
            yield (
                f"no {where} answer ({', '.join(sorted(given)[:3])}) is ever a label "
                f"({', '.join(sorted(wanted)[:3])}): are these the same classes?"
            )


def _mix(case: GapCase) -> Iterator[str]:
    rows = case.production
    if case.task != "classification" or rows is None or rows.labels is None:
        return
    before = Counter(str(label) for label in case.eval.labels)
    after = Counter(str(label) for label in rows.labels if not missing(label))
    if len(before) > np.sqrt(len(case.eval.labels)) or not after:
        return
    names = sorted(before | after, key=lambda name: -(before[name] + after[name]))
    table = np.array([[mix[name] for name in names] for mix in (before, after)], dtype=float)
    if table.shape[1] > 1 and stats.chi2_contingency(table).pvalue < MIX_LEVEL:
        shares = table / table.sum(axis=1, keepdims=True)
        most = int(np.argmax(np.abs(shares[1] - shares[0])))
        yield (
            f"the labels are mixed otherwise than on eval ({names[most]!r}: "
            f"{100 * shares[0, most]:.0f} % there, {100 * shares[1, most]:.0f} % here); "
            "what that costs is in the remainder"
        )


def _everywhere(material: Material) -> Iterator[str]:
    for place, name in enumerate(material.described):
        here = float((material.intensity[:, place] > 0).mean())
        there = float((material.eval_intensity[:, place] > 0).mean())
        causal = any(one.id == name and one.causal for one in material.undone)
        if here >= EVERYWHERE and there <= 1 - EVERYWHERE and not causal:
            yield (
                f"{name} is in nearly every production row and in nearly no eval row: it cannot be "
                "told apart from anything else that changed"
            )


def _remainder(steps: Sequence[Step], production: Production) -> Iterator[str]:
    total = sum(step.points for step in steps)
    rest = next(step.points for step in steps if step.kind == "remainder")
    if abs(rest) >= REMAINDER_POINTS and abs(rest) > LARGE_REMAINDER * abs(total):
        share = f", {100 * rest / total:.0f} % of the drop," if total else ""
        yield f"{rest:+.1f} points{share} are explained by no factor ({production.n:,} labels)"
