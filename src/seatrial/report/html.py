"""One self-contained HTML file: the first screen, then everything behind it.

All content is text of others: it is made visible, then escaped where it enters the page, the
JSON of the charts and Plotly's own markup. A policy in the page lets nothing run but the two
scripts whose digests it names, and nothing load at all.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import itertools
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import jinja2
from markupsafe import Markup
from msgspec import Struct

from seatrial.evidence.documents import Evidence
from seatrial.evidence.findings import TrialDocument
from seatrial.evidence.gap import GapDocument
from seatrial.evidence.machine import Machine
from seatrial.report.characters import cleaned
from seatrial.report.closing import closing_sections
from seatrial.report.estimate import estimate_sections
from seatrial.report.figures import Chart, charts, waterfall_svg
from seatrial.report.headline import headline
from seatrial.report.ledger import ledger
from seatrial.report.patterns import consistency_sections, pattern_sections
from seatrial.report.reviews import review_sections
from seatrial.report.tables import (
    Table,
    cell,
    metrics_table,
    slices_table,
    table_of,
    values_table,
    variants_table,
)
from seatrial.report.wording import (
    STATUSES,
    SYMBOLS,
    TODO,
    WORDS,
    abbreviated,
    instant,
    number,
    percent,
)

Script = Literal["embed", "omit"]

JSON_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}
"""Inside a script element these could end it, or end a line of it."""


class Entry(Struct, frozen=True, kw_only=True):
    """One measurement on the page."""

    id: str
    anchor: str
    evidence: Evidence
    values: Table
    tables: tuple[tuple[str, Table], ...]
    settings: tuple[tuple[str, str], ...]
    elsewhere: str


def render_html(
    trial: TrialDocument,
    gap: GapDocument | None = None,
    evidences: Sequence[Evidence] = (),
    *,
    plotlyjs: Script = "embed",
) -> str:
    """Render a trial as one HTML file that asks nothing of any network.

    Args:
        trial: The judged checklist.
        gap: The gap; default: the one inside the trial.
        evidences: The measurements behind it, as they were frozen.
        plotlyjs: ``embed`` puts Plotly's script (about 5 MB) into the file once; ``omit`` leaves
            all scripts out: the waterfall is then a still picture, the other charts tables.

    Returns:
        The whole document.
    """
    entries = [_entry(evidence, trial.machine) for evidence in evidences]
    trial = cleaned(trial)
    gap = cleaned(gap) if gap is not None else trial.gap
    shown = [entry.evidence for entry in entries]
    drawn = charts(gap, shown)
    scripts, policy = _scripts(drawn) if plotlyjs == "embed" else (None, _policy())
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            trial=trial,
            gap=gap,
            head=headline(trial, gap, shown),
            release=abbreviated(trial.release),
            counts=trial.counts(),
            weeks=_weeks(trial),
            entries=entries,
            anchors={entry.id: entry.anchor for entry in entries},
            charts=drawn,
            still=Markup(waterfall_svg(gap)) if gap else "",  # noqa: S704  (escaped where it is drawn)
            ledger=ledger(gap) if gap else (),
            closing=(
                *estimate_sections(gap),
                *review_sections(gap),
                *closing_sections(gap),
                *pattern_sections(gap),
            )
            if gap
            else (),
            consistency=consistency_sections(shown),
            slices=slices_table(gap.slices) if gap else None,
            metrics=metrics_table(gap.metrics) if gap and gap.metrics else None,
            variants=_variants(shown),
            has=_sections(shown),
            failures=sorted(trial.failures, key=lambda failure: failure.found is not True),
            found_words=_found_words(trial),
            facts=_facts(trial, gap),
            criticisms=_criticisms(gap, entries),
            version=trial.machine.versions.get("seatrial", ""),
            statuses=STATUSES,
            symbols=SYMBOLS,
            words=WORDS,
            todo=TODO,
            scripts=scripts,
            policy=policy,
        )
    )


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("seatrial.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = percent
    environment.filters["number"] = number
    environment.filters["instant"] = instant
    return environment


@functools.cache
def _plotly() -> tuple[str, str]:
    """Return Plotly's script as it may stand inside a page, and its digest for the policy."""
    from plotly.offline import get_plotlyjs

    # Neither occurs in the script as shipped; a later release must not end the element early.
    script = get_plotlyjs().replace("</script", "<\\/script").replace("<!--", "<\\!--")
    return script, _digest(script)


