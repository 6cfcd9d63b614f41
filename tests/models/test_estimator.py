"""Fitted estimators answer what predict says, with the confidence that predict_proba gives."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from seatrial.core.errors import InputError, ModelLoadError
from seatrial.models.estimator import EstimatorModel, estimator_subject, is_estimator
from seatrial.testing.models import EchoModel

TEXTS = ["good film", "bad film", "good", "bad"] * 5


def answers(subject, inputs):
    return subject.answer(inputs).answers


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    city = np.array(["a", "b", None], dtype=object)[rng.integers(0, 3, 60)]
    return pd.DataFrame({"age": rng.normal(size=60), "city": city})


@pytest.fixture(scope="module")
def table(frame):
    steps = make_column_transformer(
        (SimpleImputer(), ["age"]), (OneHotEncoder(handle_unknown="ignore"), ["city"])
    )
    return make_pipeline(steps, LogisticRegression()).fit(frame, frame["age"] > 0)


@pytest.mark.parametrize("labels", [["neg", "pos"], [0, 1], [False, True], [1.0, 2.0]])
def test_classes_come_back_as_the_python_values_they_were(labels):
    model = make_pipeline(TfidfVectorizer(), LogisticRegression())
    model.fit(TEXTS, [labels["good" in text] for text in TEXTS])
    found = answers(estimator_subject(model), ["good"])[0]
    assert found.output == labels[1]
    assert type(found.output) is type(labels[1])
    assert found.scores == {
        str(label): pytest.approx(p)
        for label, p in zip(labels, model.predict_proba(["good"])[0], strict=True)
    }
    assert found.confidence == max(found.scores.values())


def test_an_own_threshold_is_kept_and_the_confidence_is_that_of_the_answer():
    inner = LogisticRegression().fit(np.arange(20.0)[:, None], np.arange(20) > 9)
    model = FixedThresholdClassifier(inner, threshold=0.9).fit([[0.0], [19.0]], [False, True])
    grid = np.linspace(8, 14, 13)[:, None]
    found = answers(estimator_subject(model, kind="array"), grid.tolist())
    assert [one.output for one in found] == model.predict(grid).tolist()
    assert any(one.confidence < 0.5 for one in found)


def test_a_foreign_classifier_is_believed_by_its_predict():
    class Contrary(DummyClassifier):
        def predict(self, rows):
            return self.classes_[np.argmin(self.predict_proba(rows), axis=1)]

    model = Contrary(strategy="prior").fit([[0.0]] * 3, ["a", "b", "b"])
    found = answers(estimator_subject(model, kind="array"), [[0.0]])[0]
    assert (found.output, found.confidence) == ("a", pytest.approx(1 / 3))


def test_several_labels_at_once_have_no_one_confidence():
    rows = np.eye(4).tolist()
    model = OneVsRestClassifier(LogisticRegression()).fit(rows, [[1, 0], [1, 1], [0, 1], [0, 0]])
    found = answers(estimator_subject(model, kind="array"), rows)
    assert [one.output for one in found] == model.predict(rows).tolist()
    assert all(one.confidence is None for one in found)


@pytest.mark.parametrize("labels", [[0.0, 2.0], [[0.0], [2.0]]], ids=["vector", "one column"])
def test_a_regression_answers_bare_numbers(labels):
    model = LinearRegression().fit([[0.0], [1.0]], labels)
    found = answers(estimator_subject(model, kind="array"), [[2.0]])[0]
    assert (found.output, found.confidence) == (pytest.approx(4.0), None)


def test_a_classifier_without_probabilities_answers_bare_classes():
    model = RidgeClassifier().fit([[0.0], [1.0]], ["a", "b"])
    found = answers(estimator_subject(model, kind="array"), [[1.0]])[0]
    assert (found.output, found.confidence) == ("b", None)


def test_records_answer_as_the_data_frame_did_whatever_the_order_of_keys(frame, table):
    records = [{"city": c, "age": a} for a, c in zip(frame["age"], frame["city"], strict=True)]
    found = answers(estimator_subject(table, kind="record"), records)
    assert [one.output for one in found] == table.predict(frame).tolist()
    np.testing.assert_allclose(
        [one.scores["True"] for one in found], table.predict_proba(frame)[:, 1]
    )


@pytest.mark.parametrize(
    "record", [{"age": None, "city": "a"}, {"age": 1, "city": None}, {"age": None, "city": None}]
)
def test_a_missing_value_is_the_same_alone_and_in_company(table, record):
    subject = estimator_subject(table, kind="record")
    company = [{"age": 0.5, "city": "b"}, record, {"age": 2, "city": "unseen"}]
    assert answers(subject, [record])[0] == answers(subject, company)[1]


def test_a_matrix_is_built_in_the_declared_order():
    model = LinearRegression().fit([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], [10.0, 1.0, 0.0])
    subject = estimator_subject(model, kind="record", order=["tens", "ones"])
    found = answers(subject, [{"ones": 3, "tens": 2}])[0]
    assert found.output == pytest.approx(23.0)


@pytest.mark.parametrize(("order", "message"), [(None, "without names"), (["a"], "lists 1: a")])
def test_columns_whose_order_nobody_knows_are_refused_at_loading(order, message):
    model = LinearRegression().fit([[1.0, 0.0], [0.0, 1.0]], [10.0, 1.0])
    with pytest.raises(ModelLoadError, match=message):
        EstimatorModel(model, kind="record", order=order)


def test_a_dict_vectorizer_gets_the_records_themselves():
    rows = [{"a": 1.0, "word": "x"}, {"word": "y"}]
    model = make_pipeline(DictVectorizer(), LogisticRegression()).fit(rows, [0, 1])
    found = answers(estimator_subject(model, kind="record"), rows)
    assert [one.output for one in found] == [0, 1]


def test_a_lacking_column_is_the_callers_error(table):
    with pytest.raises(InputError, match="lacks the column city"):
        estimator_subject(table, kind="record").answer([{"age": 1}])


def test_only_fitted_conventions_count_as_an_estimator():
    assert is_estimator(LinearRegression())
    assert not is_estimator(LinearRegression)
    assert not is_estimator(EchoModel())
