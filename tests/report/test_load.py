"""A load on a terminal and as a page."""

import html
import io
import xml.etree.ElementTree as ET

import pytest
from rich.cells import cell_len
from rich.console import Console

from seatrial.evidence.recorder import Recorder, conditions
from seatrial.report.figures.timeline import timeline_svg
from seatrial.report.load import bar, load_html, render_load
from seatrial.report.loadtables import stretches

HOSTILE = "<script>alert(1)</script>"


def moment(at_s, **fields):
    plain = {
        "at_s": float(at_s),
        "width_s": 1.0,
        "offered": 20,
        "attempts": 20,
        "answered": 20,
        "good": 20,
        "rejected": 0,
        "errors": 0,
        "timeouts": 0,
        "deferred": 0,
        "degraded": 0,
        "p50_ms": 12.0,
        "p99_ms": 30.0,
        "late_p99_ms": 0.1,
        "statuses": {"200": 20},
        "served_by": {"m/original": 20},
    }
    return {**plain, **fields}


def load(moments):
    recorder = Recorder("load", at=conditions("http://127.0.0.1:9/predict"))
    recorder.setting("plan", f"20:9s {HOSTILE}")
    recorder.setting("verdict", "All of 180 requests were answered well.")
    for name in ("offered", "good", "offered_per_s", "goodput_per_s", "timeouts", "failed"):
        recorder.value(name, 180.0 if name in {"offered", "good"} else 0.0)
    recorder.value("rejected", 20.0)
    recorder.value("deferred", 0.0)
    recorder.value("p50_ms", 12.0, "ms")
    recorder.value("p999_ms", None, "ms", note="180 values")
    recorder.value("generator_late_p99_ms", 0.1, "ms")
    recorder.value("generator_cpu_share", 0.05)
    recorder.table("statuses", [{"status": "200", "n": 180, "share": 0.9, "p50_ms": 12.0}])
    recorder.table("timeline", moments)
    recorder.criticise("180 requests are few")
    return recorder.finish()


@pytest.fixture
def spike():
    return load(
        [
            *(moment(at) for at in range(4)),
            moment(4, answered=0, rejected=20, p50_ms=None, p99_ms=None, served_by={}),
            moment(5, degraded=20, served_by={f"m/{HOSTILE}": 20}, attempts=40, p99_ms=2500.0),
            *(moment(at) for at in range(6, 9)),
        ]
    )


def printed(evidence, *, width=100, **console):
    written = io.StringIO()
    render_load(evidence, console=Console(file=written, width=width, **console))
    return written.getvalue()


@pytest.mark.parametrize("width", [50, 80, 100, 140])
def test_a_load_fits_the_terminal_and_ends_with_its_verdict(spike, width):
    text = printed(spike, width=width)
    assert max(cell_len(line) for line in text.splitlines()) <= width
    assert " ".join(text.split()).endswith("All of 180 requests were answered well.")
    assert "Weak point: 180 requests are few" in " ".join(text.split())
    assert "turned away" in text
    assert "unknown" in text


def test_columns_of_what_never_happened_are_left_out(spike):
    text = printed(spike, width=140)
    assert "rejected/s" in text
    assert "attempts/s" in text
    assert "timeouts/s" not in text


def test_a_request_sent_a_moment_late_is_no_retry():
    evidence = load([moment(0, attempts=19), moment(1, attempts=21), moment(2)])
    assert "attempts/s" not in printed(evidence, width=140)
    assert "retries" not in timeline_svg(evidence.table("timeline"))


def test_where_there_is_room_a_load_is_drawn():
    evidence = load([moment(at, offered=5 * (at + 1), answered=5 * (at + 1)) for at in range(4)])
    assert "█" in printed(evidence, width=100)
    assert "█" not in printed(evidence, width=30)


def test_a_long_load_is_merged_without_losing_a_request():
    rows = stretches([moment(at, p99_ms=float(at)) for at in range(100)], most=24)
    assert len(rows) == 20
    assert sum(row.per_s["offered"] * row.seconds for row in rows) == 2000
    assert [row.p99_ms for row in rows[:2]] == [4.0, 9.0]


def test_the_page_runs_nothing_loads_nothing_and_escapes_everything(spike):
    page = load_html(spike)
    assert "<script" not in page
    assert "default-src 'none'" in html.unescape(page)
    assert "&lt;script&gt;alert(1)" in page
    assert "All of 180 requests were answered well." in page
    assert len(page) < 100_000


def test_the_picture_is_a_drawing_in_which_every_moment_and_kind_is_seen(spike):
    drawing = timeline_svg(spike.table("timeline"))
    root = ET.fromstring(drawing)
    titles = [node.text for node in root.iter("{http://www.w3.org/2000/svg}title")]
    assert len(titles) == 1 + 9
    assert "from 4 s: rejected 20" in titles
    assert any("degraded 20" in title and "p99 2,500 ms" in title for title in titles)
    texts = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"answered", "rejected", "degraded", "sent, retries included", "p99"} <= set(texts)
    assert "ticket" not in texts


def test_the_same_figures_give_the_same_picture(spike):
    assert timeline_svg(spike.table("timeline")) == timeline_svg(spike.table("timeline"))


@pytest.mark.parametrize(
    "moments",
    [
        [],
        [moment(0)],
        [moment(0, offered=0, attempts=0, answered=0, p50_ms=None, p99_ms=None, served_by={})],
        [moment(0, p50_ms=0.0, p99_ms=0.0)],
    ],
)
def test_the_smallest_loads_can_be_drawn(moments):
    drawing = timeline_svg(moments)
    assert not moments or ET.fromstring(drawing) is not None


@pytest.mark.parametrize("share", [0.0, 1e-9, 0.3, 0.999, 1.0, 7.0])
def test_a_bar_fills_its_cells_and_shows_whatever_is_above_nothing(share):
    drawn = bar(share, cells=6)
    assert cell_len(drawn) == 6
    assert bool(drawn.strip()) is (share > 0)
    assert len(bar(share, cells=6, plain=True)) == 6
