"""Writes the README's picture, the demo's gap as a waterfall, and the data behind it."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from seatrial.core import settings
from seatrial.evidence.gap import GapDocument
from seatrial.evidence.machine import describe
from seatrial.report.figures import waterfall_data, waterfall_svg
from seatrial.trials.example import prepare
from seatrial.trials.outcome import gap_and_write
from seatrial.trials.progress import Silent

DOCS = Path(__file__).parent.parent / "docs"
PICTURE = "gap.svg"
DATA = "gap.json"
CIRCUMSTANCES: dict[str, Any] = {
    "machine": msgspec.to_builtins(describe()),
    "started": "",
    "duration_s": 0.0,
    "release": "",
}


def demo_gap() -> GapDocument:
    """Measure the gap of the tickets example: train, serve, ask, explain."""
    with tempfile.TemporaryDirectory(prefix="seatrial-") as place:
        folder = Path(place) / "tickets"
        prepare(folder)
        return gap_and_write(settings.load(folder, environment={}), folder, progress=Silent())


def data_of(gap: GapDocument) -> dict[str, Any]:
    """Return what is kept of a gap: what is drawn, and the document without its circumstances.

    Machine and times are left out, so that the file changes only when a figure does.
    """
    document: dict[str, Any] = _rounded(msgspec.to_builtins(gap))
    for name in CIRCUMSTANCES:
        document.pop(name)
    return {"waterfall": waterfall_data(gap_of(document)), "gap": document}


def gap_of(document: dict[str, Any]) -> GapDocument:
    """Return the gap document of what was kept of it."""
    return msgspec.convert({**document, **CIRCUMSTANCES}, GapDocument)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(one) for one in value]
    return value


def write(folder: Path) -> None:
    """Measure, and write both files."""
    data = data_of(demo_gap())
    text = json.dumps(data, indent=1, ensure_ascii=False)
    (folder / DATA).write_text(text + "\n", encoding="utf-8")
    (folder / PICTURE).write_text(waterfall_svg(gap_of(data["gap"])), encoding="utf-8")


if __name__ == "__main__":
    write(DOCS)
    sys.exit(0)
