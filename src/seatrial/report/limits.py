"""The limits a measurement was told, as the figures they belong to are named."""

from __future__ import annotations

from seatrial.evidence.documents import Evidence
from seatrial.report.wording import known


def limits_of(evidence: Evidence) -> dict[str, float]:
    """Return the latency limits in ms by the name of their figure; empty where none was set.

    A load is told its limits by percentile: ``{"p50": 20.0, "p99": 200.0}``.
    """
    limits = evidence.settings.get("limits")
    if not isinstance(limits, dict):
        return {}
    return {f"{name}_ms": float(limit) for name, limit in limits.items() if known(limit)}
