"""serving-skew: the service answers the same rows otherwise than the notebook."""

from __future__ import annotations

from seatrial.core.settings import Settings
from seatrial.evidence.documents import Evidence
from seatrial.evidence.findings import FailureResult

KINDS = {
    "value": "other answers",
    "number": "other numbers",
    "type": "other types",
    "encoding": "other encodings of the same text",
    "shape": "other shapes",
    "confidence": "other confidences",
    "refused": "refusals",
}


def judge_skew(evidence: Evidence, settings: Settings) -> FailureResult:  # noqa: ARG001  (the signature of every judge)
    """Say whether any row answers otherwise through the serving path.

    Rows on which a side contradicts itself were left out when it was measured, so that one row
    that differs is enough.
    """
    if not evidence.has("compared") or not evidence.value("compared").value:
        return FailureResult(
            id="serving-skew",
            found=None,
            figure="; ".join(evidence.criticisms) or "no row could be compared",
            evidence=(evidence.id,),
        )
    compared = int(evidence.value("compared").value or 0)
    changed = int(evidence.value("changed").value or 0)
    if not changed:
        return FailureResult(
            id="serving-skew",
            found=False,
            figure=f"{compared} rows answer the same in process and over HTTP",
            evidence=(evidence.id,),
        )
    kinds = ", ".join(
        f"{row['rows']} {KINDS.get(row['kind'], row['kind'])}" for row in evidence.table("kinds")
    )
    cause = _cause(evidence)
    return FailureResult(
        id="serving-skew",
        found=True,
        figure=f"{changed} of {compared} rows answer otherwise over HTTP ({kinds}){cause}",
        contained_by="give the service and the notebook one preprocessing, inside the model",
        evidence=(evidence.id,),
    )


def _cause(evidence: Evidence) -> str:
    causes = evidence.table("causes")
    if not causes:
        return ""
    best = causes[0]
    return f": as if it {best['cause']}, which explains {best['explains']} of {best['of']}"
