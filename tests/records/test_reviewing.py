from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from seatrial.core.errors import (
    ConflictError,
    EnvironmentMismatchError,
    UnknownNameError,
    UsageError,
)
from seatrial.records.descriptions import Descriptions
from seatrial.records.log import LogWriter
from seatrial.records.places import Places
from seatrial.records.reviewing import Plan, ReviewLabel, ReviewSample
from seatrial.records.sealing import seal

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HALF = Plan(first_share=0.5)


@pytest.fixture
def serve(tmp_path, make_record):
    """Log rows, seal them, and return the sample of the folder."""
    made = {"rows": 0}

    def write(count: int, **fields) -> None:
        first = made["rows"]
        made["rows"] += count
        with LogWriter(tmp_path) as writer:
            writer.append([make_record(number, **fields) for number in range(first, first + count)])
        knows = Descriptions(lambda inputs: [{"language_known": 0.9}] * len(inputs))
        assert seal(tmp_path, descriptions=knows).problems == ()

    return write


@pytest.fixture
def sample(tmp_path):
    with ReviewSample(tmp_path) as opened:
        yield opened


def keys(rows) -> set[tuple[str, int]]:
    return {(row.id, row.row) for row in rows}


def say(row, reviewer: str, label=None, *, later: int = 0, **fields) -> ReviewLabel:
    time = NOON + timedelta(seconds=later)
    return ReviewLabel(id=row.id, row=row.row, reviewer=reviewer, label=label, time=time, **fields)


def test_a_folder_without_a_log_has_an_empty_sample(tmp_path, sample) -> None:
    assert sample.draw() == 0
    assert sample.rows() == []
    assert sample.progress().rows == 0
    assert sample.progress().agreement is None
    assert not list(tmp_path.iterdir())


def test_one_row_in_a_hundred_is_drawn_with_its_probability(serve, sample) -> None:
    serve(5_000)
    assert 25 < sample.draw(seed=1) < 80
    rows = sample.rows()
    assert {row.probability for row in rows} == {0.01}
    assert all(0 <= row.turn < 1 for row in rows)
    assert rows == sorted(rows, key=lambda row: row.turn)
    assert {row.stratum for row in rows} == {"answered / known language / no confidence"}
    assert rows[0].input == f"text {rows[0].id[1:]}"
    assert (rows[0].output, rows[0].status, rows[0].labels) == ("yes", "answered", {})
    assert rows[0].time.tzinfo is UTC


def test_whatever_became_of_a_row_it_has_its_chance(serve, sample) -> None:
    fates = ("answered", "abstained", "rejected", "timed_out", "failed", "killed", "cancelled")
    for status in fates:
        serve(200, status=status)
    sample.draw(HALF, seed=3)
    strata = {one.stratum.split(" / ")[0]: one for one in sample.progress().strata}
    assert set(strata) == set(fates)
    assert all(one.rows == 200 and 70 <= one.drawn <= 130 for one in strata.values())


def test_strata_tell_confidence_and_language_apart(tmp_path, make_record, sample) -> None:
    with LogWriter(tmp_path) as writer:
        writer.append(
            make_record(place, confidence=confidence)
            for place, confidence in enumerate((0.2, 0.5, 0.7, 0.95, 1.0, None))
        )
    known = iter((0.9, 0.9, 0.1, 0.1, 0.5, 0.5))
    seal(
        tmp_path,
        descriptions=Descriptions(lambda rows: [{"language_known": next(known)} for _ in rows]),
    )
    sample.draw(Plan(first_share=1))
    assert sorted(one.stratum for one in sample.progress().strata) == [
        "answered / known language / 0.5 to 0.7",
        "answered / known language / below 0.5",
        "answered / known language / from 0.99",
        "answered / known language / no confidence",
        "answered / unknown language / 0.7 to 0.9",
        "answered / unknown language / 0.9 to 0.99",
    ]


def test_only_users_have_a_chance(serve, sample) -> None:
    for origin in ("warmup", "golden", "drill", "shadow", "replay"):
        serve(5, origin=origin)
    serve(5)
    assert sample.draw(Plan(first_share=1)) == 5
    assert sample.progress().rows == 5


