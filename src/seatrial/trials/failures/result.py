"""How a judge says what it found."""

from __future__ import annotations

from seatrial.evidence.documents import Evidence
from seatrial.evidence.findings import FailureResult


def result(
    name: str, evidence: Evidence, *, found: bool | None, figure: str, contained_by: str = ""
) -> FailureResult:
    """Return the result of one failure.

    Args:
        name: Id of the failure.
        evidence: What it was read from.
        found: ``None`` where nobody could tell.
        figure: The number that decided, or the reason why there is none.
        contained_by: What keeps users from it.
    """
    return FailureResult(
        id=name,
        found=found,
        figure=figure,
        contained_by=contained_by,
        evidence=(evidence.id,),
    )
