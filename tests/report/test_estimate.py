"""The section on what is known without labels: the number with its limits, or why there is none."""

import io

import msgspec
import pytest
from rich.console import Console

from seatrial.evidence.labelfree import InputShift, LabelFree, Narrowing, Robustness
from seatrial.report.estimate import estimate_sections
from seatrial.report.terminal import render_gap

ROBUST = Robustness(
    family="cut <b>",
    accuracy=0.704,
    low=0.681,
    high=0.727,
    points=-10.6,
    worst="cut/head 0.9",
    worst_accuracy=0.58,
    n=2250,
    rows=900,
)
SHOWN = LabelFree(
    shown=True,
    accuracy=0.63,
    low=0.55,
    high=0.71,
    stresses=118,
    narrowing=(Narrowing(n=200, points=6.6),),
    shift=InputShift(area=0.94, low=0.93, high=0.95, n=800),
    limits=("edits look like eval",),
)
REFUSED = LabelFree(
    shown=False,
    unknown_share=0.4,
    bound_low=0.3,
    bound_high=0.85,
    refused=("language",),
    why="40 % of traffic is in languages the model was never scored on",
    narrowing=(Narrowing(n=200, points=6.9),),
)


def lines(gap, **fields):
    sections = estimate_sections(msgspec.structs.replace(gap, **fields))
    return " ".join(line for section in sections for line in section.lines)


def test_an_estimate_is_never_a_bare_number(gap):
    """Interval, level and what no estimate sees stand beside it."""
    said = lines(gap, estimate=SHOWN)
    assert "63.0 %" in said
    assert "55.0 to 71.0" in said
    assert "90 %" in said
    assert "can be told from" in said
    assert "No estimate sees this: edits look like eval." in said


def test_a_refusal_says_why_the_bounds_and_what_would_narrow_them(gap):
    """No number, and no hole where it should be."""
    said = lines(gap, estimate=REFUSED)
    assert said.startswith("Unknown: 40 % of traffic")
    assert "lies between 30 % and 85 %" in said
    assert "200 reviews ±6.9" in said
    assert "Estimated" not in said


def test_nothing_is_said_where_nothing_was_estimated(gap):
    """A measured gap needs no estimate."""
    assert estimate_sections(gap) == ()


@pytest.mark.parametrize("estimate", [SHOWN, REFUSED, None])
def test_the_terminal_shows_families_by_name_as_text(gap, estimate):
    """Names are escaped; the table has its figures."""
    page = io.StringIO()
    changed = msgspec.structs.replace(gap, estimate=estimate, robustness=(ROBUST,))
    render_gap(changed, console=Console(file=page, width=140, color_system=None))
    assert "cut <b>" in page.getvalue()
    assert "-10.6" in page.getvalue()
