"""The desk hands out rows blind, takes labels, and forgets nothing that it took."""

from __future__ import annotations

import msgspec
import pytest

from seatrial.core import settings as table
from seatrial.core.errors import InputError, UnknownNameError
from seatrial.records.reviewing import ReviewSample
from seatrial.testing.clock import ManualClock
from seatrial.web.desk import REFRESH_S
from seatrial.web.messages import Order, Undo
from seatrial.web.review import open_desk


@pytest.fixture
def open_at():
    opened = []

    def desk_of(folder, **more):
        sample = ReviewSample(folder.path)
        opened.append(sample)
        return open_desk(sample, settings=table.load(folder.path), folder=folder.path, **more)

    yield desk_of
    for sample in opened:
        sample.close()


def text(row) -> str:
    return "".join(run.text for run in row.input.runs)


def order(row, reviewer="anna", label=None, **more) -> Order:
    return Order(id=row.id, row=row.row, reviewer=reviewer, label=label, **more)


@pytest.fixture
def folder(make_folder):
    return make_folder([f"text {place}" for place in range(40)], ["positive", "negative"] * 20)


def walked(desk, reviewer, limit=7):
    """Every row that a reviewer is handed, in order."""
    rows, after, more = [], "", True
    while more:
        batch = desk.rows(reviewer, after=after, limit=limit)
        assert len(batch.rows) <= limit
        rows += batch.rows
        after, more = batch.after, batch.more
    return rows


def test_every_row_comes_once_and_without_its_answer(open_at, folder) -> None:
    rows = walked(open_at(folder), "anna")
    assert sorted(text(row) for row in rows) == sorted(f"text {place}" for place in range(40))
    assert all(row.answer is None for row in rows)
    sent = msgspec.json.encode(rows)
    assert b"positive" not in sent
    assert b"0.875" not in sent


def test_a_label_is_written_down_and_the_answer_told(open_at, folder) -> None:
    desk = open_at(folder)
    row = desk.rows("anna").rows[0]
    given = desk.give(order(row, label="positive", tags=["wrong language"]))
    assert given.right is (folder_output(folder, row) == "positive")
    assert (given.label, given.confidence, given.others) == ("positive", 0.875, [])
    assert given.progress.mine == 1
    (said,) = folder.labels()["anna"].values()
    assert (said.label, said.tags, said.skipped) == ("positive", ("wrong language",), False)
    assert text(row) not in {text(one) for one in walked(desk, "anna")}


def folder_output(folder, row):
    return next(one.output for one in folder.rows() if one.id == row.id)


def test_others_are_told_of_only_once_the_row_is_labelled(open_at, folder) -> None:
    desk = open_at(folder)
    rows = walked(desk, "ben")
    for row in rows:
        desk.give(order(row, "ben", "neutral"))
    before = msgspec.json.encode([desk.rows("anna"), desk.question])
    assert b"ben" not in before
    given = desk.give(order(desk.rows("anna").rows[0], "anna", "positive"))
    assert [(one.reviewer, one.label) for one in given.others] == [("ben", "neutral")]
    assert given.progress.agreement[0].startswith("0 of 1 pairs")


def test_two_reviewers_share_the_work_and_overlap_in_a_part(open_at, folder) -> None:
    desk = open_at(folder)
    theirs = walked(desk, "ben")[:20]
    for row in theirs:
        desk.give(order(row, "ben", "neutral"))
    done = {row.id for row in theirs}
    mine = [row.id for row in walked(desk, "anna")]
    assert sorted(mine) == sorted(row.id for row in folder.rows())
    again = [place for place, id_ in enumerate(mine) if id_ in done]
    shared = {row.id for row in desk.sample_rows().values() if row.shared}
    # What others did and is not shared comes last.
    assert [mine[place] in shared for place in again] == sorted(
        (mine[place] in shared for place in again), reverse=True
    )
    assert set(mine[20 + len(done & shared) :]) == done - shared


def test_undo_withdraws_and_a_second_label_replaces(open_at, folder) -> None:
    desk = open_at(folder)
    row = desk.rows("anna").rows[0]
    desk.give(order(row, label="positive"))
    assert desk.undo(Undo(id=row.id, row=row.row, reviewer="anna")).mine == 0
    assert folder.labels() == {}
    assert desk.rows("anna").rows[0].id == row.id
    desk.give(order(row, label="positive"))
    desk.give(order(row, label="negative"))
    assert [one.label for one in folder.labels()["anna"].values()] == ["negative"]
    desk.undo(Undo(id=row.id, row=row.row, reviewer="ben"))
    assert list(folder.labels()) == ["anna"]


