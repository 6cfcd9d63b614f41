import msgspec
import numpy as np
import pytest
import skops.io
from sklearn.datasets import make_classification
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from seatrial.core.settings import parse
from seatrial.measure.variants.building import (
    FLOAT,
    INT8,
    NAMES,
    WHOLE,
    build_all,
    build_variants,
    discard,
)
from seatrial.models.opening import open_subject
from seatrial.models.variant import kept_variants

FEATURES, CLASSES = make_classification(120, 8, random_state=0)
LABELS = np.array(["no", "yes"])[CLASSES]
TEXTS = ["good ship", "bad storm", "good crew", "bad wind"] * 10


def folder_of(path, estimator, kind):
    skops.io.dump(estimator, path / "model.skops")
    return parse(
        {"model": {"sklearn": "model.skops", "input": kind}, "eval": {"data": "eval.csv"}},
        environment={},
    )


@pytest.fixture(scope="module")
def network():
    network = MLPClassifier((16,), max_iter=30, tol=1.0, random_state=0)
    return make_pipeline(StandardScaler(), network).fit(FEATURES, LABELS)


def test_every_variant_is_made_or_says_why_not(tmp_path, network):
    built = build_all(tmp_path, folder_of(tmp_path, network, "array"))
    assert [one.name for one in built] == [FLOAT, INT8, WHOLE]
    assert [one.why for one in built] == ["", "", ""]
    assert [one.must_equal for one in built] == [False, False, True]
    assert kept_variants(tmp_path) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_variant_answers_as_the_original_does(tmp_path, network, name):
    settings = folder_of(tmp_path, network, "array")
    build_all(tmp_path, settings)
    rows = FEATURES[:30].tolist()
    original = open_subject(settings, tmp_path).answer(rows).answers
    variant = open_subject(settings, tmp_path, variant=name).answer(rows).answers
    assert [answer.output for answer in variant] == [answer.output for answer in original]
    for one, other in zip(original, variant, strict=True):
        assert one.scores == pytest.approx(other.scores, abs=0.05 if name == INT8 else 1e-5)


def test_text_is_taken_apart_in_python(tmp_path):
    fitted = make_pipeline(CountVectorizer(), LogisticRegression())
    fitted.fit(TEXTS, ["good" in text for text in TEXTS])
    settings = folder_of(tmp_path, fitted, "text")
    built = {one.name: one for one in build_all(tmp_path, settings)}
    assert built[FLOAT].why == ""
    assert "8-bit form" in built[INT8].why
    assert "stays in Python" in built[WHOLE].why
    variant = open_subject(settings, tmp_path, variant=FLOAT)
    assert [answer.output for answer in variant.answer(TEXTS[:2]).answers] == [True, False]


def test_preprocessing_that_holds_code_is_not_kept(tmp_path):
    fitted = make_pipeline(FunctionTransformer(_shout), CountVectorizer(), LogisticRegression())
    fitted.fit(TEXTS, ["good" in text for text in TEXTS])
    settings = folder_of(tmp_path, fitted, "text")
    trusting = msgspec.structs.replace(
        settings, model=msgspec.structs.replace(settings.model, trust="Ada, 2030-01-31")
    )
    assert build_all(tmp_path, trusting)[0].why == ""
    from seatrial.measure.variants.building import _Maker

    built = list(_Maker(tmp_path, settings, fitted).all())
    assert "holds code" in built[0].why


def test_a_model_that_is_no_estimator_has_no_variants(tmp_path):
    (tmp_path / "model.py").write_text("def load():\n    return lambda rows: rows\n")
    settings = parse({"model": {"load": "model:load"}}, environment={})
    assert {one.why for one in build_all(tmp_path, settings)} == {
        "the model is not a scikit-learn estimator; variants are made from those only"
    }


def test_losers_are_discarded(tmp_path, network):
    build_all(tmp_path, folder_of(tmp_path, network, "array"))
    discard(tmp_path, but={INT8})
    assert kept_variants(tmp_path) == [INT8]


def test_they_are_made_in_a_process_of_their_own(tmp_path, network):
    built = build_variants(tmp_path, folder_of(tmp_path, network, "array"))
    assert [(one.name, one.why) for one in built] == [(FLOAT, ""), (INT8, ""), (WHOLE, "")]


def test_a_model_that_cannot_be_loaded_fails_every_variant_in_one_line(tmp_path):
    (tmp_path / "model.skops").write_bytes(b"no")
    settings = parse({"model": {"sklearn": "model.skops"}}, environment={})
    built = build_variants(tmp_path, settings)
    assert {one.failed for one in built} == {True}
    assert all("could not be read" in one.why for one in built)


def test_a_process_that_takes_too_long_is_ended(tmp_path):
    (tmp_path / "model.py").write_text("import time\ndef load():\n    time.sleep(600)\n")
    settings = parse({"model": {"load": "model:load"}}, environment={})
    built = build_variants(tmp_path, settings, limit_s=4.0)
    assert {one.why for one in built} == {"making it took longer than 4 s"}


def _shout(texts):
    return [text.upper() for text in texts]
