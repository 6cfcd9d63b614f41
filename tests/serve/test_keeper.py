from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import duckdb
import pytest

from seatrial.core.errors import DataError
from seatrial.core.settings import EvalSettings, ModelSettings, Settings
from seatrial.records import sealing
from seatrial.records.log import LogWriter
from seatrial.records.record import Record
from seatrial.serve.converting import to_parquet_apart
from seatrial.serve.describing import Describing
from seatrial.serve.events import Events
from seatrial.serve.keeper import Diary, keep


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
    (tmp_path / "seatrial.toml").write_text('[model]\nload = "m:m"\n[eval]\ndata = "eval.jsonl"\n')
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


def sealed(folder):
    files = (folder / ".seatrial" / "log" / "sealed").glob("*.parquet")
    return sum(duckdb.sql(f"SELECT count(*) FROM '{file}'").fetchall()[0][0] for file in files)


def test_what_was_closed_before_the_end_is_sealed_at_the_end(tmp_path):
    """The front closes its last segment when it stops, and stops the keeper then."""

    def pause():
        with LogWriter(tmp_path) as writer:
            writer.append([record(1, "late")])
        return True

    diary = Diary()
    keep(tmp_path, describe=None, events=Events(io.StringIO()), pause=pause, diary=diary)
    assert sealed(tmp_path) == 1
    told = diary.status()
    assert (told["sealing"]["segments"], told["sealing"]["rows"]) == (1, 1)
    assert told["keeper"]["pid"] == os.getpid()
    assert told["keeper"]["rss_bytes"] > 0


@pytest.fixture
def keeper(tmp_path):
    """A keeper as a process of its own, about a folder that is looked at once an hour."""
    (tmp_path / "seatrial.toml").write_text('[model]\nload = "m:m"\n')
    started = []

    def start(*flags):
        command = [sys.executable, "-m", "seatrial.serve.keeper", str(tmp_path), "--every", "3600"]
        started.append(subprocess.Popen([*command, *flags], stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stderr.close()


def test_a_keeper_that_is_told_to_end_seals_first(tmp_path, keeper):
    with LogWriter(tmp_path) as writer:
        writer.append([record(1, "first")])
    process = keeper()
    assert '"sealed"' in process.stderr.readline()
    with LogWriter(tmp_path) as writer:
        writer.append([record(2, "last")])
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert sealed(tmp_path) == 2


def test_a_keeper_that_cannot_finish_ends_all_the_same(tmp_path, keeper):
    """Sealing waits for a file that nobody writes; the log is whole afterwards."""
    with LogWriter(tmp_path) as writer:
        writer.append([record(1, "first")])
    (segment,) = (tmp_path / ".seatrial" / "log" / "closed").iterdir()
    pipe = segment.with_name(f"0{segment.name}")
    os.mkfifo(pipe)
    process = keeper("--last-seal", "0.1")
    until = time.monotonic() + 60
    lock = tmp_path / ".seatrial" / "log" / "keeper.lock"
    while not lock.exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == -signal.SIGALRM
    pipe.unlink()
    assert sealing.seal(tmp_path).rows == 1


def test_the_reference_is_fitted_once_and_apart_from_the_keeper(tmp_path, settings):
    """Fitting needs libraries that would double the keeper's memory."""
    (tmp_path / "seatrial.toml").write_text('[model]\nload = "m:m"\n[eval]\ndata = "eval.jsonl"\n')
    program = (
        "import sys\nfrom pathlib import Path\nfrom seatrial.core import settings\n"
        "from seatrial.serve.describing import Describing\n"
        "folder = Path(sys.argv[1])\n"
        "print(Describing(settings.load(folder), folder)(['a fine day', 3])[1])\n"
        "print(sorted({'sklearn', 'scipy'} & set(sys.modules)))\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    said = [subprocess.run(command, capture_output=True, text=True, check=True).stdout]
    (frozen,) = (tmp_path / ".seatrial" / "reference").glob("*.json")
    made = frozen.stat().st_mtime_ns
    said.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert said == ["None\n[]\n"] * 2
    assert frozen.stat().st_mtime_ns == made


def test_duckdb_works_apart_from_the_keeper_to_the_same_end(tmp_path):
    rows = [b'{"id": "%d"}\n' % number for number in range(10)]
    assert to_parquet_apart(iter(rows), tmp_path / "out.parquet") == 10
    assert [path.name for path in tmp_path.iterdir()] == ["out.parquet"]
    assert duckdb.sql(f"SELECT count(*) FROM '{tmp_path}/out.parquet'").fetchall() == [(10,)]


def test_rows_that_duckdb_refuses_stay_where_they_are(tmp_path, capfd):
    with pytest.raises(OSError, match="ended with 1"):
        to_parquet_apart([b"no json\n"], tmp_path / "out.parquet")
    assert "JSON" in capfd.readouterr().err


def test_an_eval_set_that_cannot_be_described_is_tried_once(tmp_path, settings):
    (tmp_path / "eval.jsonl").unlink()
    describing = Describing(settings, tmp_path)
    with pytest.raises(DataError, match="without descriptors") as first:
        describing(["a"])
    with pytest.raises(DataError) as second:
        describing(["a"])
    assert first.value is second.value


def test_without_an_eval_set_rows_are_sealed_without_descriptors(tmp_path):
    """There is nothing to compare with."""
    bare = Settings(model=ModelSettings(adapter="load", location="m:m"))
    assert Describing(bare, tmp_path)(["a", "b"]) == [None, None]
