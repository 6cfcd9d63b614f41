from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from seatrial.core.errors import DataError, UnknownNameError, UsageError
from seatrial.records.log import LogWriter
from seatrial.records.query import Log
from seatrial.records.record import Feedback
from seatrial.records.sealing import seal

ORIGINS = ("user", "warmup", "golden", "drill", "shadow", "replay")


@pytest.fixture(params=["sealed", "unsealed", "half"])
def write(request, tmp_path: Path):
    """Write events and leave them sealed, unsealed or half of each."""

    def put(*events) -> Log:
        middle = {"sealed": len(events), "unsealed": 0, "half": len(events) // 2}[request.param]
        for part in (events[:middle], events[middle:]):
            with LogWriter(tmp_path) as writer:
                writer.append(part)
            if part is not events[middle:] or request.param == "sealed":
                seal(tmp_path)
        return Log(tmp_path)

    return put


def test_an_empty_folder_is_an_empty_log(tmp_path) -> None:
    log = Log(tmp_path)
    assert log.counts() == []
    assert log.problems() == ()
    assert len(log.production_rows()) == 0
    assert log.percentiles().values[0.5] is None
    assert log.query("SELECT count(*) FROM log").rows == [(0,)]


def test_rows_and_requests_are_counted_by_origin_and_fate(write, make_record) -> None:
    log = write(
        make_record(1),
        make_record(1, row=1),
        make_record(2, status="failed"),
        make_record(3, origin="drill"),
    )
    found = [(c.origin, c.status, c.rows, c.requests) for c in log.counts()]
    assert found == [
        ("drill", "answered", 1, 1),
        ("user", "answered", 2, 1),
        ("user", "failed", 1, 1),
    ]


def test_only_what_users_sent_is_production_whatever_became_of_it(write, make_record) -> None:
    log = write(
        *(make_record(n, origin=origin) for n, origin in enumerate(ORIGINS)),
        make_record(10, status="rejected", output=None),
        make_record(11, status="abstained", confidence=0.2),
    )
    found = log.production_rows()
    assert found.ids == ["r0", "r10", "r11"]
    assert found.statuses == ["answered", "rejected", "abstained"]
    assert found.inputs == ["text 0", "text 10", "text 11"]
    assert found.outputs == ["yes", None, "yes"]
    assert found.confidences == [None, None, 0.2]


def test_labels_come_from_feedback_to_exactly_that_row(write, make_record) -> None:
    at = make_record(0).time
    log = write(
        make_record(1),
        make_record(1, row=1),
        Feedback(id="r1", row=1, time=at, label="no"),
        Feedback(id="unknown", time=at, label="no"),
        make_record(2),
    )
    found = log.production_rows()
    assert list(zip(found.ids, found.rows, found.labels, strict=True)) == [
        ("r1", 0, None),
        ("r1", 1, "no"),
        ("r2", 0, None),
    ]


def test_the_latest_feedback_counts_and_a_rating_takes_no_label_back(write, make_record) -> None:
    at = make_record(0).time
    log = write(
        Feedback(id="r1", time=at + timedelta(seconds=2), label=2),
        make_record(1),
        Feedback(id="r1", time=at + timedelta(seconds=1), label=1, rating=1.0),
        Feedback(id="r1", time=at + timedelta(seconds=3), rating=5.0),
    )
    found = log.production_rows()
    assert found.labels == [2]
    assert found.ratings == [5.0]


@pytest.mark.parametrize("label", [1, "1", True, 0, "", 1.5, ["a"], {"a": None}])
def test_a_label_keeps_its_type(write, make_record, label) -> None:
    log = write(make_record(1), Feedback(id="r1", time=make_record(1).time, label=label))
    assert repr(log.production_rows().labels) == repr([label])


def test_a_record_that_knows_its_label_needs_no_feedback(write, make_record) -> None:
    assert write(make_record(1, label="no")).production_rows().labels == ["no"]


def test_rows_come_oldest_first_and_the_newest_are_kept_by_a_limit(write, make_record) -> None:
    log = write(*(make_record(n) for n in (3, 1, 2, 5, 4)))
    assert log.production_rows().ids == ["r1", "r2", "r3", "r4", "r5"]
    assert log.production_rows(limit=2).ids == ["r4", "r5"]


def test_rows_are_narrowed_to_a_release(write, make_record) -> None:
    log = write(make_record(1, release="a"), make_record(2, release="it's"))
    assert log.production_rows(release="it's").ids == ["r2"]
    assert log.rows(release="a", columns=("id",)).dicts() == [{"id": "r1"}]


def test_latency_counts_each_request_once_as_its_slowest_row(write, make_record) -> None:
    records = [make_record(n, total_ms=float(n)) for n in range(1, 101)]
    records += [make_record(n, row=1, total_ms=float(n) / 2) for n in range(1, 101)]
    records += [make_record(1000, origin="warmup", total_ms=9e9), make_record(1001)]
    found = write(*records).percentiles()
    assert found.n == 100
    assert found.values[0.5] == pytest.approx(50.5)
    assert found.values[0.99] == pytest.approx(np.quantile(np.arange(1, 101), 0.99))
    assert found.values[0.999] is None


def test_the_rarest_percentile_is_known_from_ten_thousand_requests_on(
    tmp_path, make_record
) -> None:
    with LogWriter(tmp_path) as writer:
        writer.append(make_record(n, total_ms=float(n)) for n in range(9_999))
        assert Log(tmp_path).percentiles().values[0.999] is None
        writer.append([make_record(9_999, total_ms=9_999.0)])
        known = Log(tmp_path).percentiles().values[0.999]
    assert known == pytest.approx(np.quantile(np.arange(10_000), 0.999))


def test_percentiles_of_what_is_no_number_are_refused(tmp_path) -> None:
    with pytest.raises(DataError, match=r"status holds no numbers; accepted are .*total_ms"):
        Log(tmp_path).percentiles("status")
    with pytest.raises(UnknownNameError, match='Did you mean "total_ms"'):
        Log(tmp_path).percentiles("total_sm")
    with pytest.raises(UnknownNameError, match='Did you mean "status"'):
        Log(tmp_path).rows(columns=("statu",))


def test_a_person_asks_in_sql(write, make_record) -> None:
    log = write(make_record(1), make_record(2, status="abstained", input={"age": 7}))
    found = log.query(
        "SELECT id, CAST(input->>'age' AS INTEGER) AS age FROM log WHERE abstained ORDER BY id"
    )
    assert found.columns == ("id", "age")
    assert found.rows == [("r2", 7)]
    assert found.column("age") == [7]
    with pytest.raises(UnknownNameError, match="unknown column 'agee'"):
        found.column("agee")


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT 1) TO '/tmp/seatrial-out.parquet'",
        "COPY (SELECT 1) TO '{sealed}'",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM glob('/etc/*')",
        "ATTACH '/tmp/seatrial.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET allowed_paths = ['/etc/passwd']",
        "DROP VIEW log",
        "CREATE TABLE t AS SELECT 1",
        "SELECT 1; SELECT 2",
        "",
        "SELEKT",
        "SELECT nothing FROM log",
        "SELECT * FROM make_record",
    ],
)
def test_sql_reaches_nothing_but_the_log(tmp_path, make_record, sql) -> None:
    with LogWriter(tmp_path) as writer:
        writer.append([make_record(1)])
    seal(tmp_path)
    (sealed,) = (tmp_path / ".seatrial" / "log" / "sealed").iterdir()
    before = sealed.read_bytes()
    with pytest.raises(UsageError):
        Log(tmp_path).query(sql.format(sealed=sealed))
    assert sealed.read_bytes() == before