def test_rows_that_are_not_sealed_wait_for_the_next_draw(tmp_path, make_record, sample) -> None:
    with LogWriter(tmp_path) as writer:
        writer.append([make_record(0)])
        assert sample.draw(Plan(first_share=1)) == 0
    seal(tmp_path)
    assert sample.draw(Plan(first_share=1)) == 1


def test_no_row_is_drawn_twice_however_often_one_draws(tmp_path, serve, sample) -> None:
    found = []
    for _ in range(4):
        serve(100)
        found.append(sample.draw(HALF, seed=5))
        assert sample.draw(HALF) == 0
    counts = Counter(keys(sample.rows()))
    assert set(counts.values()) == {1}
    assert len(counts) == sum(found)
    with ReviewSample(tmp_path) as another:
        assert another.draw(HALF) == 0
        assert keys(another.rows()) == set(counts)


def test_what_is_drawn_depends_on_the_row_alone_not_on_the_files(tmp_path, make_record) -> None:
    drawn = []
    for name, size in (("one", 600), ("many", 50)):
        folder = tmp_path / name
        for first in range(0, 600, size):
            with LogWriter(folder) as writer:
                writer.append([make_record(n) for n in range(first, first + size)])
            seal(folder)
        with ReviewSample(folder) as sample:
            sample.draw(Plan(first_share=0.3), seed=9)
            drawn.append(keys(sample.rows()))
    assert drawn[0] == drawn[1]


def test_two_seeds_draw_different_rows_and_a_sample_keeps_its_own(serve, tmp_path, sample) -> None:
    serve(200)
    sample.draw(HALF, seed=1)
    with pytest.raises(UsageError, match="begun with seed 1"):
        sample.draw(HALF, seed=2)
    first = keys(sample.rows())
    Places.of(tmp_path).review.unlink()
    sample.draw(HALF, seed=2)
    assert keys(sample.rows()) != first


def test_after_the_first_rows_so_many_a_day_are_drawn(tmp_path, make_record, sample) -> None:
    plan = Plan(first_rows=1_000, first_share=0.1, per_day=50)
    for day in range(4):
        with LogWriter(tmp_path) as writer:
            writer.append(
                make_record(n + 1_000 * day, time=NOON + timedelta(days=day, seconds=n))
                for n in range(1_000)
            )
        seal(tmp_path)
        sample.draw(plan, seed=2)
    probabilities = Counter(row.probability for row in sample.rows())
    assert set(probabilities) == {0.1, 0.05}
    assert 100 < probabilities[0.05] < 200


def test_the_boundary_of_the_first_rows_may_lie_inside_a_file(serve, sample) -> None:
    serve(1_000)
    sample.draw(Plan(first_rows=400, first_share=1.0, per_day=0), seed=1)
    assert keys(sample.rows()) == {(f"r{n}", 0) for n in range(400)}


def test_a_larger_sample_holds_the_smaller_one_and_says_the_larger_chance(serve, sample) -> None:
    serve(2_000)
    sample.draw(Plan(first_share=0.02), seed=4)
    small = keys(sample.rows())
    added = sample.draw(Plan(first_share=0.02, size=400))
    rows = sample.rows()
    assert small < keys(rows)
    assert added == len(rows) - len(small)
    assert 330 < len(rows) < 470
    assert {row.probability for row in rows} == {0.2}
    assert sample.draw(Plan(first_share=0.02, size=100)) == 0
    serve(100)
    sample.draw(Plan(first_share=0.02))
    assert {row.probability for row in sample.rows()} <= {0.2, 0.02}


def test_a_sample_larger_than_the_log_is_the_log(serve, sample) -> None:
    serve(50)
    sample.draw(Plan(size=1_000))
    assert len(sample.rows()) == 50
    assert {row.probability for row in sample.rows()} == {1.0}


