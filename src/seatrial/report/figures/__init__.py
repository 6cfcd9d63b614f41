"""Charts of evidence: the only place that imports Plotly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from seatrial.evidence.documents import Evidence
from seatrial.evidence.gap import GapDocument
from seatrial.report.characters import cleaned
from seatrial.report.figures.chart import Chart
from seatrial.report.figures.gap import slices_chart, waterfall_chart
from seatrial.report.figures.quality import calibration_chart, variants_chart
from seatrial.report.figures.speed import batch_chart, latency_chart
from seatrial.report.figures.waterfall import waterfall_data, waterfall_svg

__all__ = ["BY_KIND", "Chart", "charts", "waterfall_data", "waterfall_svg"]

BY_KIND: Mapping[str, Callable[[Evidence], Chart | None]] = {
    "batching": batch_chart,
    "latency": latency_chart,
    "variants": variants_chart,
    "calibration": calibration_chart,
}
"""Which measurement is drawn how; one that is not listed is shown as tables alone."""


def charts(gap: GapDocument | None, evidences: Sequence[Evidence]) -> dict[str, Chart]:
    """Draw whatever these documents hold.

    Args:
        gap: The gap, if it was measured.
        evidences: Measurements of any kind; those that cannot be drawn are left out.

    Returns:
        Charts by name; where two measurements are of one kind, the later one is drawn.
    """
    drawn: list[Chart | None] = []
    if gap is not None:
        gap = cleaned(gap)
        drawn += [waterfall_chart(gap), slices_chart(gap)]
    for evidence in evidences:
        draw = BY_KIND.get(evidence.kind)
        drawn.append(draw(cleaned(evidence)) if draw else None)
    return {chart.name: chart for chart in drawn if chart is not None}
