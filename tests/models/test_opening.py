"""The adapter that the settings name opens the model, or one of its variants."""

import pytest

from seatrial.core.errors import SettingsError, UnknownNameError
from seatrial.core.settings import parse
from seatrial.models.opening import open_subject

CODE = """
closed = []

class Model:
    def __init__(self, name): self.name = name
    def predict(self, xs): return [self.name] * len(xs)
    def variants(self): return {"small": Model("small")}
    def close(self): closed.append(self.name)

def load(): return Model("original")
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model.py").write_text(CODE)
    return tmp_path


SETTINGS = parse({"model": {"load": "model:load"}}, environment={})


def test_the_original_is_opened_unless_told_otherwise(folder):
    assert open_subject(SETTINGS, folder).answer(["x"]).answers[0].output == "original"


def test_a_variant_answers_and_closes_with_the_model_it_came_from(folder):
    subject = open_subject(SETTINGS, folder, variant="small")
    assert subject.answer(["x"]).answers[0].output == "small"
    assert subject.trace(["x"]).rows == 1
    assert list(subject.variants()) == ["small"]
    assert (subject.visible, subject.takes_batches, subject.size("ab")) == (True, True, 2)
    subject.close()
    import sys

    assert sys.modules["model"].closed == ["small", "original"]


def test_an_unknown_variant_lists_the_known_ones(folder):
    with pytest.raises(UnknownNameError, match="known: original, small"):
        open_subject(SETTINGS, folder, variant="smal")


def test_an_unknown_adapter_is_refused_with_the_settings():
    with pytest.raises(SettingsError, match="unknown key 'pickle'"):
        parse({"model": {"pickle": "model.pkl", "load": "model:load"}}, environment={})
