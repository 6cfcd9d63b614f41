"""What the trial prints, and with which status it ends."""

import json

import msgspec
import pytest

from seatrial.evidence.findings import TrialDocument
from seatrial.evidence.gap import GapDocument
from seatrial.records.tables import write_rows
from seatrial.trials.items import BY_ID

ITEM_KEYS = {"id", "week", "status", "figure", "because", "fix", "evidence"}
FAILURE_KEYS = {"id", "found", "figure", "contained_by"}
STATUSES = {"pass", "warn", "fail", "unmeasured", "not_applicable"}
QUICK = ("--quiet", "--time-budget", "6")


@pytest.fixture
def with_production(folder):
    """The small text project with production rows, fewer than are asked for."""
    rows = {"text": [f"good thing {n}" for n in range(40)], "label": ["yes"] * 30 + ["no"] * 10}
    write_rows(folder / "production.jsonl", rows)
    with (folder / "seatrial.toml").open("a") as file:
        file.write('\n[production]\ndata = "production.jsonl"\n')
    return folder


def add(folder, text):
    with (folder / "seatrial.toml").open("a") as file:
        file.write(text)


def test_the_trial_as_json_has_the_documented_shape(with_production, seatrial):
    only = "batch-profile,production-sample,warm-up"
    ended = seatrial("trial", with_production, "--only", only, "--json", *QUICK)
    assert ended.status == 1, ended.err
    assert ended.err == ""
    document = json.loads(ended.out)
    msgspec.json.decode(ended.out, type=TrialDocument)
    assert {"release", "machine", "duration_s", "items", "failures", "gap"} <= set(document)
    assert document["release"].startswith("words@")
    assert [item["id"] for item in document["items"]] == only.split(",")
    for item in document["items"]:
        assert set(item) >= ITEM_KEYS
        assert item["status"] in STATUSES
        assert item["week"] == BY_ID[item["id"]].week
    items = {item["id"]: item for item in document["items"]}
    assert items["production-sample"]["status"] == "fail"
    assert "960 more" in items["production-sample"]["fix"]
    assert items["warm-up"]["status"] == "unmeasured"
    assert items["warm-up"]["because"] == "no budget set"
    assert document["failures"]
    for failure in document["failures"]:
        assert set(failure) >= FAILURE_KEYS
        assert failure["found"] in {True, False, None}
    assert document["gap"] is None
    written = sorted(path.name for path in (with_production / ".seatrial").iterdir())
    assert "report.html" in written
    assert "evidence" in written


def test_the_gap_as_json_has_the_documented_shape(with_production, seatrial):
    ended = seatrial("gap", with_production, "--json", "--quiet")
    assert ended.status == 0, ended.err
    document = json.loads(ended.out)
    msgspec.json.decode(ended.out, type=GapDocument)
    assert document["metric"] == "accuracy"
    assert {"accuracy", "low", "high", "n"} <= set(document["eval"])
    production = document["production"]
    assert {"state", "accuracy", "low", "high", "n", "method", "why"} <= set(production)
    assert (document["eval"]["accuracy"], production["accuracy"]) == (1.0, 0.75)
    assert production["low"] < 0.75 < production["high"]
    ids = [step["id"] for step in document["steps"]]
    assert ids[:2] == ["precision", "serving"]
    assert ids[-1] == "remainder"
    for step in document["steps"]:
        assert {"id", "points", "low", "high", "kind", "why"} <= set(step)
        assert step["kind"] in {"causal", "association", "remainder"}
    assert sum(step["points"] for step in document["steps"]) == pytest.approx(-25.0, abs=1e-9)
    for one in document["slices"]:
        assert {"by", "value", "share", "accuracy", "low", "high", "n"} <= set(one)
    assert set(document["answered"]) >= {"share", "accuracy", "correct_of_all"}


def test_without_a_failing_item_the_status_is_0(folder, seatrial):
    assert seatrial("trial", folder, "--only", "production-sample", *QUICK).status == 0


def test_a_required_item_has_to_be_measured(folder, seatrial):
    call = ("trial", folder, "--only", "production-sample", *QUICK)
    assert seatrial(*call, "--require", "production-sample").status == 1
    assert seatrial(*call, "--require", "all").status == 1
    assert seatrial(*call, "--require", "warm-up").status == 0
    ended = seatrial(*call, "--require", "warmup")
    assert ended.status == 2
    assert 'Did you mean "warm-up"' in ended.err


def test_not_applicable_is_shown_with_its_reason_and_never_fails(with_production, seatrial):
    add(with_production, '\n[not_applicable]\nproduction-sample = "a demo, nobody uses it"\n')
    call = ("trial", with_production, "--only", "production-sample", "--require", "all", *QUICK)
    ended = seatrial(*call)
    assert ended.status == 0
    assert "a demo, nobody uses it" in " ".join(ended.out.split())
    (item,) = json.loads(seatrial(*call, "--json").out)["items"]
    assert (item["status"], item["because"]) == ("not_applicable", "a demo, nobody uses it")
    page = (with_production / ".seatrial" / "report.html").read_text()
    assert "a demo, nobody uses it" in page


@pytest.mark.parametrize(
    ("line", "says"),
    [('unit-marge = "internal"', 'Did you mean "unit-margin"'), ('unit-margin = " "', "reason")],
)
def test_not_applicable_wants_an_item_and_a_reason(line, says, folder, seatrial):
    add(folder, f"\n[not_applicable]\n{line}\n")
    ended = seatrial("trial", folder, "--only", "production-sample", *QUICK)
    assert ended.status == 2
    assert says in ended.err


def test_progress_goes_to_standard_error_and_the_result_to_standard_output(folder, seatrial):
    ended = seatrial("trial", folder, "--only", "production-sample")
    assert "reading rows and loading words" in ended.err
    assert "reading rows" not in ended.out
    assert "production-sample" in ended.out


def test_the_report_goes_where_it_is_wanted(folder, seatrial, tmp_path):
    report = tmp_path / "elsewhere" / "page.html"
    ended = seatrial("trial", folder, "--only", "production-sample", "--report", report, *QUICK)
    assert ended.status == 0
    assert report.read_text().startswith("<!")
    assert str(report) in ended.out


def test_options_of_a_service_want_a_url(folder, seatrial):
    for verb in ("trial", "gap"):
        ended = seatrial(verb, folder, "--data", "eval.jsonl")
        assert ended.status == 2
        assert "--url" in ended.err
