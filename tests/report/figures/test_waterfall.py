import itertools
import json
import xml.etree.ElementTree as ET

import msgspec
import pytest

from seatrial.report.figures import waterfall_data, waterfall_svg


def test_the_bars_lead_without_a_gap_from_eval_to_production(gap):
    bars = waterfall_data(gap)["bars"]
    assert (bars[0]["label"], bars[0]["end"]) == ("eval", 81.3)
    assert (bars[-1]["label"], bars[-1]["end"]) == ("production", 64.0)
    for before, after in itertools.pairwise(bars[:-1]):
        assert after["start"] == pytest.approx(before["end"])
    assert bars[-2]["end"] == pytest.approx(bars[-1]["end"])


def test_whiskers_lie_around_the_end_of_each_bar(gap):
    for bar in waterfall_data(gap)["bars"]:
        assert bar["low"] <= bar["end"] <= bar["high"]


def test_the_data_survives_json_so_that_ci_can_compare_it(gap):
    data = waterfall_data(gap)
    assert json.loads(json.dumps(data)) == data


def test_the_title_says_the_finding(gap):
    assert waterfall_data(gap)["title"] == (
        "81.3 % on eval becomes 64.0 % in production: language costs most (-9.1 points)"
    )


def test_an_unknown_production_has_no_bar_and_no_steps(unknown_gap):
    data = waterfall_data(unknown_gap)
    assert [bar["label"] for bar in data["bars"]] == ["eval"]
    assert data["title"] == "81.3 % on eval; production is not known"
    ET.fromstring(waterfall_svg(unknown_gap))


def test_an_estimate_is_marked_as_one(gap):
    production = msgspec.structs.replace(gap.production, state="estimated")
    data = waterfall_data(msgspec.structs.replace(gap, production=production, steps=None))
    assert data["bars"][-1]["label"] == "production (estimate)"


def test_the_picture_is_the_same_bytes_each_time_and_says_every_figure(gap):
    picture = waterfall_svg(gap)
    assert picture == waterfall_svg(gap)
    texts = [node.text for node in ET.fromstring(picture).iter() if node.tag.endswith("text")]
    for said in ("eval", "81.3 %", "language", "-9.1", "association", "causal", "64.0 %"):
        assert said in texts


def test_the_picture_needs_nothing_from_outside_and_obeys_nobody(hostile):
    picture = waterfall_svg(hostile[1])
    tree = ET.fromstring(picture)
    assert {node.tag.rpartition("}")[2] for node in tree.iter()} <= {
        "svg", "title", "rect", "text", "path", "g",
    }  # fmt: skip
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize("accuracy", [0.0, 0.02, 0.5, 0.999, 1.0])
def test_any_level_fits_on_the_axis(gap, accuracy):
    level = msgspec.structs.replace(gap.eval, accuracy=accuracy, low=accuracy, high=accuracy)
    production = msgspec.structs.replace(
        gap.production, accuracy=accuracy, low=accuracy, high=accuracy
    )
    data = waterfall_data(
        msgspec.structs.replace(gap, eval=level, served=None, production=production, steps=())
    )
    first, last = data["axis"]
    assert 0 <= first <= 100 * accuracy <= last <= 100
    assert last - first >= 10
    ET.fromstring(waterfall_svg(msgspec.structs.replace(gap, eval=level, steps=())))
