"""What would close the gap: remedies, each tried on the reviewed rows."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

RemedyKind = Literal["repair", "answer", "variant", "route", "gate", "threshold"]
"""``repair`` undoes a factor before the model is asked; ``answer`` gives what was withheld or
failed; ``variant`` asks another model; ``route`` sends it some requests; ``gate`` and ``threshold``
withhold answers."""


class Pair(Struct, frozen=True, kw_only=True):
    """Share of requests answered, how often that is right, and what that makes of all requests."""

    share: float
    accuracy: float | None
    low: float | None
    high: float | None
    correct_of_all: float | None


class Remedy(Struct, frozen=True, kw_only=True):
    """One thing that could be done, and what it did to the reviewed rows.

    Attributes:
        id: Its name: kind, colon, what.
        kind: See :data:`RemedyKind`.
        points: Points won back of correct of *all* requests; what withholds answers loses some.
        low: Lower end of its interval.
        high: Upper end.
        n: Reviewed rows that it was tried on.
        touched: Share of all requests that it does something to.
        then: What would be answered, and how rightly, with it.
        gives_up: Of what is withheld, the share that was right; ``None`` where nothing is.
        how: How it is done.
        cost: What it costs besides.
    """

    id: str
    kind: RemedyKind
    points: float
    low: float
    high: float
    n: int
    touched: float
    then: Pair
    gives_up: float | None = None
    how: str = ""
    cost: str = ""


class Closing(Struct, frozen=True, kw_only=True):
    """Remedies by points won back, the best first.

    Attributes:
        now: What is answered as things are.
        remedies: What was tried.
        tries: How many remedies and thresholds the intervals allow for.
        level: Level at which each interval was drawn so that the best of them may be believed.
        why: What could not be tried.
    """

    now: Pair
    remedies: tuple[Remedy, ...] = ()
    tries: int = 0
    level: float | None = None
    why: str = ""
