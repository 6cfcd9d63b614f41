"""What a proof may look at: settings, evidence and the gap. Proofs see nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from seatrial.core.settings import Settings
from seatrial.evidence.documents import Evidence
from seatrial.evidence.findings import FailureResult, ItemResult, Status
from seatrial.evidence.gap import GapDocument
from seatrial.evidence.machine import Machine
from seatrial.trials.items import BY_ID

GIVE_MODEL = "give seatrial the model itself: load =, sklearn = or onnx = in seatrial.toml"
"""What makes measurable what a URL alone cannot show."""


class Case(Struct, frozen=True, kw_only=True):
    """Everything known about one release when its checklist is judged.

    Attributes:
        inside: Whether seatrial started the model itself; false for a URL.
        rows: How many rows were supplied, by name: ``eval``, ``production``, ``labelled``.
        evidence: Measurements by kind.
        failures: Failure modes that were looked for, by id.
        reasons: Why a measurement of that kind is missing, where it was tried and failed.
    """

    settings: Settings
    release: str
    machine: Machine
    inside: bool
    rows: Mapping[str, int]
    evidence: Mapping[str, Evidence]
    failures: Mapping[str, FailureResult]
    gap: GapDocument | None = None
    reasons: Mapping[str, str] = {}


def judged(
    item_id: str,
    status: Status,
    figure: str,
    *,
    because: str = "",
    fix: str = "",
    evidence: tuple[Evidence, ...] = (),
) -> ItemResult:
    """Build the result of one item."""
    item = BY_ID[item_id]
    return ItemResult(
        id=item.id,
        week=item.week,
        title=item.title,
        status=status,
        figure=figure,
        because=because,
        fix=fix,
        evidence=tuple(document.id for document in evidence),
    )


def unmeasured(item_id: str, because: str, *, figure: str = "", fix: str = "") -> ItemResult:
    """Build the result of an item that could not be judged: never a pass."""
    return judged(item_id, "unmeasured", figure, because=because, fix=fix)


def missing(case: Case, item_id: str, kind: str) -> ItemResult:
    """Say that an item has no evidence, and why."""
    because = case.reasons.get(kind) or f"the measurement {kind} was not run"
    return unmeasured(item_id, because, fix=f"seatrial measure {kind}")
