"""A service that somebody wrote by hand is tried by its URL alone."""

from __future__ import annotations

import json

import pytest

from seatrial.core import plugins
from seatrial.models.subject import subject_of
from seatrial.testing import bank
from seatrial.trials.items import ITEMS

SLOW = pytest.mark.slow
TEMPLATE = (
    '{"instances": [{"document": {"body": "$each"}}], "options": {"mode": "fast", "n": "$n"}}',
    '{"data": {"found": [{"verdict": {"name": "$output", "p": "$confidence"}}]}}',
)


@pytest.fixture
def folder(projects):
    """Data without a model."""
    projects.text()
    (projects.folder / "model.py").unlink()
    return projects.folder


@pytest.fixture
def gap(seatrial, folder):
    """Measure the gap of a URL with the data of the folder."""

    def measure(url, *options):
        data = ("--data", folder / "eval.jsonl", "--production", folder / "production.jsonl")
        ended = seatrial("gap", folder, "--url", url, *data, "--json", "--quiet", *options)
        assert ended.status == 0, ended.err
        return ended.document

    return measure


@pytest.mark.parametrize(
    "asked",
    [
        ("single", "/classify"),
        pytest.param(("lists", "/classify"), marks=SLOW),
        pytest.param(("slow", ""), marks=SLOW),
        ("custom", "/v1/run", "--body", TEMPLATE[0], "--answer", TEMPLATE[1]),
        pytest.param(("lists", "/classify", "--body", '{"texts": "$inputs"}'), marks=SLOW),
    ],
    ids=lambda asked: f"{asked[0]}-{len(asked)}",
)
def test_the_gap_of_a_service(asked, service, gap, projects):
    name, path, *options = asked
    document = gap(service(name) + path, *options)
    right = projects.rule_accuracy(120, seed=1)
    assert document["eval"]["accuracy"] == pytest.approx(right)
    assert document["served"]["accuracy"] == pytest.approx(right)
    assert document["production"]["accuracy"] == pytest.approx(projects.rule_accuracy(80, seed=2))
    assert document["production"]["state"] == "measured"


@SLOW
def test_records_with_missing_values(service, seatrial, projects):
    folder = projects.tabular(suffix=".parquet")
    ended = seatrial(
        "gap", folder, "--url", service("record") + "/score", "--data", folder / "eval.parquet",
        "--production", folder / "production.parquet", "--json", "--quiet",
    )  # fmt: skip
    assert ended.status == 0, ended.err
    assert ended.document["eval"]["accuracy"] > 0.95
    losses = {step["id"]: step["points"] for step in ended.document["steps"]}
    assert losses["column:age"] < -1.0


def test_a_header_comes_from_the_environment(service, gap, seatrial, folder, monkeypatch):
    url = service("guarded")
    ended = seatrial("gap", folder, "--url", url, "--data", folder / "eval.jsonl", "--quiet")
    assert ended.status == 1
    assert "header_env" in ended.err
    monkeypatch.setenv("MY_TOKEN", "Bearer open-sesame")
    document = gap(url, "--header-env", "Authorization=MY_TOKEN")
    assert document["production"]["state"] == "measured"
    assert "open-sesame" not in json.dumps(document)


def test_the_protocol_that_is_named_is_spoken_at_once(service, seatrial, projects, folder):
    """The service answers 418 to whoever tries anything else first."""
    projects.settings(
        f'[model]\nname = "words"\nurl = "{service("oip")}"\n\n[eval]\ndata = "eval.jsonl"\n\n'
        '[production]\ndata = "production.jsonl"\n\n[endpoint]\nprotocol = "oip"\n'
    )
    ended = seatrial("gap", folder, "--json", "--quiet")
    assert ended.status == 0, ended.err
    assert ended.document["eval"]["accuracy"] == pytest.approx(projects.rule_accuracy(120, seed=1))


def test_a_production_row_that_fails_is_a_row_that_users_did_not_get(service, gap, projects):
    texts, bad = projects.sentences(80, seed=2)
    poisoned = [f"parcel parcel {text}" if at < 20 else text for at, text in enumerate(texts)]
    named = ["bad" if one else "good" for one in bad]
    projects.data("production.jsonl", {"text": poisoned, "label": named})
    texts, bad = projects.sentences(120, seed=1)
    texts = [text.replace("parcel parcel", "parcel box") for text in texts]
    projects.data("eval.jsonl", {"text": texts, "label": ["bad" if one else "good" for one in bad]})
    document = gap(service("erring"))
    assert {step["id"]: step["points"] for step in document["steps"]}["failed"] < -15
    assert document["answered"]["share"] < 0.8


