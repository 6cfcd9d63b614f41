"""Models and rows in memory become project folders."""

import re
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from seatrial.core import settings
from seatrial.core.errors import DataError, ModelLoadError, UntrustedCodeError, UsageError
from seatrial.models.process import ModelProcess
from seatrial.trials.project import write_project
from seatrial.trials.supplied import read_supplied


def echo(inputs):
    return ["a" for _ in inputs]


def project(folder, **kwargs):
    kwargs = {"model": echo, "inputs": ["x", "y"], "labels": ["a", "b"], **kwargs}
    write_project(folder, **kwargs)
    read = settings.load(folder, environment={})
    return read, read_supplied(read, folder, release="notebook@0")


def test_texts_become_a_text_project(tmp_path):
    read, rows = project(tmp_path)
    assert (read.model.input, read.model.task, read.model.adapter) == (
        "text",
        "classification",
        "load",
    )
    assert rows.eval.inputs == ["x", "y"]
    assert rows.eval.labels == ["a", "b"]
    assert rows.production is None


def test_a_data_frame_becomes_records_with_missing_values(tmp_path):
    frame = pd.DataFrame({"age": [30.0, np.nan], "city": ["Oslo", None], "y": [0, 1]})
    read, rows = project(tmp_path, inputs=frame, labels="y")
    assert read.model.input == "record"
    assert rows.eval.inputs == [{"age": 30.0, "city": "Oslo"}, {"age": None, "city": None}]
    assert rows.eval.labels == [0, 1]


def test_an_array_of_rows_becomes_an_array_project(tmp_path):
    read, rows = project(tmp_path, inputs=np.eye(2), labels=np.array([0.5, 1.25]))
    assert (read.model.input, read.model.task) == ("array", "regression")
    assert rows.eval.inputs == [[1.0, 0.0], [0.0, 1.0]]


def test_production_rows_may_come_with_labels_and_slices(tmp_path):
    _, rows = project(
        tmp_path,
        production=(["p", "q", "r"], ["a", None, "b"]),
        slices={"lang": ["en", "de", "de"]},
    )
    assert rows.production.inputs == ["p", "q", "r"]
    assert rows.production.labels == ["a", None, "b"]
    assert rows.production.columns == {"lang": ["en", "de", "de"]}
    assert rows.counts() == {"eval": 2, "production": 3, "labelled": 2}


def test_an_estimator_is_kept_without_code(tmp_path):
    model = LogisticRegression().fit(np.eye(2), [0, 1])
    read, _ = project(tmp_path, model=model, inputs=np.eye(2), labels=[0, 1])
    assert (read.model.adapter, read.model.location) == ("sklearn", "model.skops")


def test_an_estimator_that_carries_code_needs_trust_which_is_recorded(tmp_path):
    model = make_pipeline(FunctionTransformer(np.log1p), LogisticRegression())
    model.fit(np.eye(2), [0, 1])
    custom = make_pipeline(FunctionTransformer(echo), LogisticRegression())
    given = {"inputs": np.eye(2), "labels": [0, 1]}
    with pytest.raises(UntrustedCodeError, match="pickle"):
        project(tmp_path / "no", model=custom, **given)
    now = datetime(2026, 1, 31, tzinfo=UTC)
    read, _ = project(tmp_path / "yes", model=custom, trust="Ada", now=now, **given)
    assert read.model.trust == "Ada, 2026-01-31"


def test_budgets_travel_into_the_file(tmp_path):
    read, _ = project(tmp_path, settings={"budget": {"p99_ms": 50}})
    assert read.budget.p99_ms == 50.0


def test_rows_and_labels_of_different_lengths_are_refused(tmp_path):
    with pytest.raises(DataError, match="2 rows and 1 labels"):
        project(tmp_path, labels=["a"])


def test_mixed_inputs_are_refused(tmp_path):
    with pytest.raises(DataError, match="int, str"):
        project(tmp_path, inputs=["x", 3])


def test_no_rows_are_refused(tmp_path):
    with pytest.raises(DataError):
        project(tmp_path, inputs=[], labels=[])


def test_what_cannot_answer_is_refused(tmp_path):
    with pytest.raises(ModelLoadError, match="received int"):
        project(tmp_path, model=3)


def half_of_them(frame):
    return (frame["age"].fillna(0) > 20).map({True: "a", False: "b"})


def first_column(rows):
    return np.where(rows[:, 0] > 0, "a", "b")


class Thresholds:
    """An object of a notebook's own class."""

    def predict(self, rows):
        return ["a" if row[0] > 0 else "b" for row in rows]


def opened(folder, read):
    with ModelProcess(folder, settings=read) as process:
        return [answer.output for answer in process.answer(read_inputs(folder, read)).answers]


def read_inputs(folder, read):
    return read_supplied(read, folder, release="notebook@0").eval.inputs


def test_a_function_written_for_a_data_frame_is_given_one(tmp_path):
    frame = pd.DataFrame({"age": [30.0, np.nan, 3.0], "city": ["Oslo", None, "Rome"]})
    read, _ = project(tmp_path, model=half_of_them, inputs=frame, labels=["a", "b", "b"])
    assert opened(tmp_path, read) == ["a", "b", "b"]


