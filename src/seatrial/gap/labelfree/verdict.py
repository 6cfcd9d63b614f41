"""Whether an estimate may be shown: rather none than a wrong one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from seatrial.evidence.labelfree import Refusal

Floats = NDArray[np.float64]

EVAL_ROWS_MIN = 150
"""Eval rows below which accuracy itself is known to no better than ±7 points."""

ROWS_MIN = 50
"""Production rows below which the share that is right is mostly luck."""

FOREIGN_MAX = 0.3
"""Share of rows in unknown languages up to which the rest says something of the whole: English
tweets are taken to be foreign in up to a quarter of cases, foreign ones in two thirds and more."""

EVENNESS_MIN = 0.6
"""Entropy of the answers, against eval's, below which the model gives nearly always the same: its
accuracy is then the share of that class among the users, which no input tells."""

SUPPORT_LEFT = 0.7
"""Of the least known share of a row that stress left: below, nobody has seen the model there."""

HALF_WIDTH_MAX = 0.12
"""Half the width of an interval beyond which an estimate decides nothing."""

SKILL_LEFT = 0.25
"""Part of what the model knows beyond guessing that it is taken to keep in an unknown language."""


@dataclass(frozen=True)
class Facts:
    """What the verdict looks at; shares and accuracies are fractions.

    Attributes:
        eval_rows: How many eval rows there are.
        rows: How many answered production rows.
        foreign: Share of them in a language that eval does not have.
        learnt: Whether enough families of stress were answered to learn from.
        evenness: Entropy of the answers to known rows, against that of the answers to eval.
        support: Mean share of a known row made of parts that the cheap models have seen.
        least_support: The least that any stress left.
        loss: Estimated loss on known rows.
        worst: The largest loss that any stress made.
        half_width: Of the estimate for all rows.
    """

    eval_rows: int
    rows: int
    foreign: float
    learnt: bool
    evenness: float = 1.0
    support: float = 1.0
    least_support: float = 0.0
    loss: float = 0.0
    worst: float = 1.0
    half_width: float = 0.0


def refusals(facts: Facts) -> list[tuple[Refusal, str]]:
    """Return every reason for showing no number, the gravest first."""
    few = []
    if facts.eval_rows < EVAL_ROWS_MIN:
        few.append(f"{facts.eval_rows:,} eval rows are too few (of {EVAL_ROWS_MIN})")
    if facts.rows < ROWS_MIN:
        few.append(f"{facts.rows:,} production rows are too few (of {ROWS_MIN})")
    foreign = f"{_percent(facts.foreign)} of traffic is in languages the model was never scored on"
    checks: list[tuple[Refusal, bool, str]] = [
        ("language", facts.foreign > FOREIGN_MAX, foreign),
        ("few-rows", bool(few), ", ".join(few)),
        (
            "few-stresses",
            not facts.learnt,
            "too few spoilt versions of the eval rows were answered",
        ),
        (
            "collapse",
            facts.evenness < EVENNESS_MIN,
            "nearly all answers are the same: how often that one is right, no input tells",
        ),
        (
            "support",
            facts.support < SUPPORT_LEFT * facts.least_support,
            f"only {_percent(facts.support)} of an input is made of what eval holds",
        ),
        (
            "beyond-stress",
            facts.loss > facts.worst,
            f"signs of a loss of {100 * facts.loss:.0f} points, more than any stress made",
        ),
        (
            "too-wide",
            facts.half_width > HALF_WIDTH_MAX,
            f"the signs contradict each other: ±{100 * facts.half_width:.0f} points",
        ),
    ]
    return [(reason, why) for reason, applies, why in checks if applies]


def evenness(ours: Floats, theirs: Floats) -> float:
    """Return the entropy of one distribution of answers against another's.

    >>> round(evenness(np.array([0.5, 0.5]), np.array([0.9, 0.1])), 2)
    0.47
    """
    whole = float(stats.entropy(ours)) if ours.size else 0.0
    return float(stats.entropy(theirs)) / whole if whole > 0.0 else 1.0


def mixed(known: tuple[float, float], foreign: float, chance: float) -> tuple[float, float]:
    """Return accuracy and half-width of all rows, of which some are in unknown languages.

    What the model gets right of those lies between guessing and what it gets right elsewhere.

    Args:
        known: Accuracy and half-width on the others.
        foreign: Their share.
        chance: Accuracy of guessing.
    """
    accuracy, half = known
    skill = max(0.0, accuracy - chance)
    there = min(accuracy, chance) + SKILL_LEFT * skill
    whole = (1.0 - foreign) * accuracy + foreign * there
    return whole, (1.0 - foreign) * half + foreign * (1.0 - SKILL_LEFT) * skill


def bounds(known: tuple[float, float], unknown: float) -> tuple[float, float]:
    """Return the least and the most accuracy where a share of the rows may be anything.

    >>> [round(end, 3) for end in bounds((0.7, 0.05), 0.2)]
    [0.52, 0.8]
    """
    accuracy, half = known
    low, high = max(0.0, accuracy - half), min(1.0, accuracy + half)
    return (1.0 - unknown) * low, (1.0 - unknown) * high + unknown


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
