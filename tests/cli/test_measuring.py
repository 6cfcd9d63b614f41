"""One measurement, and one load, from the command line."""

import json

import msgspec
import pytest

from seatrial.evidence.documents import Evidence
from seatrial.testing.service import predict_route, serving


@pytest.fixture
def url():
    with serving(predict_route(lambda rows: rows)) as root:
        yield root


def test_one_measurement_is_printed_and_kept(folder, seatrial):
    ended = seatrial("measure", "calibration", folder, "--json", "--quiet")
    assert ended.status == 0, ended.err
    evidence = msgspec.json.decode(ended.out, type=Evidence)
    assert evidence.kind == "calibration"
    assert evidence.value("ece_eval").value == pytest.approx(0.1)
    assert len(list((folder / ".seatrial" / "evidence").glob("*.json"))) == 1


def test_a_measurement_is_shown_as_tables(folder, seatrial):
    ended = seatrial("measure", "calibration", folder)
    assert ended.status == 0
    assert "ece eval" in ended.out
    assert "measuring calibration" in ended.err


def test_a_load_is_printed_with_its_percentiles(url, seatrial):
    ended = seatrial(
        "load", f"{url}/predict", "--body", '{"inputs": [1]}', "--rate", 100, "--duration", 0.3,
        "--json",
    )  # fmt: skip
    assert ended.status == 0, ended.err
    document = json.loads(ended.out)
    assert document["answered"] == document["offered"] > 0
    assert {row["name"] for row in document["latency"]} >= {"p50", "p99"}


def test_a_load_is_shown_as_a_table(url, seatrial):
    ended = seatrial("load", url, "--body", '{"inputs": [1]}', "--rate", 100, "--duration", 0.2)
    assert ended.status == 0
    assert "p50" in ended.out
