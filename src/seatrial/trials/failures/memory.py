"""memory-pressure: memory that outgrows the batch, or the machine."""

from __future__ import annotations

from itertools import pairwise

from seatrial.core.settings import Settings
from seatrial.evidence.documents import Evidence
from seatrial.evidence.findings import FailureResult
from seatrial.trials.failures.result import result

STEEPER_LAST, STEEPER_ALL = 1.15, 1.5
"""Growth of the bytes a further row takes, over the last stretch of sizes and over all of them."""

STRETCHES = 4
"""Stretches over which it has to grow. Where a workspace of fixed size gives way to one that grows
with the batch, it grows over two of them and then no more."""

MATERIAL_BYTES = 64 * 1024
"""Bytes beyond linear growth that count; less is the noise of small lists and caches."""

KIB, MIB, GIB = 1024, 1024**2, 1024**3


def judge_memory(evidence: Evidence, settings: Settings) -> FailureResult:
    """Say whether memory grows faster than the batch, or does not fit the target."""
    found, figure = _memory(evidence, settings)
    contained = "a smaller [serving] batch_max" if found else ""
    return result("memory-pressure", evidence, found=found, figure=figure, contained_by=contained)


def _memory(evidence: Evidence, settings: Settings) -> tuple[bool | None, str]:
    crowded = _crowded(evidence, settings)
    if crowded:
        return True, crowded
    if not evidence.has("bytes_per_row"):
        return None, "memory can be seen from inside only"
    slopes, excess = _slopes(evidence)
    if len(slopes) < STRETCHES:
        return None, "too few sizes could be traced"
    last = f"{slopes[-1] / KIB:.1f} KiB for a further row at the largest batch"
    rising = (
        all(after > before > 0 for before, after in pairwise(slopes))
        and slopes[-1] > STEEPER_LAST * slopes[-2]
        and slopes[-1] > STEEPER_ALL * slopes[0]
    )
    if rising and excess >= MATERIAL_BYTES:
        figure = f"memory grows faster than the batch: {last}, {slopes[0] / KIB:.1f} KiB before"
        return True, figure
    return False, last


def _slopes(evidence: Evidence) -> tuple[list[float], float]:
    """Return the bytes of a further row over the last stretches, and what goes beyond a line."""
    points = [(row["batch"], row["peak_mib"] * MIB) for row in evidence.table("memory")]
    points = points[-STRETCHES - 1 :]
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
