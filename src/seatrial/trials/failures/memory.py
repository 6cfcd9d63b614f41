"""memory-pressure: memory that outgrows the batch, or the machine."""

from __future__ import annotations

from seatrial.core.settings import Settings
from seatrial.evidence.documents import Evidence
from seatrial.evidence.findings import FailureResult

SUPERLINEAR = 1.3
"""Exponent of the peak from which memory grows clearly faster than the batch."""

MATERIAL_BYTES = 64 * 1024
"""Growth beyond linear that counts; less is the noise of small lists and caches."""

MIB, GIB = 1024**2, 1024**3


def judge_memory(evidence: Evidence, settings: Settings) -> FailureResult:
    """Say whether memory grows faster than the batch, or does not fit the target."""
    crowded = _crowded(evidence, settings)
    if crowded:
        return _result(evidence, True, crowded, contained_by="a smaller [serving] batch_max")
    if not evidence.has("memory_growth"):
        return _result(evidence, None, "memory can be seen from inside only")
    growth = evidence.value("memory_growth")
    exponent = growth.value or 0.0
    excess = evidence.value("memory_beyond_linear").value or 0.0
    if exponent >= SUPERLINEAR and excess >= MATERIAL_BYTES:
        return _result(
            evidence,
            True,
            f"peak memory grows with the power {exponent:.1f} of the batch ({growth.method})",
            contained_by="a smaller [serving] batch_max",
        )
    slope = evidence.value("bytes_per_row").value or 0.0
    return _result(evidence, False, f"{slope / MIB:.3f} MiB a row, power {exponent:.1f}")


def _crowded(evidence: Evidence, settings: Settings) -> str:
    """Say why the largest served batch does not fit the target; empty where it does."""
    gib = settings.target.memory_gib
    batch_max = settings.serving.batch_max
    limit = (gib or evidence.machine.memory_gib) * GIB
    for row in evidence.table("sweep"):
        need = max(row["rss_mib"] or 0.0, row["peak_mib"] or 0.0) * MIB
        if row["batch"] <= batch_max and need > limit:
            return f"batch {row['batch']} takes {need / GIB:.1f} GiB of {limit / GIB:.1f}"
    if not evidence.has("memory_feared"):
        return ""
    feared = evidence.value("memory_feared")
    measured = [row["batch"] for row in evidence.table("sweep")]
    if feared.value and feared.value > limit and max(measured, default=0) < batch_max:
        return f"{feared.value / GIB:.1f} GiB {feared.note}; there are {limit / GIB:.1f}"
    return ""


def _result(
    evidence: Evidence,
    found: bool | None,  # noqa: FBT001  (the outcome itself)
    figure: str,
    *,
    contained_by: str = "",
) -> FailureResult:
    return FailureResult(
        id="memory-pressure",
        found=found,
        figure=figure,
        contained_by=contained_by,
        evidence=(evidence.id,),
    )
