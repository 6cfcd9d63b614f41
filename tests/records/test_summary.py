from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from seatrial.records import summary
from seatrial.records.bins import Bins
from seatrial.records.descriptions import Descriptions
from seatrial.records.log import LogWriter
from seatrial.records.query import Log
from seatrial.records.sealing import seal

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def log(tmp_path):
    def write(records, *, describe=None) -> Log:
        with LogWriter(tmp_path) as writer:
            writer.append(records)
        seal(tmp_path, descriptions=None if describe is None else Descriptions(describe))
        return Log(tmp_path)

    return write


def at(day: int) -> datetime:
    return NOON + timedelta(days=day)


def test_an_empty_log_has_a_total_of_nothing(tmp_path) -> None:
    told = Log(tmp_path).summary()
    assert (told.days, told.total.rows, told.total.requests) == ((), 0, 0)


def test_days_and_their_total_count_what_became_of_rows(log, make_record) -> None:
    told = log(
        [
            make_record(0, time=at(0)),
            make_record(0, time=at(0), row=1, status="abstained"),
            make_record(1, time=at(1), status="failed", output=None),
            make_record(2, time=at(1), origin="drill"),
        ]
    ).summary()
    assert [day.day for day in told.days] == ["2026-11-20", "2026-11-21"]
    assert told.days[0].statuses == {"abstained": 1, "answered": 1}
    assert (told.days[0].requests, told.days[0].rows, told.days[0].answered) == (1, 2, 0.5)
    assert (told.total.day, told.total.requests, told.total.rows) == ("total", 2, 3)
    assert told.total.statuses == {"abstained": 1, "answered": 1, "failed": 1}
    assert told.problems == ()


def test_confidence_and_answers_are_known_without_labels(log, make_record) -> None:
    told = log(
        [
            make_record(n, output="a" if n < 6 else "b", confidence=0.5 if n < 4 else 1.0)
            for n in range(8)
        ]
        + [make_record(8, output=None, status="failed")]
    ).summary()
    assert told.total.confidence == 0.75
    assert told.total.confident_rows == 8
    assert told.total.answers == {"a": 0.75, "b": 0.25}
    assert told.total.entropy == pytest.approx(0.8113, abs=1e-4)


def test_answers_that_are_no_classes_are_not_counted(log, make_record) -> None:
    told = log([make_record(n, output=n / 7) for n in range(200)]).summary()
    assert told.total.answers == {}
    assert told.total.entropy is None


def test_percentiles_are_exact_and_count_each_request_once(log, make_record) -> None:
    times = np.random.default_rng(0).exponential(10.0, 500)
    records = [
        make_record(n, row=row, total_ms=float(time))
        for n, time in enumerate(times)
        for row in (0, 1)
    ]
    told = log(records).summary().total
    expected = {f"p{q:g}": np.quantile(times, q / 100) for q in (50, 90, 95, 99)}
    assert {name: told.times["total_ms"][name] for name in expected} == pytest.approx(expected)
    assert told.times["total_ms"]["p99.9"] is None
    assert "queue_ms" not in told.times


def described(inputs):
    return [
        {"language": "de" if "german" in text else "en", "words": float(len(text.split()))}
        for text in inputs
    ]


REFERENCE = [
    Bins.of("language", ["en"] * 95 + ["de"] * 5),
    Bins.of("words", np.arange(1.0, 101.0).tolist(), factor="length"),
]


def test_what_moved_is_told_by_day_and_by_factor(log, make_record) -> None:
    words = np.random.default_rng(1).integers(1, 101, 2_000)
    records = [
        make_record(n, time=at(n % 2), input=" ".join(["german" if n % 2 else "word"] * count))
        for n, count in enumerate(words)
    ]
    told = log(records, describe=described).summary(reference=REFERENCE)
    quiet, shifted = told.days
    assert shifted.factors["language"].distance == pytest.approx(0.95)
    assert shifted.factors["language"].rows == 1_000
    assert quiet.factors["language"].distance == pytest.approx(0.05)
    for day in told.days:
        length = day.factors["length"]
        assert length.distance is not None
        assert length.by_chance is not None
        assert length.distance < 3 * length.by_chance
    assert [shift.name for shift in shifted.shifts] == ["language", "words"]
    assert told.total.factors["language"].distance == pytest.approx(0.45)


def test_of_very_many_rows_a_part_is_compared(log, make_record, monkeypatch) -> None:
    monkeypatch.setattr(summary, "SHIFT_ROWS", 500)
    records = [make_record(n, input="german" if n % 2 else "word") for n in range(2_000)]
    told = log(records, describe=described).summary(reference=REFERENCE).total
    language = told.factors["language"]
    assert 350 < language.rows < 650
    assert language.distance == pytest.approx(0.45, abs=0.1)
    assert told.rows == 2_000


def test_rows_without_a_descriptor_are_not_counted_as_shifted(log, make_record) -> None:
    told = log([make_record(0)], describe=lambda rows: [{"words": None}]).summary(
        reference=REFERENCE
    )
    assert {shift.rows for shift in told.total.shifts} <= {0}
    assert all(shift.distance is None for shift in told.total.shifts)


def test_a_constant_descriptor_shows_when_it_changes(log, make_record) -> None:
    reference = [Bins.of('missing:it\'s "age"', [0.0] * 50, factor="column:age")]
    told = log(
        [make_record(n) for n in range(4)],
        describe=lambda rows: [
            {'missing:it\'s "age"': 1.0 if n == 0 else 0.0} for n, _ in enumerate(rows)
        ],
    ).summary(reference=reference)
    assert told.total.factors["column:age"].distance == 0.25


def test_the_summary_of_sealed_and_unsealed_rows_is_one(tmp_path, make_record) -> None:
    for part in range(2):
        with LogWriter(tmp_path) as writer:
            writer.append([make_record(n + 10 * part) for n in range(10)])
        if part == 0:
            seal(tmp_path)
    assert Log(tmp_path).summary().total.rows == 20


def test_a_descriptor_that_no_reference_row_has_gets_no_bins() -> None:
    assert Bins.of("x", [None, float("nan")]) is None


@pytest.mark.parametrize("values", [list(range(1000)), [0.0] * 1000, [0.0] * 900 + [1.0] * 100])
def test_the_reference_does_not_differ_from_itself(values) -> None:
    bins = Bins.of("x", [float(value) for value in values])
    assert bins is not None
    counts = {code: round(share * 1000) for code, share in enumerate(bins.shares)}
    assert bins.shift(counts).distance == pytest.approx(0.0)
    assert sum(bins.shares) == pytest.approx(1.0)


def test_what_chance_alone_moves_is_said_beside() -> None:
    rng = np.random.default_rng(2)
    bins = Bins.of("x", rng.normal(size=2_000).tolist())
    assert bins is not None
    found = []
    for _ in range(200):
        codes = np.searchsorted(bins.edges, rng.normal(size=500), side="left")
        shift = bins.shift(dict(enumerate(np.bincount(codes, minlength=bins.count).tolist())))
        found.append(shift.distance)
    assert shift.by_chance == pytest.approx(np.mean(found), rel=0.15)
