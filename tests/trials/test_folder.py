"""What init finds out by looking."""

import json

import pytest

from seatrial.core import settings
from seatrial.core.errors import SettingsError
from seatrial.trials.folder import look, render

LOADER = "def load():\n    raise RuntimeError('never run')\n"


def lines(path, rows):
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n")


@pytest.fixture
def texts(tmp_path):
    (tmp_path / "model.py").write_text(LOADER)
    lines(
        tmp_path / "test.jsonl", [{"message": "hi", "label": "a"}, {"message": "ho", "label": "b"}]
    )
    return tmp_path


def test_a_text_project_is_recognised(texts):
    found = look(texts)
    assert (found.adapter, found.location) == ("load", "model:load")
    assert (found.eval_data, found.input, found.columns, found.label) == (
        "test.jsonl",
        "text",
        "message",
        "label",
    )
    assert found.task == "classification"
    assert not found.code_bearing


def test_the_written_file_can_be_read(texts):
    (texts / "seatrial.toml").write_text(render(look(texts)))
    read = settings.load(texts, environment={})
    assert read.model.location == "model:load"
    assert read.eval.input == "message"


def test_production_data_and_its_extra_columns_are_found(texts):
    rows = [
        {"message": "x", "label": "a", "country": "no"},
        {"message": "y", "label": "b", "country": "de"},
    ]
    lines(texts / "production.jsonl", rows)
    found = look(texts)
    assert found.production_data == "production.jsonl"
    assert found.slices == ["country"]


def test_several_columns_are_a_record_and_broken_numbers_a_regression(tmp_path):
    (tmp_path / "net.onnx").write_bytes(b"")
    (tmp_path / "houses.csv").write_text("rooms,area,price\n3,70.5,210.4\n4,90,300.1\n")
    found = look(tmp_path)
    assert (found.adapter, found.input, found.columns) == (
        "onnx",
        "record",
        ["rooms", "area"],
    )
    assert (found.label, found.task) == ("price", "regression")
    assert any("houses.csv" in note for note in found.notes)
    assert any("price" in note for note in found.notes)


def test_training_data_is_not_taken_for_eval_data(tmp_path):
    (tmp_path / "model.py").write_text(LOADER)
    (tmp_path / "train.csv").write_text("text,label\na,b\n")
    found = look(tmp_path)
    assert found.eval_data == ""
    assert any("eval" in note for note in found.notes)


def test_a_pickle_comes_last_and_is_marked(tmp_path):
    (tmp_path / "model.pkl").write_bytes(b"\x80")
    found = look(tmp_path)
    assert found.code_bearing
    assert "trust" in render(found)
    (tmp_path / "model.py").write_text(LOADER)
    assert look(tmp_path).adapter == "load"


def test_a_folder_without_a_model_says_what_was_looked_for(tmp_path):
    with pytest.raises(SettingsError, match="onnx"):
        look(tmp_path)


def test_the_name_is_made_from_the_folder(tmp_path):
    folder = tmp_path / "My Model (v2)"
    folder.mkdir()
    (folder / "m.skops").write_bytes(b"")
    assert look(folder).name == "my-model-v2"
