"""Patterns, shifts and consistency are said on a terminal and on the page, safe to look at."""

import io

import pytest
from rich.console import Console

from seatrial.evidence.documents import Evidence, Value
from seatrial.evidence.machine import Machine
from seatrial.evidence.patterns import Example, Pattern, Patterns
from seatrial.evidence.risks import Risk
from seatrial.report.closing import Section
from seatrial.report.patterns import consistency_sections, pattern_sections
from seatrial.report.terminal import render_gap

HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e"
MACHINE = Machine(
    cpu="test", cores=1, memory_gib=1, accelerator=None, system="test", python="3", versions={}
)


class Gap:
    """The two fields of a gap that these sections read."""

    def __init__(self, patterns=None, risks=()):
        self.patterns, self.risks = patterns, risks


def pattern(**given):
    fields = {
        "where": ("country = de", "age > 40"),
        "n": 61,
        "share": 0.12,
        "error": 0.52,
        "low": 0.31,
        "high": 0.72,
        "rest_error": 0.14,
        "excess_points": 38.0,
        "excess_low": 15.0,
        "excess_high": 58.0,
        "p": 0.002,
        "examples": (Example(row=7, input=HOSTILE, answer="no", label="yes"),),
    }
    return Pattern(**{**fields, **given})


def text_of(sections: tuple[Section, ...]) -> str:
    said = []
    for section in sections:
        said += [section.title, *section.lines]
        for caption, table in section.tables:
            said += [caption, *(column.heading for column in table.columns)]
            said += [cell for row in table.rows for cell in row]
    return "\n".join(said)


def test_a_pattern_is_said_with_its_size_its_errors_and_what_was_looked_at():
    found = Patterns(found=(pattern(),), looked_at=1_383, rows=500, errors=93, detectable_points=27)
    said = text_of(pattern_sections(Gap(found)))
    for part in ("country = de and age > 40", "1,383 slices of 500 reviewed rows", "52.0 %",
                 "31.0 to 72.0", "+38.0 (15.0 to 58.0)", "27 points more"):  # fmt: skip
        assert part in said


def test_what_users_wrote_cannot_obey_itself():
    found = Patterns(found=(pattern(also=(HOSTILE,)),), looked_at=3, rows=100, errors=20)
    said = text_of(pattern_sections(Gap(found)))
    assert "\x1b" not in said
    assert "\u202e" not in said


def test_no_pattern_is_an_answer():
    said = text_of(pattern_sections(Gap(Patterns(looked_at=900, rows=200, errors=40))))
    assert "No pattern found among 900 slices of 200 reviewed rows" in said
    assert "only by luck" in said


def test_where_nothing_was_looked_for_the_reason_stands():
    said = text_of(pattern_sections(Gap(Patterns(why="12 rows are reviewed"))))
    assert "Not looked for: 12 rows are reviewed." in said


def test_a_shift_stands_beside_its_cost():
    one = Risk(
        factor="language", eval_share=0.0, production_share=0.31, p=0.0, known_by="labels",
        points=-8.2, low=-11.0, high=-5.0, n=90, why="41.0 % right in the 90 rows",
    )  # fmt: skip
    two = Risk(factor="domain", eval_share=0.02, production_share=0.02, p=0.6)
    said = text_of(pattern_sections(Gap(risks=(one, two))))
    for part in ("31.0 %", "more than chance", "-8.2", "-11.0 to -5.0", "not known"):
        assert part in said


def test_nothing_known_is_no_section():
    assert pattern_sections(Gap()) == ()
    assert consistency_sections(()) == ()


def test_consistency_is_said_as_what_stays_the_same():
    evidence = Evidence(
        kind="consistency",
        release="m@1",
        machine=MACHINE,
        started="2026-01-01",
        duration_s=1.0,
        values=(
            Value(name="changed_repeat", value=0.0, n=300, low=0.0, high=0.0126),
            Value(name="changed_company", value=None, n=0, note="one row a request"),
            Value(name="changed_reworded", value=0.042, n=300, low=0.03, high=0.06),
        ),
        tables={"edits": ({"edit": "greeting", "rows": 300, "changed": 27.0, "rate": 0.09},)},
    )
    said = text_of(consistency_sections([evidence]))
    assert "100.0 % (98.7 to 100.0) of 300 answers stay the same asked again, alone." in said
    assert "95.8 %" in said
    assert "company" not in said
    assert "greeting" in said


@pytest.mark.parametrize("width", [60, 100])
def test_a_terminal_shows_them(documents_gap, width):
    written = io.StringIO()
    render_gap(documents_gap, console=Console(file=written, width=width))
    assert "Patterns in failures" in written.getvalue()


@pytest.fixture
def documents_gap():
    from seatrial.evidence.gap import Estimate, GapDocument, Production

    return GapDocument(
        metric="accuracy", release="m@1", machine=MACHINE, started="2026-01-01", duration_s=1.0,
        seed=0, eval=Estimate(accuracy=0.9, low=0.8, high=0.95, n=100), served=None,
        production=Production(state="unknown", why="no rows"), steps=None,
        patterns=Patterns(found=(pattern(),), looked_at=10, rows=100, errors=20),
    )  # fmt: skip
