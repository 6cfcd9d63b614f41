"""The sections on remedies and promises: every figure with its interval, every loss in sight."""

import io

import msgspec
import pytest
from rich.console import Console

from seatrial.evidence.closing import Closing, Pair, Remedy
from seatrial.evidence.confidence import Confidence, Error, Mending, Promise
from seatrial.report.closing import closing_sections
from seatrial.report.html import render_html
from seatrial.report.terminal import render_gap

NOW = Pair(share=0.95, accuracy=0.66, low=0.6, high=0.72, correct_of_all=0.627)
REPAIR = Remedy(
    id="repair:format",
    kind="repair",
    points=4.25,
    low=0.9,
    high=9.1,
    n=200,
    touched=0.31,
    then=Pair(share=0.95, accuracy=0.705, low=0.6, high=0.79, correct_of_all=0.67),
    how="pass inputs through the repair",
    cost="2 of 60 rows that it changes are answered worse",
)
GATE = Remedy(
    id="gate:language",
    kind="gate",
    points=-12.5,
    low=-20.0,
    high=-7.0,
    n=200,
    touched=0.25,
    then=Pair(share=0.7, accuracy=0.72, low=0.6, high=0.8, correct_of_all=0.5),
    gives_up=0.5,
    how="answer nothing",
)
CONFIDENCE = Confidence(
    target=0.8,
    certainty=0.9,
    promised=Promise(
        on="eval",
        by="confidence",
        state="made",
        threshold=0.7124,
        share=0.9,
        accuracy=0.84,
        low=0.82,
        high=0.86,
        correct_of_all=0.756,
        n=1600,
        why="from confidence 0.712 on",
    ),
    earned=Promise(
        on="production",
        by="confidence",
        state="withdrawn",
        rows=200,
        wanted=870,
        why="200 labels cannot support this promise; about 870 would",
    ),
    mendings=(
        Mending(
            on="production",
            n=200,
            before=Error(value=0.11, low=0.07, high=0.16, floor=0.04),
            after=Error(value=0.05, low=0.0, high=0.1, floor=0.04),
            excess=0.1,
            excess_low=0.04,
            excess_high=0.16,
            method="temperature",
            temperature=1.8,
        ),
    ),
)


@pytest.fixture
def gap(gap):
    closing = Closing(now=NOW, remedies=(REPAIR, GATE), tries=42, level=0.999)
    return msgspec.structs.replace(gap, closing=closing, confidence=CONFIDENCE)


def printed(gap):
    stream = io.StringIO()
    render_gap(gap, console=Console(file=stream, width=160, no_color=True))
    return stream.getvalue()


def test_each_remedy_has_points_interval_and_what_it_costs(gap):
    first, _ = closing_sections(gap)
    (_, table) = first.tables[0]
    headings = [column.heading for column in table.columns]
    repair = dict(zip(headings, table.rows[0], strict=True))
    gate = dict(zip(headings, table.rows[1], strict=True))
    assert repair["Points"] == "+4.2"
    assert repair["Interval"] == "+0.9 to +9.1".replace("+", "")
    assert "answered worse" in repair["How, and at what cost"]
    assert (gate["Points"], gate["Answers"], gate["Right then"]) == ("-12.5", "70.0 %", "72.0 %")
    assert gate["Withheld, right"] == "50.0 %"


def test_how_often_it_was_tried_is_said(gap):
    first, _ = closing_sections(gap)
    assert any("42 tries" in line for line in first.lines)


def test_promises_say_what_became_of_them(gap):
    _, second = closing_sections(gap)
    said = " ".join(second.lines)
    assert "On eval it is made: from confidence 0.712 on." in said
    assert "it is withdrawn: 200 labels cannot support this promise; about 870 would." in said
    assert "With a temperature of 1.80: 0.050 (0.000 to 0.100)." in said


def test_both_renderers_show_them(gap, trial):
    page = render_html(trial, gap, plotlyjs="omit")
    terminal = printed(gap)
    for text in ("repair:format", "gate:language", "What would close it", "cannot support"):
        assert text in page
        assert text in terminal


def test_hostile_names_stay_text(gap, trial):
    evil = msgspec.structs.replace(REPAIR, id="gate:<script>alert(1)</script>", how="[red]x[/red]")
    closing = msgspec.structs.replace(gap.closing, remedies=(evil,))
    page = render_html(trial, msgspec.structs.replace(gap, closing=closing), plotlyjs="omit")
    assert "<script>alert" not in page
    assert "[red]x[/red]" in printed(msgspec.structs.replace(gap, closing=closing))


def test_a_gap_without_them_has_no_sections(gap):
    bare = msgspec.structs.replace(gap, closing=None, confidence=None)
    assert closing_sections(bare) == ()
