"""What the reviewed rows say about all production rows, and what more reviews would say."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Look = Literal["one declared look", "whenever you look"]


class ReviewInterval(Struct, frozen=True, kw_only=True):
    """An interval of production accuracy (fractions), and how often one may look at it.

    ``one declared look``: it covers the truth with probability ``level`` if the number of labels
    was decided before they were read. ``whenever you look``: with that probability it and all
    others like it, after fewer or more labels, cover the truth together.
    """

    valid: Look
    low: float
    high: float
    level: float
    method: str


class ReviewStratum(Struct, frozen=True, kw_only=True):
    """Answered rows that are alike: their share of all answered ones, labels, and accuracy."""

    name: str
    share: float
    n: int
    accuracy: float


class ReviewPlan(Struct, frozen=True, kw_only=True):
    """How narrow an interval so many reviews would give, in points from the middle to an end."""

    reviews: int
    declared_points: float
    anytime_points: float


class ReviewNeed(Struct, frozen=True, kw_only=True):
    """How many reviews an interval needs to reach so many points from the middle to an end.

    ``anytime`` is ``None`` where fewer rows are to be reviewed than it would take.
    """

    points: float
    declared: int
    anytime: int | None


class Reviews(Struct, frozen=True, kw_only=True):
    """What is known from reviewed production rows.

    Attributes:
        labelled: Answered rows with a label.
        answered: Answered rows.
        gain: How many labels of a plain random sample one label is worth, by stratifying and by
            what confidence foretells; ``None`` where it is not known.
        intervals: Of production accuracy; empty without labels.
        strata: What the labelled rows were weighed by; empty where they are too few for strata.
        plans: What some numbers of reviews would give.
        needs: What some widths would take.
    """

    labelled: int
    answered: int
    gain: float | None = None
    intervals: tuple[ReviewInterval, ...] = ()
    strata: tuple[ReviewStratum, ...] = ()
    plans: tuple[ReviewPlan, ...] = ()
    needs: tuple[ReviewNeed, ...] = ()
