from __future__ import annotations

import io
from datetime import UTC, datetime

import duckdb
import pytest

from seatrial.core.settings import EvalSettings, ModelSettings, Settings
from seatrial.records.log import LogWriter
from seatrial.records.record import Record
from seatrial.serve.events import Events
from seatrial.serve.keeper import Describing, keep


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "eval.jsonl").write_text(
        "".join(f'{{"text": "a fine day number {n}", "label": "x"}}\n' for n in range(20))
    )
    return Settings(
        model=ModelSettings(adapter="load", location="m:m"), eval=EvalSettings(data="eval.jsonl")
    )


def record(number, value):
    return Record(
        id=f"id{number}",
        time=datetime(2026, 1, 1, tzinfo=UTC),
        origin="user",
        release="m@1",
        input=value,
        status="answered",
    )


def test_closed_segments_become_parquet_with_descriptors(tmp_path, settings):
    """Once a look, until told to stop."""
    with LogWriter(tmp_path) as writer:
        writer.append([record(1, "hello there"), record(2, {"not": "text"}), record(3, None)])
    said, pauses = io.StringIO(), iter([False, True])
    keep(
        tmp_path,
        describe=Describing(settings, tmp_path),
        events=Events(said),
        pause=lambda: next(pauses),
    )
    (sealed,) = (tmp_path / ".seatrial" / "log" / "sealed").glob("*.parquet")
    rows = duckdb.sql(f"SELECT id, descriptors FROM '{sealed}' ORDER BY id").fetchall()
    assert [row[0] for row in rows] == ["id1", "id2", "id3"]
    assert rows[0][1] is not None
    assert rows[1][1] is rows[2][1] is None
    assert said.getvalue().count('"sealed"') == 1


def test_without_an_eval_set_rows_are_sealed_without_descriptors(tmp_path):
    """There is nothing to compare with."""
    bare = Settings(model=ModelSettings(adapter="load", location="m:m"))
    assert Describing(bare, tmp_path)(["a", "b"]) == [None, None]
