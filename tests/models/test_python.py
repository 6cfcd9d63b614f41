"""User code is found in its folder, kept apart from other folders, and fails clearly."""

import sys

import pytest

from seatrial.core.errors import ModelLoadError
from seatrial.core.settings import parse
from seatrial.models.opening import open_subject


def settings(location="model:load", **model):
    return parse({"model": {"load": location, **model}}, environment={})


def opened(folder, location="model:load", **model):
    return open_subject(settings(location, **model), folder)


def outputs(subject, inputs):
    return [answer.output for answer in subject.answer(inputs).answers]


def write(folder, **modules):
    folder.mkdir(exist_ok=True)
    for name, code in modules.items():
        (folder / f"{name}.py").write_text(code)
    return folder


CONSTANT = "def load():\n    return lambda xs: [{!r}] * len(xs)\n"


def test_load_returns_a_function_an_object_or_a_class_that_makes_one(tmp_path):
    write(
        tmp_path,
        model="class Upper:\n    def predict(self, xs): return [x.upper() for x in xs]\n"
        "def as_object(): return Upper()\n"
        "def as_function(): return Upper().predict\n"
        "ready = Upper()\n"
        "class Outer:\n    inner = Upper\n",
    )
    for name in ("as_object", "as_function", "Upper", "ready", "Outer.inner"):
        assert outputs(opened(tmp_path, f"model:{name}"), ["a"]) == ["A"]


def test_two_folders_may_both_hold_the_same_modules(tmp_path):
    code = "import words\ndef load(): return lambda xs: [words.WORD] * len(xs)\n"
    one = write(tmp_path / "one", model=code, words="WORD = 'one'\n")
    two = write(tmp_path / "two", model=code, words="WORD = 'two'\n")
    first, second = opened(one), opened(two)
    assert outputs(first, ["x"]) == ["one"]
    assert outputs(second, ["x"]) == ["two"]
    assert outputs(opened(one), ["x"]) == ["one"]


def test_a_module_of_another_folder_is_not_found(tmp_path):
    opened(write(tmp_path / "one", model=CONSTANT.format(1), words="WORD = 1\n"))
    opened(write(tmp_path / "helped", model="import words\n" + CONSTANT.format(1), words=""))
    two = write(tmp_path / "two", model="import words\n" + CONSTANT.format(2))
    with pytest.raises(ModelLoadError, match="No module named 'words'"):
        opened(two)


def test_the_path_is_left_as_it_was_also_after_a_failure(tmp_path):
    before = list(sys.path)
    opened(write(tmp_path, model=CONSTANT.format(1)))
    with pytest.raises(ModelLoadError):
        opened(write(tmp_path, broken="1 / 0\n"), "broken:load")
    assert sys.path == before


def test_a_changed_module_is_read_again(tmp_path):
    write(tmp_path, model=CONSTANT.format("old"))
    opened(tmp_path)
    write(tmp_path, model=CONSTANT.format("newer"))
    assert outputs(opened(tmp_path), ["x"]) == ["newer"]


def test_what_predict_imports_later_is_found(tmp_path):
    late = "def load():\n    def predict(xs):\n        import words\n"
    late += "        return words.ALL[: len(xs)]\n"
    write(tmp_path, model=late + "    return predict\n", words="ALL = ['late']\n")
    assert outputs(opened(tmp_path), ["x"]) == ["late"]


def test_a_model_may_read_files_beside_its_code(tmp_path):
    code = (
        "from pathlib import Path\n"
        "def load():\n"
        "    word = (Path(__file__).parent / 'word.txt').read_text()\n"
        "    return lambda xs: [word] * len(xs)\n"
    )
    write(tmp_path, model=code)
    (tmp_path / "word.txt").write_text("beside")
    assert outputs(opened(tmp_path), ["x"]) == ["beside"]


def test_a_fitted_estimator_answers_with_confidence(tmp_path):
    code = (
        "from sklearn.linear_model import LogisticRegression\n"
        "def load():\n"
        "    return LogisticRegression().fit([[0.0], [1.0], [2.0], [3.0]], list('aabb'))\n"
    )
    subject = opened(write(tmp_path, model=code), input="array")
    answer = subject.answer([[3.0]]).answers[0]
    assert answer.output == "b"
    assert answer.confidence == answer.scores["b"] > 0.5


@pytest.mark.parametrize(
    ("location", "code", "message"),
    [
        ("model", "", 'accepted is "module:callable"'),
        ("modle:load", CONSTANT.format(1), 'Did you mean "model"?'),
        ("model:laod", CONSTANT.format(1), 'Did you mean "load"?'),
        ("model:load", "import not_installed_anywhere\n", "Install not_installed_anywhere"),
        ("model:load", "def load(:\n", "SyntaxError"),
        ("model:load", "raise RuntimeError('at import')\n", "RuntimeError: at import"),
        ("model:load", "def load(): raise OSError('no weights')\n", "OSError: no weights"),
        ("model:load", "def load(): return 3\n", "received int"),
        ("model:load", "def load(): pass\n", "received NoneType"),
        ("model:load", "load = 3\n", "model:load is int"),
        ("model:load", "def load(inputs): return inputs\n", "def load(): return load"),
    ],
)
def test_what_cannot_be_loaded_says_why_and_what_to_do(tmp_path, location, code, message):
    write(tmp_path, model=code)
    with pytest.raises(ModelLoadError) as caught:
        opened(tmp_path, location)
    assert message in str(caught.value)
    assert caught.value.hint
