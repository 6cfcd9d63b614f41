"""A mistake is one clear line and the exit status of the design; no traceback unless asked for."""

import sys
import warnings

import pytest

from seatrial.trials import folder as seatrial_folder

RAISES = """
def predict(texts):
    if any("thing 17" in text for text in texts):
        raise ValueError("cannot handle 17")
    return ["yes" for _ in texts]


def load():
    return predict
"""
SHORT = "def load():\n    return lambda texts: ['yes' for _ in texts][:-1]\n"
NOT_FINITE = "def load():\n    return lambda texts: [float('nan') for _ in texts]\n"
NUMBERS = "def load():\n    return lambda texts: [1 for _ in texts]\n"
BROKEN = "def load():\n    return open('/no/such/weights')\n"
TOML = '[model]\nload = "model:load"\n\n[eval]\ndata = "eval.jsonl"\n'

MISTAKES = {
    "no settings": ({"seatrial.toml": None}, 2, "seatrial init"),
    "not TOML": ({"seatrial.toml": "[model\n"}, 2, "line 1"),
    "unknown key": ({"seatrial.toml": TOML + "colour = 1\n"}, 2, "colour"),
    "nearest key": ({"seatrial.toml": TOML + "lable = 'x'\n"}, 2, 'Did you mean "label"'),
    "no eval file named": ({"seatrial.toml": '[model]\nload = "model:load"\n'}, 2, "[eval] data"),
    "eval file missing": ({"eval.jsonl": None}, 2, "eval.jsonl"),
    "eval file empty": ({"eval.jsonl": ""}, 2, "empty"),
    "column missing": ({"eval.jsonl": '{"txt": "a", "label": "yes"}\n'}, 2, "'text'"),
    "no labels": ({"eval.jsonl": '{"text": "a", "label": null}\n'}, 2, "label"),
    "torn row": ({"eval.jsonl": '{"text": "a", "label": "yes"}\n{"text": \n'}, 2, "eval.jsonl"),
    "module missing": ({"model.py": None}, 1, "model"),
    "load raises": ({"model.py": BROKEN}, 1, "/no/such/weights"),
    "no load": ({"model.py": "x = 1\n"}, 1, "load"),
    "syntax error": ({"model.py": "def load(:\n"}, 1, "model.py"),
    "raises on a row": ({"model.py": RAISES}, 1, "eval row 17"),
    "too few answers": ({"model.py": SHORT}, 1, "answers"),
    "NaN": ({"model.py": NOT_FINITE}, 1, "not finite"),
    "labels of another type": ({"model.py": NUMBERS}, 2, "type"),
    "a pickle nobody trusts": (
        {"seatrial.toml": TOML.replace('load = "model:load"', 'sklearn = "model.pkl"'),
         "model.pkl": "\x80"},
        3,
        "trust",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line_with_its_exit_status(name, folder, seatrial):
    files, status, says = MISTAKES[name]
    for file, text in files.items():
        if text is None:
            (folder / file).unlink()
        else:
            (folder / file).write_text(text)
    ended = seatrial("gap", folder, "--quiet")
    assert ended.status == status, ended.err
    assert says in ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""
    lines = [line for line in ended.err.splitlines() if line.startswith("seatrial:")]
    assert len(lines) == 1
    assert len(ended.err.strip().splitlines()) == 1, ended.err


def test_a_traceback_is_shown_when_asked_for(folder, process):
    (folder / "seatrial.toml").unlink()
    ended = process("--debug", "gap", folder)
    assert ended.status != 0
    assert "Traceback" in ended.err


def test_in_a_process_of_its_own_a_mistake_is_one_line_too(folder, process):
    """Here a Python warning would be a line of its own."""
    (folder / "model.py").write_text(NUMBERS)
    ended = process("gap", folder, "--quiet")
    assert ended.status == 2
    assert len(ended.err.strip().splitlines()) == 1
    assert ended.err.startswith("seatrial: answers are number (1) and labels are text")


def test_a_warning_of_a_library_reaches_no_terminal(folder, seatrial, monkeypatch):
    def warn(*arguments, **options):
        warnings.warn("mean of empty slice", RuntimeWarning, stacklevel=1)
        return look(*arguments, **options)

    look = seatrial_folder.look
    monkeypatch.setattr(seatrial_folder, "look", warn)
    monkeypatch.setattr(sys, "warnoptions", [])
    with warnings.catch_warnings(record=True) as caught:
        ended = seatrial("init", folder, "--force")
    assert ended.status == 0
    assert ended.err == ""
    assert caught == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("trail",), "No such command"),
        (("trial", "--no-such-option"), "No such option"),
        (("trial", "--only", "batch-profil"), 'Did you mean "batch-profile"'),
        (("measure", "batchin"), 'Did you mean "batching"'),
        (("load", "http://127.0.0.1:9"), "nothing to send"),
        (("load", "nonsense", "--body", "{}"), "URL"),
        (("init", "/no/such/folder"), "no folder"),
    ],
)
def test_wrong_usage_is_exit_2(arguments, says, folder, seatrial):
    ended = seatrial(*arguments, cwd=folder)
    assert ended.status == 2, ended.err
    assert says in ended.err
    assert "Traceback" not in ended.err


def test_a_service_that_is_not_there_is_exit_3(folder, seatrial):
    ended = seatrial("load", "http://127.0.0.1:9/predict", "--body", "{}")
    assert ended.status == 3
    assert "Traceback" not in ended.err
