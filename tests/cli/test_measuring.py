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


def test_a_load_is_written_as_a_page_and_told_in_a_sentence(url, seatrial, tmp_path):
    page = tmp_path / "load.html"
    ended = seatrial(
        "load", url, "--body", '{"inputs": [1]}', "--shape", "50->100:500ms, 100:500ms",
        "--retries", 1, "--callers", "a=2,b=1", "--report", page,
    )  # fmt: skip
    assert ended.status == 0, ended.err
    assert "requests were answered well" in " ".join(ended.out.split())
    assert f"report: {page}" in ended.out
    assert "<svg" in page.read_text(encoding="utf-8")


def test_a_closed_loop_is_loaded_from_the_command_line(url, seatrial):
    ended = seatrial(
        "load", url, "--body", '{"inputs": [1]}', "--closed", "--connections", 2,
        "--duration", 0.3, "--json",
    )  # fmt: skip
    document = json.loads(ended.out)
    assert document["closed"]
    assert document["plan"] == "closed loop: 2 callers for 0.3 s"


def test_a_key_comes_from_the_environment_alone(seatrial, monkeypatch):
    sent = []

    def route(path, document, headers):
        sent.append(headers["Authorization"])
        return 200, {"results": []}

    monkeypatch.setenv("MY_KEY", "sk-secret")
    with serving(route) as root:
        ended = seatrial(
            "load", root, "--body", "{}", "--bearer-env", "MY_KEY", "--duration", 0.2, "--json"
        )
    assert ended.status == 0, ended.err
    assert set(sent) == {"Bearer sk-secret"}
    assert "sk-secret" not in ended.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--header-env", "X-Key"), "NAME=VARIABLE"),
        (("--bearer-env", "NOT_SET_ANYWHERE"), "is not set"),
        (("--shape", "nonsense"), "FROM->TO:DURATION"),
        (("--report", "/nowhere/at/all.html"), "cannot be written"),
    ],
)
def test_wrong_options_of_a_load_say_what_is_accepted(url, seatrial, options, said):
    ended = seatrial("load", url, "--body", "{}", "--duration", 0.1, *options)
    assert ended.status == 2
    assert said in ended.err
