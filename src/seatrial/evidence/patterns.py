"""Patterns in failures: slices of the reviewed rows in which the model errs more than elsewhere."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Example(Struct, frozen=True, kw_only=True):
    """One reviewed row of a pattern in which the answer was wrong, for the reviewer to read."""

    row: int
    input: str
    answer: Any
    label: Any


class Pattern(Struct, frozen=True, kw_only=True):
    """One slice that errs more than the rest, with everything that was looked at paid for.

    Errors are fractions of the requests, weighted by inverse inclusion probability. Intervals hold
    for all slices that were looked at together: the worst of many is no longer flattered.

    Attributes:
        where: One or two conditions that its rows fulfil, as sentences.
        also: Other descriptions of nearly the same rows.
        n: Reviewed rows in it.
        share: Of the requests.
        error: Share of its requests answered wrongly.
        low: Lower end of that.
        high: Upper end.
        rest_error: The same for all other rows.
        excess_points: 100 x (error - rest_error).
        excess_low: Lower end of that.
        excess_high: Upper end.
        p: Chance of a slice as bad as this, anywhere among all that were looked at, if errors fell
            evenly beyond the patterns above this one.
        examples: Up to five wrong answers, drawn by chance.
    """

    where: tuple[str, ...]
    also: tuple[str, ...] = ()
    n: int
    share: float
    error: float
    low: float
    high: float
    rest_error: float
    excess_points: float
    excess_low: float
    excess_high: float
    p: float
    examples: tuple[Example, ...] = ()

    @property
    def name(self) -> str:
        """Its conditions in one line."""
        return " and ".join(self.where)


class Patterns(Struct, frozen=True, kw_only=True):
    """What the search among the reviewed rows found, none included.

    Attributes:
        found: The patterns, each beyond what those before it explain.
        looked_at: How many slices were compared with their rest.
        rows: Reviewed rows they were looked for in.
        errors: How many of these were answered wrongly (the sum of their losses).
        level: Chance of any false pattern in the list, at most.
        method: How that is held.
        detectable_points: How much worse a slice of a tenth of the rows has to be to be found four
            times in five; ``None`` where no difference is large enough.
        why: Why nothing was looked for, where nothing was.
    """

    found: tuple[Pattern, ...] = ()
    looked_at: int = 0
    rows: int = 0
    errors: float = 0.0
    level: float = 0.05
    method: str = ""
    detectable_points: float | None = None
    why: str = ""