def test_rare_strata_can_be_asked_for(serve, sample) -> None:
    serve(2_000)
    serve(8, status="failed")
    sample.draw(Plan(stratum_least=8), seed=1)
    rows = {one.stratum.split(" / ")[0]: one for one in sample.progress().strata}
    assert rows["failed"].drawn == 8
    assert {row.probability for row in sample.rows() if row.status == "failed"} == {1.0}


def test_rows_weighed_by_their_probability_stand_for_all(serve, tmp_path) -> None:
    """Horvitz and Thompson's total, over many seeds, is right on average for every stratum."""
    serve(300, confidence=0.4)
    serve(100, status="failed")
    totals = []
    for seed in range(20):
        with ReviewSample(tmp_path) as sample:
            sample.draw(Plan(first_share=0.2, stratum_least=30), seed=seed)
            rows = sample.rows()
        Places.of(tmp_path).review.unlink()
        totals.append(
            [
                sum(1 / row.probability for row in rows if row.status == status)
                for status in ("answered", "failed")
            ]
        )
    means = np.mean(totals, axis=0)
    errors = np.std(totals, axis=0) / np.sqrt(len(totals))
    assert np.all(np.abs(means - [300, 100]) < 4 * errors)


def test_pages_follow_each_other_without_gap_or_repeat(serve, sample) -> None:
    serve(100)
    sample.draw(HALF)
    every, after = [], None
    while page := sample.rows(limit=7, after=after):
        every += page
        after = page[-1].turn
    assert every == sample.rows()


def test_a_label_survives_and_is_shown_with_its_reviewer(serve, tmp_path, sample) -> None:
    serve(10)
    sample.draw(Plan(first_share=1))
    first, second, *rest = sample.rows()
    sample.label(say(first, "anna", "no", tags=("wrong language",)))
    sample.label(say(second, "anna", skipped=True))
    for reader in (sample, ReviewSample(tmp_path)):
        (shown,) = reader.rows(limit=1)
        assert shown.labels["anna"].label == "no"
        assert shown.labels["anna"].tags == ("wrong language",)
        assert keys(reader.rows(unreviewed_by="anna")) == keys(rest)
        assert len(reader.rows(unreviewed_by="ben")) == 10
    sample.close()
    seal(tmp_path)
    (shown,) = ReviewSample(tmp_path).rows(limit=1)
    assert shown.labels["anna"] == say(first, "anna", "no", tags=("wrong language",))
    assert sample.rows()[1].labels["anna"].skipped


def test_the_last_word_of_a_reviewer_counts(serve, sample) -> None:
    serve(1)
    sample.draw(Plan(first_share=1))
    (row,) = sample.rows()
    sample.label(say(row, "anna", "no"))
    sample.label(say(row, "anna", "yes", later=1))
    assert sample.rows()[0].labels["anna"].label == "yes"
    assert sample.progress().labelled == 1


def test_what_was_said_can_be_taken_back(serve, sample) -> None:
    serve(1)
    sample.draw(Plan(first_share=1))
    (row,) = sample.rows()
    sample.label(say(row, "anna", "no"))
    sample.label(say(row, "anna", later=1))
    assert sample.rows(unreviewed_by="anna")[0].labels == {}
    assert sample.progress().labelled == 0


def test_only_drawn_rows_can_be_labelled_and_only_by_somebody(serve, sample) -> None:
    serve(1)
    sample.draw(Plan(first_share=1))
    (row,) = sample.rows()
    with pytest.raises(UsageError, match="without a reviewer"):
        sample.label(say(row, " ", "yes"))
    with pytest.raises(UnknownNameError, match="was not drawn"):
        sample.label(ReviewLabel(id="r9", reviewer="anna", label="yes", time=NOON))


def test_where_reviewers_differ_the_majority_counts_and_then_the_latest(serve, sample) -> None:
    serve(2)
    sample.draw(Plan(first_share=1))
    first, second = sample.rows()
    for later, (reviewer, label) in enumerate((("a", "yes"), ("b", "yes"), ("c", "no"))):
        sample.label(say(first, reviewer, label, later=later))
    for later, (reviewer, label) in enumerate((("a", "yes"), ("b", "no"))):
        sample.label(say(second, reviewer, label, later=later))
    found = sample.reviewed()
    assert found[first.id, 0].label == "yes"
    assert found[second.id, 0].label == "no"
    assert found[first.id, 0].probability == 1.0


