"""A project folder for the command line."""

from __future__ import annotations

import json

import pytest

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
