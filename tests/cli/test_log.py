"""``seatrial log``: thin over records, which has its own tests."""

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from seatrial.cli import main
from seatrial.records.log import LogWriter
from seatrial.records.places import Places
from seatrial.records.record import Record
from seatrial.records.sealing import seal
from seatrial.records.tables import read_rows


@pytest.fixture
def logged(folder):
    with LogWriter(folder) as writer:
        writer.append(
            Record(
                id=f"r{n}",
                time=datetime(2026, 11, 20, 9, n, tzinfo=UTC),
                origin="user" if n < 3 else "drill",
                release="m@0",
                status="answered",
                input={"customer": n, "text": "\x1b[31mred"},
                output="yes",
                total_ms=1.5,
            )
            for n in range(4)
        )
    seal(folder)
    return folder


def run(*arguments):
    return CliRunner().invoke(main, ["log", *map(str, arguments)])


def told(*arguments):
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_a_question_is_answered_in_a_table_or_as_json(logged):
    sql = "SELECT origin, count(*) AS n FROM log GROUP BY ALL ORDER BY ALL"
    assert told("query", logged, sql)["rows"] == [["drill", 1], ["user", 3]]
    assert "drill" in run("query", logged, sql).stdout


def test_what_users_sent_cannot_write_on_the_terminal(logged):
    shown = run("query", logged, "SELECT input->>'$.text' FROM log").stdout
    assert "\x1b" not in shown
    assert "red" in shown


def test_a_question_that_is_none_is_one_line(logged):
    done = run("query", logged, "DROP TABLE log")
    assert done.exit_code == 2
    assert "accepted is one SELECT" in done.stderr


@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
def test_the_log_becomes_a_file_that_can_be_read_as_production_rows(logged, ending):
    file = logged / f"out.{ending}"
    assert told("export", logged, file)["rows"] == 3
    rows = read_rows(file, input="id", label="label")
    assert rows.inputs == ["r0", "r1", "r2"]
    assert told("export", logged, file, "--all-origins", "--limit", 2)["rows"] == 2
    assert not list(logged.glob(".out*"))


def test_json_lines_hold_values_not_texts(logged):
    told("export", logged, logged / "out.jsonl")
    first = json.loads((logged / "out.jsonl").read_text().splitlines()[0])
    assert first["input"]["customer"] == 0


def test_another_ending_is_refused(logged):
    done = run("export", logged, logged / "out.xlsx")
    assert done.exit_code == 2
    assert ".parquet" in done.stderr


def test_a_subject_is_deleted_and_counted(logged):
    done = told("delete", logged, "--subject", "customer=1", "--id", "r0")
    assert (done["rows"], done["problems"]) == (2, [])
    assert told("query", logged, "SELECT id FROM log ORDER BY id")["rows"] == [["r2"], ["r3"]]
    assert "nothing" in run("delete", logged, "--id", "r0").stdout
    assert run("delete", logged).exit_code == 2


def test_compacting_seals_and_says_what_it_did(logged):
    with LogWriter(logged) as writer:
        writer.append(
            [
                Record(
                    id="late",
                    time=datetime(2026, 11, 20, tzinfo=UTC),
                    origin="user",
                    release="m@0",
                    status="failed",
                )
            ]
        )
    done = told("compact", logged)
    assert done["sealed"]["rows"] == 1
    assert done["together"]["problems"] == []
    assert "sealed" in run("compact", logged).stdout


def test_a_damaged_file_is_found_and_named(logged):
    assert run("verify", logged).exit_code == 0
    (sealed,) = Places.of(logged).sealed.iterdir()
    sealed.write_bytes(sealed.read_bytes()[:-9])
    done = run("verify", logged, "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["quarantined"] == [sealed.name]
    assert sealed.name in run("verify", logged).stdout


def test_the_summary_tells_days_times_and_what_moved(logged):
    found = told("summary", logged)
    assert found["total"]["rows"] == 3
    assert found["total"]["times"]["total_ms"]["p50"] == 1.5
    shown = run("summary", logged).stdout
    assert "2026-11-20" in shown
    assert "1.5" in shown
