"""A release has one digest anywhere, and another one as soon as an answer may change."""

import shutil

import pytest

from seatrial.core.errors import ModelLoadError
from seatrial.core.settings import parse
from seatrial.models.identity import determining_files, release_of


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "project"
    place.mkdir()
    (place / "model.py").write_text("def load(): ...")
    (place / "weights.npz").write_bytes(b"1")
    (place / "eval.csv").write_text("text,label\na,b\n")
    (place / "model.onnx").write_bytes(b"graph")
    (place / "model.onnx.data").write_bytes(b"weights")
    return place


LOAD = {"model": {"load": "model:load"}, "eval": {"data": "eval.csv"}}
ONNX = {"model": {"onnx": "model.onnx", "input": "array"}}
URL = {"model": {"url": "http://host/predict"}, "endpoint": {"version": "1"}}


def release(document, folder):
    return release_of(parse(document, environment={}), folder)


def changed(document, section, **keys):
    return {**document, section: {**document.get(section, {}), **keys}}


def test_a_release_is_a_name_and_64_digits(folder):
    name, _, digest = release(changed(LOAD, "model", name="sentiment"), folder).partition("@")
    assert name == "sentiment"
    assert len(digest) == 64
    assert set(digest) <= set("0123456789abcdef")


@pytest.mark.parametrize("document", [LOAD, ONNX, URL], ids=["load", "onnx", "url"])
def test_the_same_content_elsewhere_has_the_same_digest(folder, tmp_path, document):
    copy = shutil.copytree(folder, tmp_path / "other" / "place")
    (copy / "model.py").touch()
    assert release(document, copy) == release(document, folder)


def test_the_name_alone_leaves_the_digest(folder):
    one, two = release(LOAD, folder), release(changed(LOAD, "model", name="other"), folder)
    assert one.partition("@")[2] == two.partition("@")[2]
    assert one != two


@pytest.mark.parametrize(
    ("document", "section", "keys"),
    [
        (LOAD, "model", {"load": "model:other"}),
        (LOAD, "model", {"input": "array"}),
        (LOAD, "model", {"task": "regression"}),
        (LOAD, "serving", {"variant": "int8"}),
        (LOAD, "serving", {"confidence_min": 0.5}),
        (URL, "model", {"url": "http://host/other"}),
        (URL, "endpoint", {"version": "2"}),
        (URL, "endpoint", {"protocol": "oip"}),
        (URL, "endpoint", {"body": '"$inputs"'}),
    ],
)
def test_a_setting_that_determines_answers_changes_the_digest(folder, document, section, keys):
    assert release(changed(document, section, **keys), folder) != release(document, folder)


def test_the_order_of_columns_determines_answers(folder):
    one = changed(changed(ONNX, "model", input="record"), "eval", input=["a", "b"])
    two = changed(one, "eval", input=["b", "a"])
    assert release(one, folder) != release(two, folder)


@pytest.mark.parametrize(
    ("section", "keys"),
    [
        ("model", {"trust": "Ada"}),
        ("serving", {"workers": 2}),
        ("budget", {"p99_ms": 5}),
        ("trial", {"seed": 9}),
    ],
)
def test_a_setting_that_does_not_leaves_it(folder, section, keys):
    assert release(changed(LOAD, section, **keys), folder) == release(LOAD, folder)


@pytest.mark.parametrize(
    "name", ["model.py", "weights.npz", "features/__init__.py", "words.txt", "thresholds.toml"]
)
def test_code_and_the_files_it_may_read_determine_answers(folder, name):
    before = release(LOAD, folder)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"changed")
    assert release(LOAD, folder) != before


@pytest.mark.parametrize(
    "name",
    [
        "eval.csv",
        "seatrial.toml",
        "report.html",
        "README.md",
        ".seatrial/log/1.jsonl",
        "__pycache__/model.pyc",
        ".git/HEAD",
    ],
)
def test_by_products_and_evaluation_data_do_not(folder, name):
    before = release(LOAD, folder)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"changed")
    assert release(LOAD, folder) == before


def test_an_environment_inside_the_folder_is_passed_over(folder):
    before = release(LOAD, folder)
    (folder / "env" / "lib").mkdir(parents=True)
    (folder / "env" / "pyvenv.cfg").write_text("")
    (folder / "env" / "lib" / "some.py").write_text("")
    assert release(LOAD, folder) == before


@pytest.mark.parametrize("name", ["model.onnx", "model.onnx.data", "classes.json", "pylock.toml"])
def test_a_model_file_and_what_belongs_to_it_determine_answers(folder, name):
    before = release(ONNX, folder)
    (folder / name).write_bytes(b"changed")
    assert release(ONNX, folder) != before


def test_other_files_beside_a_model_file_do_not(folder):
    assert set(determining_files(parse(ONNX, environment={}), folder)) == {
        "model.onnx",
        "model.onnx.data",
    }


def test_the_code_beside_a_trusted_pickle_determines_answers(folder):
    (folder / "model.pkl").write_bytes(b"")
    settings = parse({"model": {"sklearn": "model.pkl", "trust": "Ada"}}, environment={})
    assert set(determining_files(settings, folder)) == {"model.pkl", "model.py"}


def test_a_model_file_that_is_not_there_is_named(folder):
    with pytest.raises(ModelLoadError, match=r"there is no file .*gone\.onnx"):
        release({"model": {"onnx": "gone.onnx"}}, folder)


def test_an_absolute_location_counts_by_its_name(folder, tmp_path):
    copy = tmp_path / "model.onnx"
    shutil.copy(folder / "model.onnx", copy)
    shutil.copy(folder / "model.onnx.data", tmp_path)
    document = changed(ONNX, "model", onnx=str(copy))
    assert release(document, folder) == release(ONNX, folder)
