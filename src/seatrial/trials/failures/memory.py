"""memory-pressure: memory that outgrows the batch, or the machine."""

from __future__ import annotations

from itertools import pairwise

from seatrial.core.settings import Settings
from seatrial.evidence.documents import Evidence
from seatrial.evidence.findings import FailureResult

STEEPER = 1.1
"""Growth of the bytes a further row takes, from one stretch of sizes to the next, that counts."""

STRETCHES = 3
"""Stretches over which it has to grow: a single step up is another path, not a square."""

MATERIAL_BYTES = 64 * 1024
"""Bytes beyond linear growth that count; less is the noise of small lists and caches."""

KIB, MIB, GIB = 1024, 1024**2, 1024**3


def judge_memory(evidence: Evidence, settings: Settings) -> FailureResult:
    """Say whether memory grows faster than the batch, or does not fit the target."""
    crowded = _crowded(evidence, settings)
    if crowded:
        return _result(evidence, True, crowded, contained_by="a smaller [serving] batch_max")
    if not evidence.has("bytes_per_row"):
        return _result(evidence, None, "memory can be seen from inside only")
    slopes, excess = _slopes(evidence)
    if len(slopes) < STRETCHES:
        return _result(evidence, None, "too few sizes could be traced")
    rising = all(after > STEEPER * before > 0 for before, after in pairwise(slopes))
    last = f"{slopes[-1] / KIB:.1f} KiB for a further row at the largest batch"
    if rising and excess >= MATERIAL_BYTES:
        return _result(
            evidence,
            True,
            f"memory grows faster than the batch: {last}, {slopes[0] / KIB:.1f} KiB before",
            contained_by="a smaller [serving] batch_max",
        )
    return _result(evidence, False, last)


def _slopes(evidence: Evidence) -> tuple[list[float], float]:
    """Return the bytes of a further row over the last stretches, and what goes beyond a line."""
    points = [
        (row["batch"], row["peak_mib"] * MIB)
        for row in evidence.table("sweep")
        if row["peak_mib"] is not None
    ][-STRETCHES - 1 :]
    slopes = [(after[1] - before[1]) / (after[0] - before[0]) for before, after in pairwise(points)]
    if not slopes:
        return [], 0.0
    start, end = points[0], points[-1]
    return slopes, end[1] - start[1] - slopes[0] * (end[0] - start[0])


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
