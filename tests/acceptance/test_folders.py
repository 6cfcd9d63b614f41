"""Any folder with a model and its data works the same: look, write settings, measure."""

from __future__ import annotations

import math
import tomllib

import msgspec
import pytest

from seatrial.evidence.gap import GapDocument

SLOW = pytest.mark.slow
FORMATS = (".csv", ".jsonl", ".parquet")


def read(folder):
    return tomllib.loads((folder / "seatrial.toml").read_text())


@pytest.fixture
def gap(seatrial):
    """Look at a folder, unless it has settings, and measure its gap."""

    def measure(folder, *options):
        if not (folder / "seatrial.toml").is_file():
            found = seatrial("init", folder)
            assert found.status == 0, found.err
        ended = seatrial("gap", folder, "--json", "--quiet", *options)
        assert ended.status == 0, ended.err
        assert ended.err == ""
        document = msgspec.json.decode(ended.out, type=GapDocument)
        assert adds_up(document)
        return document

    return measure


def adds_up(document):
    """Whether the steps sum to the drop exactly; nothing to sum where production is unknown."""
    if document.steps is None:
        return document.production.state == "unknown"
    drop = 100 * (document.production.accuracy - document.eval.accuracy)
    return math.isclose(sum(step.points for step in document.steps), drop, abs_tol=1e-9)


@pytest.mark.parametrize(
    "suffix", [".jsonl", pytest.param(".csv", marks=SLOW), pytest.param(".parquet", marks=SLOW)]
)
def test_a_text_model(suffix, projects, gap):
    document = gap(projects.text(suffix=suffix))
    assert document.eval.accuracy == pytest.approx(projects.rule_accuracy(120, seed=1))
    assert document.served.accuracy == document.eval.accuracy
    assert document.production.accuracy == pytest.approx(projects.rule_accuracy(80, seed=2))
    assert document.production.state == "measured"
    assert "language" in {step.id for step in document.steps}


@pytest.mark.parametrize(
    "suffix", [".csv", pytest.param(".jsonl", marks=SLOW), pytest.param(".parquet", marks=SLOW)]
)
def test_a_tabular_model_with_missing_values(suffix, projects, gap):
    document = gap(projects.tabular(suffix=suffix))
    assert read(projects.folder)["eval"]["input"] == ["age", "spend", "plan"]
    assert document.eval.accuracy > 0.95
    assert document.production.accuracy < document.eval.accuracy
    losses = {step.id: step.points for step in document.steps}
    assert losses["column:age"] < -1.0
    assert losses["failed"] == 0.0


@pytest.mark.parametrize("suffix", [pytest.param(suffix, marks=SLOW) for suffix in FORMATS])
def test_a_regression_is_judged_by_a_tolerance_from_its_labels(suffix, projects, gap):
    document = gap(projects.regression(suffix=suffix))
    assert document.metric == read(projects.folder)["eval"]["metric"] == "within:0.5"
    assert 0.8 < document.eval.accuracy < 1.0
    assert document.production.accuracy < document.eval.accuracy
    assert {"mae", "rmse"} <= {metric.name for metric in document.metrics}


def test_an_onnx_file_over_named_columns(projects, gap):
    document = gap(projects.onnx_record())
    assert read(projects.folder)["eval"]["input"] == ["a", "b", "c", "d"]
    assert document.eval.accuracy > 0.8


@SLOW
def test_an_onnx_file_over_arrays(projects, gap):
    document = gap(projects.onnx_array())
    assert read(projects.folder)["model"]["input"] == "array"
    assert document.eval.accuracy > 0.8


@SLOW
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_pipeline_that_carries_no_code(suffix, projects, gap):
    document = gap(projects.skops(suffix=suffix))
    assert document.eval.accuracy > 0.7


def test_a_pickle_that_nobody_trusts_is_not_opened(projects, seatrial):
    folder = projects.pickle()
    assert seatrial("init", folder).status == 0
    ended = seatrial("gap", folder, "--quiet")
    assert ended.status == 3
    assert "trust" in ended.err
    assert ended.out == ""


@SLOW
def test_a_pickle_is_opened_where_somebody_trusts_it(projects, gap):
    assert gap(projects.pickle(), "--trust", "the tests").eval.accuracy > 0.7


LABELS = [(1, 0), (True, False), (2.5, 0.5), ("yes", "no"), ("1", "0")]


@SLOW
@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("labels", LABELS, ids=repr)
def test_labels_of_every_type(labels, suffix, projects, gap, seatrial):
    folder = projects.text(suffix=suffix, labels=labels)
    assert seatrial("init", folder).status == 0
    path = folder / "seatrial.toml"
    path.write_text(path.read_text().replace('task = "regression"', 'task = "classification"'))
    if labels == ("1", "0") and suffix == ".csv":
        ended = seatrial("gap", folder, "--quiet")
        assert ended.status == 2, "a CSV cannot say that 1 is a text"
        assert "text ('1')" in ended.err
        return
    path.write_text(path.read_text().replace("within:0.2", "accuracy"))
    assert gap(folder).eval.accuracy == pytest.approx(projects.rule_accuracy(120, seed=1))


