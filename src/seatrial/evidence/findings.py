"""Findings: evidence judged against a policy. The trial document is a list of them."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from seatrial.evidence.gap import GapDocument
from seatrial.evidence.machine import Machine

Status = Literal["pass", "warn", "fail", "unmeasured", "not_applicable"]


class ItemResult(Struct, frozen=True, kw_only=True):
    """One of the 24 checklist items, judged."""

    id: str
    week: int
    title: str
    status: Status
    figure: str = ""
    because: str = ""
    fix: str = ""
    evidence: tuple[str, ...] = ()


class FailureResult(Struct, frozen=True, kw_only=True):
    """One failure mode that was looked for; ``found`` is ``None`` where nobody could tell."""

    id: str
    found: bool | None
    figure: str = ""
    contained_by: str = ""
    evidence: tuple[str, ...] = ()


class TrialDocument(Struct, frozen=True, kw_only=True):
    """What ``seatrial trial --json`` prints."""

    release: str
    machine: Machine
    started: str
    duration_s: float
    items: tuple[ItemResult, ...]
    failures: tuple[FailureResult, ...]
    gap: GapDocument | None
    next: str = ""

    def counts(self) -> dict[str, int]:
        """Return how many items have each status."""
        statuses: tuple[Status, ...] = ("pass", "warn", "fail", "unmeasured", "not_applicable")
        return {status: sum(item.status == status for item in self.items) for status in statuses}
