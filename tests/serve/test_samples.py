from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from seatrial.core.errors import SeatrialError
from seatrial.core.settings import EvalSettings
from seatrial.serve.samples import samples


def read(folder, count=4, **keys):
    return asyncio.run(samples(folder, EvalSettings(**keys), count=count))


def test_inputs_are_spread_over_the_file_and_kept(tmp_path):
    """A second read takes what the first one kept; a changed file is read anew."""
    data = tmp_path / "eval.csv"
    data.write_text("text,label\n" + "".join(f"row {n},x\n" for n in range(40)))
    assert read(tmp_path, data="eval.csv") == ["row 0", "row 10", "row 20", "row 30"]
    (kept,) = (tmp_path / ".seatrial" / "control").glob("samples-*.json")
    kept.write_text('["kept"]')
    assert read(tmp_path, data="eval.csv") == ["kept"]
    data.write_text("text,label\nnew,x\n")
    assert read(tmp_path, data="eval.csv") == ["new"]
    assert len(list((tmp_path / ".seatrial" / "control").iterdir())) == 1


def test_several_columns_make_records(tmp_path):
    """As the model gets them."""
    (tmp_path / "eval.csv").write_text("a,b,label\n1,x,0\n")
    assert read(tmp_path, data="eval.csv", input="*") == [{"a": 1, "b": "x"}]


def test_no_eval_set_gives_no_inputs(tmp_path):
    """Warm-up then has nothing to run."""
    assert read(tmp_path) == []
    assert read(tmp_path, data="missing.csv") == []


def test_an_eval_set_that_cannot_be_read_is_an_error_of_ours(tmp_path):
    """Whoever warms goes on without."""
    (tmp_path / "eval.csv").write_text("other,label\n1,0\n")
    with pytest.raises(SeatrialError, match="could not be read"):
        read(tmp_path, data="eval.csv")


def test_json_lines_are_read_without_another_process_and_without_duckdb(tmp_path):
    """The front reads a small file itself: that costs it neither a process nor a library."""
    lines = "".join(f'{{"text": "row {n}", "label": 1}}\n' for n in range(8))
    (tmp_path / "eval.jsonl").write_text(lines)
    code = (
        "import asyncio, pathlib, subprocess, sys\n"
        "from seatrial.core.settings import EvalSettings\n"
        "from seatrial.serve.samples import samples\n"
        "subprocess.Popen = None\n"
        "eval_set = EvalSettings(data='eval.jsonl')\n"
        "print(asyncio.run(samples(pathlib.Path(), eval_set, count=2)))\n"
        "assert 'duckdb' not in sys.modules\n"
    )
    run = [sys.executable, "-c", code]
    told = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert told.stdout == "['row 0', 'row 4']\n"


def test_json_lines_without_the_column_are_an_error_of_ours(tmp_path):
    """It says which columns there are."""
    (tmp_path / "eval.jsonl").write_text('{"other": 1}\n')
    with pytest.raises(SeatrialError, match="other"):
        read(tmp_path, data="eval.jsonl")
