"""Labels from files are taken all or not at all."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from seatrial.core.errors import DataError
from seatrial.records.reviewing import ReviewLabel
from seatrial.testing.clock import ManualClock
from seatrial.web.question import Question
from seatrial.web.sampled import Sampled
from seatrial.web.transfer import TOLD, Incoming, import_labels

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Target:
    """Keeps what it is told, and counts how often."""

    def __init__(self) -> None:
        self.calls: list[tuple[ReviewLabel, ...]] = []

    def label(self, *given: ReviewLabel) -> None:
        self.calls.append(given)


def asked(mode="choices", classes=("no", "yes")) -> Question:
    return Question(
        name="m",
        kind="text",
        task="classification",
        mode=mode,
        ask="?",
        classes=list(classes),
        names=[str(one) for one in classes],
    )


def sampled(number, output="yes", **labels) -> Sampled:
    said = {
        name: ReviewLabel(id=f"id{number}", row=0, reviewer=name, label=label, time=NOON)
        for name, label in labels.items()
    }
    return Sampled(
        id=f"id{number}",
        row=0,
        turn=0.5,
        time=NOON,
        status="answered",
        output=output,
        confidence=0.5,
        stratum="s",
        probability=0.1,
        labels=said,
    )


def line(number=0, text="yes", *, reviewer="anna", **more) -> Incoming:
    return Incoming(
        place=f"line {number + 2}", id=f"id{number}", row=0, reviewer=reviewer, text=text, **more
    )


def take(*incoming, rows=None, question=None, **more):
    target = Target()
    sample = {row.key: row for row in rows or [sampled(number) for number in range(10)]}
    try:
        done = import_labels(
            incoming,
            rows=sample,
            asked=question or asked(),
            target=target,
            clock=ManualClock(),
            **more,
        )
    except DataError:
        assert target.calls == []
        raise
    assert len(target.calls) <= 1
    return done, [one for call in target.calls for one in call]


def test_labels_are_written_at_once() -> None:
    done, written = take(line(0), line(1, "no", tags=("a",)), line(2, None, skipped=True))
    assert (done.labels, done.unchanged, done.reviewers) == (3, 0, ("anna",))
    assert [(one.label, one.tags, one.skipped) for one in written] == [
        ("yes", (), False),
        ("no", ("a",), False),
        (None, (), True),
    ]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (line(99), "line 101: row 0 of request 'id99' is not in the review sample"),
        (line(0), "line 2: row 0 of request id0 comes twice for anna"),
        (line(1, "yess"), "line 3: the label 'yess' is none of the 2 known ones"),
        (line(1, "yes", skipped=True), "line 3: it is skipped and has a label"),
        (line(1, None), "line 3: it has neither"),
        (line(1, reviewer=""), "line 3: the reviewer is empty"),
        (line(1, reviewer="an\u202ena"), "cannot be seen"),
        (line(1, tags=("x" * 61,)), "the tag has 61 characters"),
        (line(1, None, value=1), "is a number"),
    ],
)
def test_one_mistake_and_nothing_is_imported(wrong, why) -> None:
    with pytest.raises(DataError) as refused:
        take(line(0), line(2), wrong, line(3))
    assert why in refused.value.message
    assert refused.value.message.startswith("nothing was imported")


def test_many_mistakes_are_counted() -> None:
    with pytest.raises(DataError) as refused:
        take(*(line(number, "yess") for number in range(10)))
    assert f"And {10 - TOLD} more." in refused.value.message
    assert refused.value.details["mistakes"] == 10


def test_two_reviewers_may_label_one_row() -> None:
    done, _ = take(line(0), line(0, reviewer="ben"))
    assert done.reviewers == ("anna", "ben")


def test_whoever_is_not_named_is_named_by_the_caller() -> None:
    _, written = take(line(0, reviewer=""), reviewer="zoe")
    assert written[0].reviewer == "zoe"


def test_what_is_known_is_not_written_again() -> None:
    done, written = take(
        line(0), line(1, "no"), rows=[sampled(0, anna="yes"), sampled(1, anna="yes")]
    )
    assert (done.labels, done.unchanged) == (1, 1)
    assert [one.id for one in written] == ["id1"]
    assert take(line(0), rows=[sampled(0, anna="yes")])[1] == []


def test_new_classes_are_taken_where_that_is_meant() -> None:
    assert take(line(0, "maybe"), new=True)[1][0].label == "maybe"


@pytest.mark.parametrize(
    ("question", "output", "text", "label"),
    [
        (asked(classes=(0, 1)), 1, "0", 0),
        (asked(classes=("0", "1")), "1", "0", "0"),
        (asked(classes=(False, True)), True, "true", True),
        (asked("number", ()), 2.5, "-1.5", -1.5),
        (asked("number", ()), 2.5, "3", 3),
        (asked("judged", ()), "a text", "12", "12"),
        (asked("judged", ()), {"total": 1}, '{"total": 1}', {"total": 1}),
        (asked("judged", ()), "odd\u200b", "odd\u200b", "odd\u200b"),
    ],
)
def test_text_becomes_what_labels_are_here(question, output, text, label) -> None:
    (written,) = take(line(0, text), rows=[sampled(0, output)], question=question)[1]
    assert written.label == label
    assert type(written.label) is type(label)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        (asked(classes=(0, 1)), "zero"),
        (asked(classes=(False, True)), "1"),
        (asked("number", ()), "many"),
        (asked("number", ()), "NaN"),
    ],
)
def test_text_that_is_none_of_that_type_is_refused(question, text) -> None:
    with pytest.raises(DataError):
        take(line(0, text), rows=[sampled(0, 1)], question=question)
