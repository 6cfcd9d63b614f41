"""How far a review is: rows, labels, reviewers, tags and agreement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from seatrial.records.agreement import Agreement, agreement
from seatrial.records.reviews import ReviewLabel, Said
from seatrial.records.sample import Sample


class StratumProgress(Struct, frozen=True, kw_only=True):
    """How far one stratum is.

    Attributes:
        rows: User rows of the log that had their chance.
        drawn: Those that were drawn.
        labelled: Those of them that somebody labelled.
    """

    stratum: str
    rows: int
    drawn: int
    labelled: int


class ReviewerProgress(Struct, frozen=True, kw_only=True):
    """What one reviewer did, in rows."""

    reviewer: str
    labelled: int
    skipped: int


class Progress(Struct, frozen=True, kw_only=True):
    """How far the review is.

    Attributes:
        rows: User rows that had their chance.
        drawn: Rows drawn.
        labelled: Rows that somebody labelled.
        tags: How many rows have each tag, most frequent first.
        agreement: Between reviewers; ``None`` where no row has two labels.
    """

    rows: int
    drawn: int
    labelled: int
    strata: tuple[StratumProgress, ...]
    reviewers: tuple[ReviewerProgress, ...]
    tags: dict[str, int]
    agreement: Agreement | None


def progress(sample: Sample, said: Said) -> Progress:
    """Count what was drawn and what was said of it."""
    drawn = sample.rows()
    given = {(row.id, row.row): said.get((row.id, row.row), {}) for row in drawn}
    labelled = {key for key, by in given.items() if resolved(by.values()) is not None}
    per_stratum = Counter(row.stratum for row in drawn)
    done = Counter(row.stratum for row in drawn if (row.id, row.row) in labelled)
    population = sample.population()
    return Progress(
        rows=sum(population.values()),
        drawn=len(drawn),
        labelled=len(labelled),
        strata=tuple(
            StratumProgress(
                stratum=name,
                rows=population[name],
                drawn=per_stratum[name],
                labelled=done[name],
            )
            for name in sorted(population)
        ),
        reviewers=_reviewers(one for by in given.values() for one in by.values()),
        tags=_tags(given.values()),
        agreement=agreement([_texts(by) for by in given.values()]),
    )


def resolved(given: Iterable[ReviewLabel]) -> Any:
    """Return the label that most gave, the latest of those that as many gave; ``None`` for none."""
    labels = sorted((one for one in given if one.label is not None), key=lambda one: one.time)
    if not labels:
        return None
    texts = [msgspec.json.encode(one.label) for one in labels]
    counts = Counter(texts)
    best = max(range(len(texts)), key=lambda place: (counts[texts[place]], place))
    return labels[best].label


def _texts(by: dict[str, ReviewLabel]) -> dict[str, bytes]:
    return {
        name: msgspec.json.encode(one.label) for name, one in by.items() if one.label is not None
    }


def _tags(rows: Iterable[dict[str, ReviewLabel]]) -> dict[str, int]:
    """Count the rows that have each tag, whoever gave it."""
    of_rows = ({tag for one in by.values() for tag in one.tags} for by in rows)
    return dict(Counter(tag for tags in of_rows for tag in tags).most_common())


def _reviewers(every: Iterable[ReviewLabel]) -> tuple[ReviewerProgress, ...]:
    labelled: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    for one in every:
        labelled[one.reviewer] += one.label is not None
        skipped[one.reviewer] += one.skipped
    return tuple(
        ReviewerProgress(reviewer=name, labelled=labelled[name], skipped=skipped[name])
        for name in sorted(labelled)
    )
