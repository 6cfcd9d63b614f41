"""Metrics are scikit-learn's, with intervals, and absent answers count as misses."""

import numpy as np
import pytest
from sklearn import metrics as theirs

from seatrial.core.errors import UnknownNameError
from seatrial.stats.metrics import Answers, measure_metrics


@pytest.fixture
def classified(rng):
    labels = rng.choice(["a", "b", "c"], 300, p=[0.6, 0.3, 0.1])
    outputs = np.where(rng.random(300) < 0.8, labels, rng.choice(["a", "b", "c"], 300))
    return outputs.tolist(), labels.tolist()


def one(name, answers, rng, **options):
    (found,) = measure_metrics([name], answers, rng=rng, **options)
    return found


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("f1", theirs.f1_score),
        ("precision", theirs.precision_score),
        ("recall", theirs.recall_score),
    ],
)
def test_class_metrics_are_macro_means(name, formula, classified, rng):
    outputs, labels = classified
    found = one(name, Answers(outputs, labels), rng)
    assert found.value == pytest.approx(formula(labels, outputs, average="macro"))
    assert found.low < found.value < found.high


def test_weights_are_those_of_the_sample(classified, rng):
    outputs, labels = classified
    weights = rng.uniform(1, 5, 300)
    found = one("recall", Answers(outputs, labels, weights=weights), rng)
    expected = theirs.recall_score(labels, outputs, average="macro", sample_weight=weights)
    assert found.value == pytest.approx(expected)


def test_an_absent_answer_is_a_miss_of_its_class(rng):
    found = one("recall", Answers(["a", None, "b"], ["a", "a", "b"]), rng)
    assert found.value == pytest.approx((0.5 + 1.0) / 2)


def test_auc_of_two_classes_and_of_more(rng):
    labels = rng.integers(0, 2, 200)
    score = labels * 0.5 + rng.random(200)
    table = [{"0": 1 - s, "1": s} for s in score]
    found = one("auc", Answers(labels.tolist(), labels.tolist(), scores=table), rng, replicates=20)
    assert found.value == pytest.approx(theirs.roc_auc_score(labels, score))
    many = rng.integers(0, 3, 200)
    given = rng.dirichlet(np.ones(3), 200)
    table = [{str(c): row[c] for c in range(3)} for row in given]
    found = one("auc", Answers(many.tolist(), many.tolist(), scores=table), rng, replicates=20)
    assert found.value == pytest.approx(theirs.roc_auc_score(many, given, multi_class="ovr"))


def test_auc_without_scores_or_with_one_class_is_left_out(rng):
    assert measure_metrics(["auc"], Answers([1], [1]), rng=rng) == []
    same = Answers([1, 1], [1, 1], scores=[{"1": 1.0}] * 2)
    assert measure_metrics(["auc"], same, rng=rng) == []


def test_errors_are_in_the_unit_of_the_label(rng):
    answers = Answers([1.0, 2.0, None, 5.0], [1.0, 4.0, 3.0, None])
    assert one("mae", answers, rng).value == pytest.approx(1.0)
    assert one("rmse", answers, rng).value == pytest.approx(np.sqrt(2.0))
    assert one("mae", answers, rng).n == 2


def test_intervals_cover(rng):
    covered = []
    for _ in range(100):
        noise = rng.normal(size=150)
        found = one("mae", Answers((noise + 1).tolist(), [1.0] * 150), rng, replicates=100)
        covered.append(found.low <= np.sqrt(2 / np.pi) <= found.high)
    assert np.mean(covered) >= 0.85


def test_errors_of_texts_are_left_out(rng):
    assert measure_metrics(["mae"], Answers(["a"], ["b"]), rng=rng) == []


def test_an_unknown_metric_is_refused(rng):
    with pytest.raises(UnknownNameError, match="f1"):
        measure_metrics(["f11"], Answers([1], [1]), rng=rng)
