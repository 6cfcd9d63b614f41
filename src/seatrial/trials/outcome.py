"""Trials, gaps and measurements with what they leave behind: evidence files and the report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from seatrial.core import plugins
from seatrial.core.errors import UnknownNameError
from seatrial.core.settings import Settings
from seatrial.evidence.documents import Evidence
from seatrial.evidence.findings import TrialDocument
from seatrial.evidence.gap import GapDocument
from seatrial.evidence.store import EvidenceStore
from seatrial.report.html import render_html
from seatrial.trials.items import BY_ID
from seatrial.trials.production import measure_production
from seatrial.trials.progress import Progress
from seatrial.trials.rig import Rig
from seatrial.trials.trial import run_trial

REPORT = "report.html"


class Written(Struct, frozen=True):
    """A trial, its evidence, and where the report lies."""

    trial: TrialDocument
    evidence: tuple[Evidence, ...]
    report: Path


def run_and_write(
    settings: Settings,
    folder: Path,
    *,
    only: Sequence[str] | None,
    report: Path | None,
    progress: Progress,
) -> Written:
    """Run a trial, keep its evidence and write its report.

    Args:
        settings: Settings of the folder.
        folder: Where ``.seatrial/`` lies or will lie.
        only: Items to judge; ``None`` for all.
        report: Where the report goes; default: ``FOLDER/.seatrial/report.html``.
        progress: Told about each stage.
    """
    with Rig(settings, folder) as rig:
        outcome = run_trial(rig, only=only, progress=progress)
    progress.stage("writing the report")
    store = EvidenceStore(folder)
    for evidence in outcome.evidence:
        store.put(evidence)
    store.put_trial(outcome.trial)
    if outcome.trial.gap:
        store.put_gap(outcome.trial.gap)
    path = report or folder / ".seatrial" / REPORT
    path.parent.mkdir(parents=True, exist_ok=True)
    page = render_html(outcome.trial, outcome.trial.gap, outcome.evidence)
    path.write_text(page, encoding="utf-8")
    return Written(outcome.trial, outcome.evidence, path)


def gap_and_write(settings: Settings, folder: Path, *, progress: Progress) -> GapDocument:
    """Measure the gap alone, and keep it."""
    with Rig(settings, folder) as rig:
        progress.stage(rig.opening)
        progress.note(f"{len(rig.eval_scores)} eval rows answered")
        progress.stage("comparing eval with production, and explaining the difference")
        gap = measure_production(rig)
    EvidenceStore(folder).put_gap(gap)
    return gap


def measure_and_write(
    name: str, settings: Settings, folder: Path, *, progress: Progress
) -> Evidence:
    """Run one measurement, and keep its evidence.

    Raises:
        UnknownNameError: There is no measurement of that name.
    """
    measurement = plugins.measurements.get(name)
    with Rig(settings, folder) as rig:
        progress.stage(f"measuring {name}")
        evidence: Evidence = measurement(rig)
    EvidenceStore(folder).put(evidence)
    return evidence


def unmet(trial: TrialDocument, require: str | None) -> list[str]:
    """Return the required items that are unmeasured.

    Args:
        trial: The trial.
        require: Item ids, comma separated, or ``all``.

    Raises:
        UnknownNameError: There is no such item.
    """
    if not require:
        return []
    wanted = set(BY_ID) if require == "all" else {part.strip() for part in require.split(",")}
    for name in wanted:
        if name not in BY_ID:
            raise UnknownNameError.of("item", name, BY_ID)
    return [item.id for item in trial.items if item.id in wanted and item.status == "unmeasured"]
