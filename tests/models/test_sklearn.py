"""Data-only files load freely, code-bearing ones only where somebody trusted them."""

import pickle

import joblib
import pytest
import skops.io
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from seatrial.core.errors import ModelLoadError, UntrustedCodeError
from seatrial.core.settings import parse
from seatrial.models.opening import open_subject

TRUST = "Ada, 2030-01-31"


def opened(folder, name, **model):
    return open_subject(parse({"model": {"sklearn": name, **model}}, environment={}), folder)


@pytest.fixture(scope="module")
def text_model():
    model = make_pipeline(TfidfVectorizer(), LogisticRegression())
    return model.fit(["good", "bad"] * 5, ["pos", "neg"] * 5)


class Touch:
    """A pickle of this writes a file when it is opened."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_a_skops_file_loads_freely(tmp_path, text_model):
    skops.io.dump(text_model, tmp_path / "model.skops")
    assert opened(tmp_path, "model.skops").answer(["good"]).answers[0].output == "pos"


def test_a_forest_in_a_skops_file_needs_no_trust(tmp_path):
    forest = RandomForestClassifier(3, random_state=0).fit([[0.0], [1.0]], ["a", "b"])
    skops.io.dump(forest, tmp_path / "model.skops")
    found = opened(tmp_path, "model.skops", input="array").answer([[1.0]]).answers[0]
    assert found.output in {"a", "b"}


def test_a_skops_file_that_names_foreign_code_is_refused_with_its_types(tmp_path):
    import os

    skops.io.dump(FunctionTransformer(os.getcwd), tmp_path / "model.skops")
    with pytest.raises(UntrustedCodeError, match="getcwd") as caught:
        opened(tmp_path, "model.skops")
    assert caught.value.details["types"] == ["posix.getcwd"]


@pytest.mark.parametrize(
    ("name", "dump"),
    [
        ("model.pkl", lambda model, path: path.write_bytes(pickle.dumps(model))),
        ("model.joblib", joblib.dump),
    ],
)
def test_a_pickle_is_opened_only_with_trust(tmp_path, text_model, name, dump):
    dump(text_model, tmp_path / name)
    with pytest.raises(UntrustedCodeError, match="runs whatever code"):
        opened(tmp_path, name)
    assert opened(tmp_path, name, trust=TRUST).answer(["bad"]).answers[0].output == "neg"


def test_an_untrusted_pickle_runs_nothing(tmp_path):
    touched = tmp_path / "touched"
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(Touch(str(touched))))
    with pytest.raises(UntrustedCodeError):
        opened(tmp_path, "model.pkl")
    assert not touched.exists()


def test_classes_of_a_trusted_pickle_may_lie_in_the_folder(tmp_path):
    (tmp_path / "parts.py").write_text(
        "class Shout:\n"
        "    def fit(self, x, y=None): return self\n"
        "    def get_params(self, deep=True): return {}\n"
        "    def predict(self, x): return [v.upper() for v in x]\n"
    )
    from seatrial.models.python import importing

    with importing(tmp_path):
        import parts

        (tmp_path / "model.pkl").write_bytes(pickle.dumps(parts.Shout()))
    assert opened(tmp_path, "model.pkl", trust=TRUST).answer(["a"]).answers[0].output == "A"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.skops", None, "there is no file"),
        ("model.skops", b"not a zip", "could not be read"),
        ("model.pkl", b"not a pickle", "could not be read"),
        ("model.h5", b"", "accepted are .skops"),
        ("model.pkl", pickle.dumps({"a": 1}), "holds dict"),
    ],
)
def test_what_is_no_model_file_says_what_it_is(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelLoadError, match=message) as caught:
        opened(tmp_path, name, trust=TRUST)
    assert caught.value.hint
