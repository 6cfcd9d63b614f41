"""Models and rows in memory become project folders."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from seatrial.core import settings
from seatrial.core.errors import DataError, ModelLoadError, UntrustedCodeError
from seatrial.trials.project import write_project
from seatrial.trials.supplied import read_supplied


def echo(inputs):
    return ["a" for _ in inputs]


def project(folder, **kwargs):
    kwargs = {"model": echo, "inputs": ["x", "y"], "labels": ["a", "b"], **kwargs}
    write_project(folder, **kwargs)
    read = settings.load(folder, environment={})
    return read, read_supplied(read, folder)


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
