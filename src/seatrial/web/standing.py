"""What the labels so far say about the model, and how many more would say it how much better."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from seatrial.records.agreement import Agreement, agreement
from seatrial.records.progress import resolved
from seatrial.stats.scores import row_scores
from seatrial.stats.sequences import anytime_mean, anytime_proportion
from seatrial.web.sampled import Sampled

STEPS = (25, 50, 100, 200, 500, 1_000, 2_000, 5_000)
"""How many labels more are asked about; three of them are shown."""

SHOWN_STEPS = 3

FEW = 10
"""Labels below which the interval is nearly everything from 0 to 100 %: no figure is shown."""

AGREEMENT_ROWS = 10
"""Rows labelled twice below which a share of agreement says nothing."""


class Step(Struct, frozen=True):
    """So many labels more, and half the width of the interval then, in points."""

    more: int
    points: float


class Standing(Struct, frozen=True, kw_only=True):
    """What the labels so far say.

    Attributes:
        n: Rows with a label.
        headline: The figure, or why there is none.
        lines: What belongs to it.
        narrower: How many labels more narrow it to what.
    """

    n: int
    headline: str
    lines: list[str]
    narrower: list[Step]


def standing(rows: Iterable[Sampled], *, metric: str) -> Standing:
    """Return what the labels of a sample say about the share of requests answered right.

    Rows weigh by the inverse of the chance with which they were drawn; requests without an answer
    count as wrong. The page shows it after every label, so the interval is one that holds at every
    look; that of one look, as `seatrial gap` prints it, is narrower.

    Args:
        rows: The whole sample.
        metric: ``accuracy`` or ``within:<tolerance>``.
    """
    sample = list(rows)
    judged = [(row, label) for row in sample if (label := _label(row)) is not None]
    if len(judged) < FEW:
        said = f"{len(judged)} of {FEW} labels with which a figure begins to mean something."
        return Standing(n=len(judged), headline="", lines=[said], narrower=[])
    answers = [row.output if row.status == "answered" else None for row, _ in judged]
    scores = row_scores(answers, [label for _, label in judged], metric=metric)
    weights = [1.0 / row.probability for row, _ in judged]
    ends = anytime_mean(scores, weights=weights)
    mean = float(scores @ weights) / sum(weights)
    silent = sum(answer is None for answer in answers)
    looked = f"({100 * ends.level:.0f} %, however often one looks), from {len(judged)} rows."
    lines = [
        "of all requests answered right.",
        f"{_percent(ends.low)} to {_percent(ends.high)} % {looked}",
        *([f"{silent} of these rows had no answer and count as wrong."] if silent else []),
    ]
    return Standing(
        n=len(judged),
        headline=f"{_percent(mean)} %",
        lines=lines,
        narrower=narrower(mean, weights, left=len(sample) - len(judged)),
    )


def _label(row: Sampled) -> object:
    return resolved(row.labels.values())


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def narrower(mean: float, weights: Sequence[float], *, left: int) -> list[Step]:
    """Return how wide the interval will be after more labels, if they are like those so far.

    Args:
        mean: Estimate so far.
        weights: Of the labelled rows, up to a factor.
        left: Rows of the sample that are not labelled.

    >>> [step.more for step in narrower(0.5, [1.0] * 100, left=60)]
    [25, 50]
    """
    effective = sum(weights) ** 2 / sum(weight * weight for weight in weights)
    steps = [more for more in STEPS if more <= left and more >= len(weights) / 4][:SHOWN_STEPS]
    return [
        Step(more, round(_half(mean, effective * (1 + more / len(weights))), 1)) for more in steps
    ]


def _half(mean: float, n: float) -> float:
    ends = anytime_proportion(mean * n, n)
    return 50 * (ends.high - ends.low)


def agreed(rows: Iterable[Sampled]) -> Agreement | None:
    """Return how far reviewers agree; ``None`` where no row has two labels."""
    return agreement(
        [
            {
                name: msgspec.json.encode(given.label)
                for name, given in row.labels.items()
                if given.label is not None
            }
            for row in rows
        ]
    )


def agreement_lines(found: Agreement | None) -> list[str]:
    """Return how far reviewers agree, in sentences."""
    if found is None:
        return ["No row has labels of two reviewers yet; one in five is shown to all."]
    rows = "1 row" if found.rows == 1 else f"{found.rows} rows"
    who = f"{rows} of {len(found.reviewers)} reviewers"
    lines = [f"{found.agreed} of {found.pairs} pairs of labels agree, on {who}."]
    if found.rows < AGREEMENT_ROWS:
        return [*lines, "Too few to say more."]
    if found.kappa is None:
        return [*lines, "Everybody said the same everywhere: beyond chance, nothing is known."]
    ends = "" if found.low is None else f" ({found.low:.2f} to {found.high:.2f})"
    return [*lines, f"Beyond chance: {found.method.title()}'s kappa {found.kappa:.2f}{ends}."]