def test_an_eval_row_that_fails_is_named(service, seatrial, folder):
    ended = seatrial(
        "gap", folder, "--url", service("erring"), "--data", folder / "eval.jsonl", "--quiet"
    )
    assert ended.status == 1
    assert "eval row" in ended.err
    assert "cannot handle parcels" in ended.err
    assert len(ended.err.strip().splitlines()) == 1


@SLOW
@pytest.mark.parametrize("name", ["single", "lists"])
def test_a_whole_trial_by_url(name, service, seatrial, folder):
    ended = seatrial(
        "trial", folder, "--url", service(name) + "/classify", "--data", folder / "eval.jsonl",
        "--production", folder / "production.jsonl", "--time-budget", "40", "--json", "--quiet",
    )  # fmt: skip
    assert ended.status in {0, 1}, ended.err
    items = {item["id"]: item for item in ended.document["items"]}
    failures = {failure["id"]: failure for failure in ended.document["failures"]}
    assert list(items) == [item.id for item in ITEMS]
    for item in ITEMS:
        if item.inside:
            assert items[item.id]["status"] == "unmeasured"
            assert "URL alone" in items[item.id]["because"]
    assert "p99" in items["latency-budget"]["figure"]
    assert items["end-to-end-latency"]["status"] in {"warn", "unmeasured"}
    assert "answers changed in company" in json.dumps(items["batch-profile"])
    if name == "single":
        assert items["batch-profile"]["status"] == "unmeasured"
        assert "one input a request" in items["batch-profile"]["because"]
    else:
        assert "items/s at batch" in items["batch-profile"]["figure"]
    assert failures["batch-dependent-output"]["found"] is False
    for unseen in ("row-loop", "serving-skew", "memory-pressure", "variant-loss"):
        assert failures[unseen]["found"] is None
    assert "notebook" in failures["serving-skew"]["figure"]
    assert ended.document["gap"]["production"]["state"] == "measured"


PLANTED = [
    ("batch-dependent-output", 0),  # padding without a mask
    ("batch-dependent-output", 3),  # batch statistics
    ("integer-overflow", 1),  # a row number of eight bits
    ("integer-overflow", 0),  # a row offset of sixteen bits
]


ABOUT_ANSWERS = {"batch-dependent-output", "integer-overflow"}
"""What can be told without a clock: other work on the machine cannot raise these."""


@pytest.mark.parametrize("which", ["sick", "healthy"])
@pytest.mark.parametrize(
    "planted", [PLANTED[0], *(pytest.param(one, marks=SLOW) for one in PLANTED[1:])]
)
def test_a_planted_failure_is_named_and_its_twin_is_not(
    planted, which, service, seatrial, projects
):
    failure, seed = planted
    bank.register()
    entry = plugins.failures.get(failure)
    parameters = entry.draw(seed)
    healthy, inputs = subject_of(entry.healthy(parameters)), entry.inputs(parameters)
    labels = [healthy.answer([value]).answers[0].output for value in inputs]
    projects.data("eval.jsonl", {"x": inputs, "label": labels})
    ended = seatrial(
        "trial", projects.folder, "--url", service(f"planted:{failure}:{seed}:{which}"),
        "--data", projects.folder / "eval.jsonl", "--only", "batch-profile",
        "--time-budget", "30", "--json", "--quiet",
    )  # fmt: skip
    assert ended.status == (1 if which == "sick" else 0), ended.err
    # On a busy machine the time may be over before the sweep of speeds has reached 128 rows.
    statuses = {"fail"} if which == "sick" else {"warn", "unmeasured"}
    assert ended.document["items"][0]["status"] in statuses
    found = {one["id"]: one["found"] for one in ended.document["failures"]}
    assert found[failure] is (which == "sick")
    named = {name for name in ABOUT_ANSWERS if found[name]}
    assert named == ({failure} if which == "sick" else set())
    assert found["row-loop"] is None


def test_a_service_that_is_not_there_is_one_line(seatrial, folder):
    ended = seatrial(
        "trial", folder, "--url", "http://127.0.0.1:9/predict", "--data", folder / "eval.jsonl",
        "--quiet",
    )  # fmt: skip
    assert ended.status == 3
    assert len(ended.err.strip().splitlines()) == 1


def test_an_endpoint_that_is_not_understood_says_what_was_tried(service, seatrial, folder):
    url = service("custom") + "/v1/run"
    ended = seatrial("gap", folder, "--url", url, "--data", folder / "eval.jsonl", "--quiet")
    assert ended.status == 2
    assert "--body" in ended.err
    assert len(ended.err.strip().splitlines()) == 1
