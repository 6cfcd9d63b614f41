"""Texts that are asked, and rows of an eval set, from the real data sets."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import duckdb

ASKED = 500
"""Texts rotated through: more than any window of waiting requests."""

EVAL_ROWS = 200


def rows(name: str) -> list[dict[str, Any]]:
    folder = os.environ.get("SEATRIAL_DATA", "")
    if not folder:
        raise SystemExit("SEATRIAL_DATA names no folder; it holds the texts (see README.md).")
    found = duckdb.read_parquet(str(Path(folder) / name))
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def write(folder: Path, *, asked: list[str], answers: list[Any], evaluated: list[Any]) -> None:
    """Write what the benchmark asks, the right answers, and the eval set of the folder."""
    document = [{"text": text, **answer} for text, answer in zip(asked, answers, strict=True)]
    (folder / "texts.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    lines = "".join(json.dumps(row) + "\n" for row in evaluated)
    (folder / "eval.jsonl").write_text(lines, encoding="utf-8")