def test_a_folder_with_an_odd_name_is_read_all_the_same(tmp_path, make_record, monkeypatch) -> None:
    folder = tmp_path / "a [b] *? it's day=1"
    folder.mkdir()
    with LogWriter(folder) as writer:
        writer.append([make_record(1)])
    seal(folder)
    assert Log(folder).production_rows().ids == ["r1"]
    monkeypatch.chdir(folder)
    assert Log(Path()).production_rows().ids == ["r1"]


def test_a_sample_is_drawn_from_all_rows_with_the_chance_of_each(write, make_record) -> None:
    records = [make_record(n, status="failed" if n % 2 else "abstained") for n in range(40)]
    log = write(*records, make_record(99, origin="golden"))
    rows, drawn = log.sample(10, generator=np.random.default_rng(5))
    again, _ = log.sample(10, generator=np.random.default_rng(5))
    assert rows == again
    assert len(rows) == 10
    assert set(drawn.probabilities) == {0.25}
    assert set(rows.column("status")) == {"failed", "abstained"}
    assert "r99" not in rows.column("id")


def test_of_a_long_log_a_part_is_taken_and_what_is_named(write, make_record) -> None:
    log = write(*(make_record(n) for n in range(400)))
    assert len(log.production_rows(about=400)) == 400
    found = log.production_rows(about=100, also={"r7", "r8"})
    assert 60 < len(found) < 140
    assert {"r7", "r8"} <= set(found.ids)
    assert log.production_rows(about=100).ids == log.production_rows(about=100).ids
