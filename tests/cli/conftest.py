"""Project folders for the command line, and two ways to call it."""

from __future__ import annotations

import json
import subprocess
import sys
import traceback
from dataclasses import dataclass

import pytest
from click.testing import CliRunner

from seatrial.cli import main


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str


@pytest.fixture
def seatrial(monkeypatch):
    """Call the command line in this process, where a warning is an error."""
    monkeypatch.setattr(sys, "warnoptions", ["error"])

    def call(*arguments, cwd=None):
        if cwd is not None:
            monkeypatch.chdir(cwd)
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        err = result.stderr
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            err += "".join(traceback.format_exception(result.exception))
        return Ended(result.exit_code, result.stdout, err)

    return call


@pytest.fixture
def process():
    """Call the command line in a process of its own."""

    def call(*arguments, cwd=None, timeout=150):
        done = subprocess.run(
            [sys.executable, "-m", "seatrial", *map(str, arguments)],
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return call


WORDS_MODEL = """
def predict(texts):
    return [{"output": "yes" if "good" in text else "no", "confidence": 0.9} for text in texts]


def load():
    return predict
"""


@pytest.fixture
def folder(tmp_path):
    """A small text project that works."""
    (tmp_path / "model.py").write_text(WORDS_MODEL)
    (tmp_path / "seatrial.toml").write_text(
        '[model]\nname = "words"\nload = "model:load"\n\n[eval]\ndata = "eval.jsonl"\n'
    )
    rows = [{"text": f"good thing {n}", "label": "yes"} for n in range(30)]
    rows += [{"text": f"poor thing {n}", "label": "no"} for n in range(30)]
    (tmp_path / "eval.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return tmp_path
