from __future__ import annotations

import asyncio

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