def _digest(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _scripts(drawn: Mapping[str, Chart]) -> tuple[Markup, str]:
    """Return the script elements, and the policy that lets exactly these run."""
    environment = _environment()
    own = environment.get_template("report.js").render()
    plotly, plotly_digest = _plotly()
    elements = (
        f'<script type="application/json" id="figures">{figures_json(drawn)}</script>\n'
        f"<script>{plotly}</script>\n<script>{own}</script>"
    )
    return Markup(elements), _policy(plotly_digest, _digest(own))  # noqa: S704  (no content of others but the escaped JSON)


def figures_json(drawn: Mapping[str, Chart]) -> str:
    """Return the figures as JSON that cannot end a script element, whatever they hold."""
    figures = {name: json.loads(chart.figure.to_json()) for name, chart in drawn.items()}
    return json.dumps(figures, allow_nan=False).translate(JSON_ESCAPES)


def _policy(*scripts: str) -> str:
    allowed = " ".join(scripts) or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _entry(evidence: Evidence, machine: Machine) -> Entry:
    name = evidence.id
    elsewhere = "" if evidence.machine == machine else evidence.machine.summary()
    evidence = cleaned(evidence)
    return Entry(
        id=name,
        anchor=f"evidence-{re.sub(r'[^a-z0-9-]', '-', name.lower())}",
        evidence=evidence,
        values=values_table(evidence.values),
        tables=tuple((title, table_of(rows)) for title, rows in evidence.tables.items() if rows),
        settings=tuple((key, cell(value)) for key, value in evidence.settings.items()),
        elsewhere=elsewhere,
    )


def _weeks(trial: TrialDocument) -> list[dict[str, Any]]:
    ordered = sorted(trial.items, key=lambda item: item.week)
    return [
        {"number": week, "rows": list(rows)}
        for week, rows in itertools.groupby(ordered, key=lambda item: item.week)
    ]


def _variants(evidences: Sequence[Evidence]) -> Table | None:
    rows = [row for evidence in evidences for row in evidence.table("variants")]
    return variants_table(rows) if rows else None


def _sections(evidences: Sequence[Evidence]) -> dict[str, bool]:
    kinds = {evidence.kind for evidence in evidences}
    return {
        "speed": bool(kinds & {"batching", "latency"}),
        "variants": any(evidence.table("variants") for evidence in evidences),
        "calibration": "calibration" in kinds,
    }


def _found_words(trial: TrialDocument) -> str:
    found = [failure.found for failure in trial.failures]
    return (
        f"{found.count(True)} found, {found.count(False)} looked for and not found, "
        f"{found.count(None)} cannot be told"
    )


def _facts(trial: TrialDocument, gap: GapDocument | None) -> list[tuple[str, str]]:
    machine = trial.machine
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    facts = [
        ("Release", trial.release),
        ("Started", instant(trial.started)),
        ("Duration", f"{number(trial.duration_s)} s"),
        ("Processor", f"{machine.cpu}, {machine.cores} cores"),
        ("Memory", f"{machine.memory_gib:g} GiB"),
        ("Accelerator", machine.accelerator or "none"),
        ("System", f"{machine.system}, Python {machine.python}"),
        ("Versions", versions),
    ]
    return [*facts, ("Seed of the gap", str(gap.seed))] if gap else facts


def _criticisms(gap: GapDocument | None, entries: Sequence[Entry]) -> list[tuple[str, str]]:
    lines = [("gap", line) for line in (gap.criticisms if gap else ())]
    return lines + [(entry.id, line) for entry in entries for line in entry.evidence.criticisms]
