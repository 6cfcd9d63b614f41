"""What each factor of the ledger puts at risk: how common it became, and what that costs."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

KnownBy = Literal["labels", "flips", "behaviour", "nothing"]


class Risk(Struct, frozen=True, kw_only=True):
    """One factor: a shift by itself is no failure, what it costs may be one.

    Attributes:
        factor: Its ledger id.
        eval_share: Share of eval rows that have it.
        production_share: Share of production rows that have it.
        p: Chance of so large a rise of its mean intensity where nothing changed, multiplied by how
            many factors were looked at.
        known_by: What the cost is known by: ``labels`` (the ledger), ``flips`` (answers that change
            when it is undone, without labels), ``behaviour`` (the model answers such rows
            otherwise), or ``nothing``.
        points: What it costs, in points; a loss is negative. ``None`` where it is not known.
        low: Lower end; it holds, at 95 %, for all factors together.
        high: Upper end, likewise.
        flips: Share of the answers to such rows that change when it is undone, at the least; where
            ``known_by`` is ``flips``.
        otherwise: Whether the model surely behaves otherwise in rows that have it; where
            ``known_by`` is ``behaviour``.
        n: Rows that the cost rests on.
        why: The same as a sentence.
    """

    factor: str
    eval_share: float
    production_share: float
    p: float
    known_by: KnownBy = "nothing"
    points: float | None = None
    low: float | None = None
    high: float | None = None
    flips: float | None = None
    otherwise: bool = False
    n: int = 0
    why: str = ""
