import json

import msgspec
import pytest

from seatrial.evidence.documents import Value
from seatrial.report.figures import charts

NAMES = {"waterfall", "slices", "batch", "latency", "variants", "calibration"}


def traces(chart):
    return json.loads(chart.figure.to_json())["data"]


def layout(chart):
    return json.loads(chart.figure.to_json())["layout"]


def texts(node):
    """Yield every text that Plotly would lay out or interpret."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for item in node.values():
            yield from texts(item)
    elif isinstance(node, list):
        for item in node:
            yield from texts(item)


def test_everything_that_can_be_drawn_is_drawn_once(gap, evidences):
    drawn = charts(gap, evidences)
    assert set(drawn) == NAMES
    assert all(chart.title and chart.note for chart in drawn.values())


def test_nothing_is_drawn_of_nothing(unknown_gap):
    assert charts(None, ()) == {}
    assert charts(unknown_gap, ()) == {}


def test_titles_say_the_finding(gap, evidences):
    titles = {name: chart.title for name, chart in charts(gap, evidences).items()}
    assert (
        titles["slices"] == "The slice that costs most is language = de: 46.0 % on 16 % of traffic"
    )
    assert titles["batch"].startswith("Fastest with 128 rows in a call: 41,200 items/s")
    assert titles["latency"].startswith("Within budget to 200 requests/s; at 400")
    assert titles["variants"].startswith("onnx-fp32 is 2.4 times as fast")
    assert titles["calibration"] == (
        "Confidence is off by 1.8 points on eval and by 16.2 in production"
    )


def test_axes_carry_units(gap, evidences):
    for chart in charts(gap, evidences).values():
        assert layout(chart)["xaxis"]["title"]["text"]


def test_bars_of_the_waterfall_end_where_the_ledger_says(gap):
    ends = {}
    for trace in traces(charts(gap, ())["waterfall"]):
        for row, base, length in zip(trace["y"], trace["base"], trace["x"], strict=True):
            ends[row] = base + length
    assert ends[0] == pytest.approx(81.3)
    assert ends[len(ends) - 1] == pytest.approx(64.0)


def test_budgets_are_lines_and_broken_rates_open_markers(evidences):
    chart = charts(None, [evidences[1]])["latency"]
    assert sorted(shape["y0"] for shape in layout(chart)["shapes"]) == [20, 50, 200]
    assert traces(chart)[0]["marker"]["symbol"] == ["circle"] * 4 + ["circle-open"]


def test_without_a_budget_no_line_is_drawn_and_the_title_says_so(evidences):
    rows = tuple(row | {"within_budget": True} for row in evidences[1].table("rates"))
    latency = msgspec.structs.replace(evidences[1], settings={}, tables={"rates": rows})
    chart = charts(None, [latency])["latency"]
    assert "shapes" not in layout(chart) or not layout(chart)["shapes"]
    assert chart.title == "p99 is 720 ms at 400 requests/s, no budget set"


def test_a_rate_that_does_not_hold_is_named_with_or_without_a_budget(evidences):
    free = msgspec.structs.replace(evidences[1], settings={"limits": {}})
    title = charts(None, [free])["latency"].title
    assert title == "Keeps up to 200 requests/s; at 400 requests/s p99 is 720 ms"
    unheld = msgspec.structs.replace(free, values=())
    title = charts(None, [unheld])["latency"].title
    assert title == "Does not keep up: at 400 requests/s p99 is 720 ms"


def test_a_percentile_that_is_unknown_is_not_drawn(evidences):
    assert [trace["name"] for trace in traces(charts(None, [evidences[1]])["latency"])] == [
        "p50", "p95", "p99",
    ]  # fmt: skip


def test_only_sure_cliffs_are_marked(evidences):
    unsure = {"batch_before": 4, "batch": 8, "ratio": 0.95, "low": 0.8, "high": 1.1}
    tables = evidences[0].tables | {"cliffs": (*evidences[0].table("cliffs"), unsure)}
    chart = charts(None, [msgspec.structs.replace(evidences[0], tables=tables)])["batch"]
    assert [shape["x0"] for shape in layout(chart)["shapes"]] == [256]


def test_a_variant_that_does_not_apply_is_not_a_dot(evidences):
    trace = traces(charts(None, [evidences[2]])["variants"])[0]
    assert trace["x"] == [2.4, 0.91]


def test_a_measurement_without_rows_is_left_out(evidences):
    bare = [msgspec.structs.replace(evidence, tables={}, values=()) for evidence in evidences]
    assert charts(None, bare) == {}


def test_tables_with_holes_and_wrong_types_are_drawn_as_far_as_they_go(evidences):
    holed = msgspec.structs.replace(
        evidences[0],
        values=(Value(name="batch_best", value=None),),
        tables={"sweep": ({"batch": 1, "items_per_s": "many"}, {"batch": None}, {"batch": 4})},
    )
    chart = charts(None, [holed])["batch"]
    assert traces(chart)[0]["x"] == [1, 4]
    assert chart.title == "Items per second by batch size"


def test_no_text_of_others_is_read_as_markup_by_plotly(hostile):
    drawn = charts(hostile[1], hostile[2])
    for chart in drawn.values():
        for text in texts(json.loads(chart.figure.to_json())):
            assert "<script" not in text
            assert "<a " not in text
            assert "<img" not in text


def test_a_chart_that_stands_alone_has_its_finding_as_title(gap):
    chart = charts(gap, ())["waterfall"]
    assert chart.titled().layout.title.text == chart.title
    assert chart.figure.layout.title.text is None