def test_progress_counts_strata_reviewers_tags_and_agreement(serve, sample) -> None:
    serve(20)
    serve(10, status="failed")
    sample.draw(Plan(first_share=1))
    rows = sample.rows()
    for place, row in enumerate(rows[:12]):
        sample.label(say(row, "anna", "yes" if place % 2 else "no", tags=("odd",)))
        sample.label(say(row, "ben", "yes" if place % 2 or place == 4 else "no"))
    sample.label(say(rows[12], "ben", skipped=True, tags=("odd", "made-up number")))
    told = sample.progress()
    assert (told.rows, told.drawn, told.labelled) == (30, 30, 12)
    assert sum(one.labelled for one in told.strata) == 12
    assert [(one.reviewer, one.labelled, one.skipped) for one in told.reviewers] == [
        ("anna", 12, 0),
        ("ben", 12, 1),
    ]
    assert told.tags == {"odd": 13, "made-up number": 1}
    assert told.agreement is not None
    assert (told.agreement.method, told.agreement.rows, told.agreement.agreed) == ("cohen", 12, 11)


def test_two_that_draw_at_once_do_not_draw_the_same(serve, tmp_path, sample) -> None:
    serve(10)
    with sample._sampler._ledger.locked(), pytest.raises(ConflictError):
        sample.draw()
    assert sample.draw(Plan(first_share=1)) == 10


@pytest.mark.parametrize("half", [False, True])
def test_a_run_that_dies_at_any_call_is_as_if_it_had_not_begun(
    serve, tmp_path, *, faulty_files, killed, half
) -> None:
    serve(30)
    serve(30)
    at, reached = 0, True
    while reached:
        at += 1
        files = faulty_files(at, killed(), half=half)
        with suppress(killed):
            ReviewSample(tmp_path, files=files).draw(HALF, seed=7)
        files.bury()
        reached = files.reached()
        with ReviewSample(tmp_path) as sample:
            sample.draw(HALF, seed=7)
            rows = Counter(keys(sample.rows()))
            assert set(rows.values()) == {1}, f"killed at call {at}"
            assert sample.progress().rows == 60, f"killed at call {at}"
            if at == 1:
                expected = set(rows)
            assert set(rows) == expected, f"killed at call {at}"
        Places.of(tmp_path).review.unlink()
    assert at > 10


def test_a_full_disk_takes_nothing_and_says_so(serve, tmp_path, faulty_files) -> None:
    serve(30)
    said, at, reached = [], 0, True
    while reached:
        at += 1
        files = faulty_files(at, OSError(28, "No space left on device"), lasts=2, half=True)
        with ReviewSample(tmp_path, files=files) as sample:
            try:
                sample.draw(HALF, seed=7)
            except EnvironmentMismatchError as error:
                said.append(str(error))
        files.bury()
        reached = files.reached()
        with ReviewSample(tmp_path) as sample:
            sample.draw(HALF, seed=7)
            assert set(Counter(keys(sample.rows())).values()) == {1}
            assert sample.progress().rows == 30, f"fault at call {at}"
        Places.of(tmp_path).review.unlink(missing_ok=True)
    assert len(said) > 3
    assert all("No space left" in sentence for sentence in said)


def test_half_a_line_and_a_damaged_one_cost_themselves(serve, tmp_path, sample) -> None:
    serve(40)
    sample.draw(HALF, seed=7)
    path = Places.of(tmp_path).review
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"crc":"0000')
    assert len(sample.rows()) == len(whole.splitlines()) - 1
    serve(40)
    sample.draw(HALF)
    assert b'"0000{' not in path.read_bytes()
    assert sample.progress().rows == 80


def test_the_sample_is_for_its_own_account_only(serve, tmp_path: Path, sample) -> None:
    serve(5)
    sample.draw(HALF)
    assert Places.of(tmp_path).review.stat().st_mode & 0o077 == 0