def test_a_function_written_for_an_array_is_given_one(tmp_path):
    read, _ = project(tmp_path, model=first_column, inputs=np.array([[1.0], [-1.0]]))
    assert opened(tmp_path, read) == ["a", "b"]


def test_an_object_of_a_class_from_the_notebook_is_pickled_with_its_class(tmp_path):
    given = {"model": Thresholds(), "inputs": [[1.0], [-1.0]]}
    with pytest.raises(UntrustedCodeError, match="Thresholds"):
        project(tmp_path / "no", **given)
    read, _ = project(tmp_path / "yes", trust="Ada", **given)
    assert opened(tmp_path / "yes", read) == ["a", "b"]


def test_a_forest_carries_no_code(tmp_path):
    forest = RandomForestClassifier(3, random_state=0).fit(np.eye(2), [0, 1])
    read, _ = project(tmp_path, model=forest, inputs=np.eye(2), labels=[0, 1])
    assert read.model.location == "model.skops"
    assert opened(tmp_path, read) == forest.predict(np.eye(2)).tolist()


def test_a_search_is_kept_as_the_best_it_found(tmp_path):
    rows, labels = np.arange(12.0).reshape(12, 1), [0] * 6 + [1] * 6
    search = GridSearchCV(LogisticRegression(), {"C": [1, 10]}, cv=2).fit(rows, labels)
    read, _ = project(tmp_path, model=search, inputs=rows, labels=labels)
    assert read.model.location == "model.skops"
    assert opened(tmp_path, read) == search.predict(rows).tolist()


def test_chats_are_told_from_arrays(tmp_path):
    chats = [[{"role": "user", "content": "hello"}]] * 2
    read, rows = project(tmp_path, inputs=chats)
    assert read.model.input == "chat"
    assert rows.eval.inputs == chats


def test_a_feature_named_label_stays_a_feature(tmp_path):
    frame = pd.DataFrame({"label": [1.0, 2.0], "y": ["a", "b"]})
    read, rows = project(tmp_path, inputs=frame, labels="y")
    assert rows.eval.inputs == [{"label": 1.0}, {"label": 2.0}]
    assert rows.eval.labels == ["a", "b"]
    assert read.eval.label == "label_"


def test_a_regression_without_a_metric_gets_a_tolerance(tmp_path):
    read, _ = project(tmp_path / "a", inputs=np.eye(2), labels=[0.5, 2.5])
    assert read.eval.metric == "within:0.5"
    read, _ = project(tmp_path / "b", inputs=np.eye(2), labels=[0.5, 2.5], metric="within:2")
    assert read.eval.metric == "within:2"


def test_columns_of_a_production_frame_can_be_sliced_by(tmp_path):
    frame = pd.DataFrame({"age": [1, 2], "region": ["n", "s"]})
    read, rows = project(
        tmp_path,
        inputs=frame[["age"]],
        production=frame,
        production_labels=["a", None],
        slices=["region"],
    )
    assert read.production.slices == ["region"]
    assert rows.production.columns == {"region": ["n", "s"]}
    assert rows.production.inputs == [{"age": 1}, {"age": 2}]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"production": [{"a": 1}]}, "kind record, inputs of kind text"),
        ({"production": ["p", "q"], "slices": {"lang": ["en"]}}, "1 values for 2 production rows"),
        ({"production": ["p"], "slices": ["lang"]}, "no column 'lang'"),
        ({"production": ["p"], "slices": {"input": ["en"]}}, "name of an input"),
        ({"labels": "answer"}, "received str for a column"),
        ({"inputs": pd.DataFrame({"age": [1, 2]}), "labels": "ages"}, 'Did you mean "age"'),
    ],
)
def test_rows_that_do_not_fit_together_are_refused(tmp_path, given, said):
    with pytest.raises(DataError, match=re.escape(said)):
        project(tmp_path, **given)


def test_every_kind_of_setting_is_written_as_toml(tmp_path):
    read, _ = project(
        tmp_path,
        settings={
            "endpoint": {"header_env": {"X-Key": "KEY"}},
            "serving": {"workers": 1, "log_inputs": False, "degrade": ["reject"]},
            "budget": {"p99_ms": None, "p50_ms": np.float64(1e-7)},
            "not_applicable": {"unit-margin": 'a "tool"\n\\ \x7f ü'},
        },
    )
    assert read.endpoint.header_env == {"X-Key": "KEY"}
    assert (read.serving.workers, read.serving.log_inputs) == (1, False)
    assert read.budget.p99_ms is None
    assert read.budget.p50_ms == 1e-7
    assert read.not_applicable == {"unit-margin": 'a "tool"\n\\ \x7f ü'}


def test_only_a_folder_that_a_notebook_wrote_is_written_again(tmp_path):
    project(tmp_path, trust="Ada", model=Thresholds(), inputs=[[1.0], [0.0]])
    (tmp_path / ".seatrial").mkdir()
    project(tmp_path)
    assert not (tmp_path / "model.pkl").exists()
    assert (tmp_path / ".seatrial").is_dir()
    (tmp_path / "seatrial.toml").write_text("# mine\n")
    with pytest.raises(UsageError, match="not empty"):
        project(tmp_path)