def test_a_skip_says_nothing_of_the_answer(open_at, folder) -> None:
    desk = open_at(folder)
    given = desk.give(order(desk.rows("anna").rows[0], skipped=True))
    assert (given.right, given.label) == (None, None)
    assert [one.skipped for one in folder.labels()["anna"].values()] == [True]


def test_labels_survive_the_desk(open_at, folder) -> None:
    row = open_at(folder).rows("anna").rows[0]
    open_at(folder).give(order(row, label="neutral"))
    assert open_at(folder).progress("anna").mine == 1


def test_what_others_write_and_new_rows_are_noticed_after_a_while(make_folder, folder) -> None:
    clock = ManualClock()
    with ReviewSample(folder.path) as sample, ReviewSample(folder.path) as elsewhere:
        from seatrial.web.desk import Desk
        from seatrial.web.question import question

        settings = table.load(folder.path)
        desk = Desk(sample, ask=lambda *_: question(settings, folder.path), clock=clock)
        other = open_desk(elsewhere, settings=settings, folder=folder.path)
        other.give(order(other.rows("ben").rows[0], "ben", "neutral"))
        folder.write(["one more"], ["neutral"])
        clock.advance(REFRESH_S / 2)
        assert len(walked(desk, "anna")) == 40
        clock.advance(REFRESH_S)
        assert len(walked(desk, "anna")) == 41
        assert desk.progress("ben").mine == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"label": "sarcastic"},
        {"label": 1},
        {},
        {"right": True},
        {"label": "positive", "tags": ["\u202e"]},
    ],
)
def test_what_is_no_answer_is_refused_and_not_written(open_at, folder, wrong) -> None:
    desk = open_at(folder)
    row = desk.rows("anna").rows[0]
    with pytest.raises(InputError):
        desk.give(order(row, **wrong))
    assert folder.labels() == {}


def test_unknown_rows_cursors_and_names_are_refused(open_at, folder) -> None:
    desk = open_at(folder)
    with pytest.raises(UnknownNameError, match="not in the review sample"):
        desk.give(Order(id="no such", row=0, reviewer="anna", label="positive"))
    with pytest.raises(UnknownNameError):
        desk.undo(Undo(id="no such", row=0, reviewer="anna"))
    for after in ("x", "2:0.5", "1:x", ":", "1:nan", "1:inf", "1:1e9", "1:0.5 "):
        with pytest.raises(InputError, match="after is"):
            desk.rows("anna", after=after)
    with pytest.raises(InputError, match="the name"):
        desk.rows("")


def test_a_generated_answer_is_shown_and_judged(open_at, make_folder) -> None:
    folder = make_folder(["q1", "q2"], ["an answer", "another"], task="generation")
    desk = open_at(folder)
    first, second = desk.rows("anna").rows
    assert "".join(run.text for run in first.answer.runs) in {"an answer", "another"}
    assert desk.give(order(first, right=True)).label == folder_output(folder, first)
    assert desk.give(order(second, label="")).right is False
    labels = {one.label for one in folder.labels()["anna"].values()}
    assert labels == {folder_output(folder, first), ""}


def test_requests_without_an_answer_are_reviewed_too(open_at, make_folder) -> None:
    folder = make_folder(["late"], [None], status="timed_out", confidence=None)
    desk = open_at(folder)
    row = desk.rows("anna").rows[0]
    assert row.status == "timed_out"
    given = desk.give(order(row, label="positive"))
    assert (given.answer, given.right, given.status) == (None, None, "timed_out")


def test_a_rule_of_the_users_own_is_left_to_the_gap(open_at, make_folder) -> None:
    folder = make_folder(["a"], ["positive"], metric="score:rule")
    desk = open_at(folder)
    given = desk.give(order(desk.rows("anna").rows[0], label="positive"))
    assert given.right is None
    assert "seatrial gap" in given.progress.standing.lines[0]


def test_an_empty_log_is_an_empty_desk(open_at, make_folder) -> None:
    desk = open_at(make_folder([], []))
    assert desk.rows("anna").rows == []
    assert desk.progress("anna").total == 0