@pytest.mark.parametrize(
    "columns", [pytest.param('"*"', marks=SLOW), pytest.param('["age", "plan"]', marks=SLOW)]
)
def test_columns_are_named_as_one_pleases(columns, projects, gap):
    folder = projects.tabular()
    projects.code(
        "def load():\n"
        '    return lambda rows: [(row["age"] or 40) < 35 and "spend" in row for row in rows]\n'
    )
    projects.settings(
        '[model]\nload = "model:load"\ninput = "record"\n\n'
        f'[eval]\ndata = "eval.csv"\ninput = {columns}\nlabel = "left"\n'
    )
    accuracy = gap(folder).eval.accuracy
    stays = 1 - sum(projects.table(150, seed=1)["left"]) / 150
    assert (accuracy == pytest.approx(stays)) == (columns != '"*"')


@SLOW
def test_labels_may_be_partial(projects, gap):
    folder = projects.text()
    texts, bad = projects.sentences(400, seed=5)
    labels = [None if at % 4 else "bad" if one else "good" for at, one in enumerate(bad)]
    projects.data("production.jsonl", {"text": texts, "label": labels})
    document = gap(folder)
    assert document.production.state == "measured"
    assert (document.production.n, document.production.rows) == (100, 400)
    assert document.production.high - document.production.low > 0.1


def test_without_labels_production_is_unknown_and_the_way_to_know_it_is_said(projects, gap):
    folder = projects.text()
    texts, _ = projects.sentences(300, seed=5)
    projects.data("production.jsonl", {"text": texts})
    document = gap(folder)
    assert document.production.state == "unknown"
    assert document.production.accuracy is None
    assert document.steps is None
    assert "200" in document.production.why
    assert "label" in document.production.why


@SLOW
def test_without_production_rows_the_log_is_named(projects, gap):
    folder = projects.text()
    (folder / "production.jsonl").unlink()
    document = gap(folder)
    assert document.production.state == "unknown"
    assert document.eval.accuracy == pytest.approx(projects.rule_accuracy(120, seed=1))


HALF = """
def half(answer, label):
    return 1.0 if answer == label else 0.25


def raises(answer, label):
    raise RuntimeError("no opinion")


def twice(answer, label):
    return 2
"""


@pytest.fixture
def with_metric(projects):
    projects.text()
    projects.code(HALF, "metric.py")

    def settings(name):
        return projects.settings(
            '[model]\nload = "model:load"\n\n[production]\ndata = "production.jsonl"\n\n'
            f'[eval]\ndata = "eval.jsonl"\nmetric = "metric:{name}"\n'
        )

    return settings


def test_a_metric_of_the_users_own_scores_every_row(with_metric, projects, gap):
    document = gap(with_metric("half"))
    right = projects.rule_accuracy(120, seed=1)
    assert document.metric == "metric:half"
    assert document.eval.accuracy == pytest.approx(right + 0.25 * (1 - right))
    right = projects.rule_accuracy(80, seed=2)
    assert document.production.accuracy == pytest.approx(right + 0.25 * (1 - right))


@pytest.mark.parametrize(
    ("name", "status", "says"),
    [
        ("raises", 1, "RuntimeError: no opinion"),
        ("twice", 2, "accepted is a number from 0 to 1"),
        ("absent", 1, "metric has no 'absent'"),
    ],
)
def test_a_metric_that_does_not_work_is_one_line(name, status, says, with_metric, seatrial):
    ended = seatrial("gap", with_metric(name), "--quiet")
    assert ended.status == status
    assert says in ended.err
    assert len(ended.err.strip().splitlines()) == 1


@SLOW
def test_a_slow_model_is_asked_as_often_as_there_is_time(projects, gap):
    folder = projects.text()
    projects.code((folder / "model.py").read_text() + SLEEPS)
    texts, bad = projects.sentences(400, seed=5)
    named = ["bad" if one else "good" for one in bad]
    projects.data("eval.jsonl", {"text": texts, "label": named})
    projects.settings(
        '[model]\nload = "model:slow"\n\n[eval]\ndata = "eval.jsonl"\n\n'
        '[production]\ndata = "production.jsonl"\n\n[trial]\ntime_budget_s = 10\n'
    )
    document = gap(folder)
    assert 100 <= document.eval.n < 400
    assert f"{document.eval.n} of 400 eval rows were asked" in document.criticisms[0]
    assert "time_budget_s" in document.criticisms[0]


SLEEPS = """

def slow():
    import time

    def sleeping(texts):
        time.sleep(0.03 * len(texts))
        return predict(texts)

    return sleeping
"""
