"""Tasks go to Label Studio, annotations come back, from there or from us."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime

import pytest

from seatrial.core.errors import DataError
from seatrial.records.reviewing import ReviewLabel, ReviewRow
from seatrial.web.label_studio import read, write
from seatrial.web.question import Question

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def asked(mode="choices", kind="text") -> Question:
    return Question(name="m", kind=kind, task="classification", mode=mode, ask="?")


def row(value="a text", **labels) -> ReviewRow:
    said = {
        name: ReviewLabel(id="id1", row=2, reviewer=name, time=NOON, **given)
        for name, given in labels.items()
    }
    return ReviewRow(
        id="id1",
        row=2,
        turn=0.5,
        time=NOON,
        input=value,
        output="secret answer",
        confidence=0.875,
        status="answered",
        stratum="s",
        probability=0.01,
        descriptors=None,
        labels=said,
    )


def tasks_of(*rows, question=None, answers=False):
    file = io.BytesIO()
    assert write(file, rows, asked=question or asked(), answers=answers) == len(rows)
    return json.loads(file.getvalue())


def back(document):
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    return list(read(io.BytesIO(text)))


def test_no_rows_are_an_empty_list() -> None:
    assert tasks_of() == []


def test_a_task_holds_the_input_and_no_answer() -> None:
    (task,) = tasks_of(row())
    assert task["data"]["input"] == "a text"
    assert (task["data"]["seatrial_id"], task["data"]["seatrial_row"]) == ("id1", 2)
    assert "secret" not in json.dumps(task)
    assert tasks_of(row(), answers=True)[0]["data"]["output"] == "secret answer"


def test_every_kind_of_input_is_one_that_label_studio_shows() -> None:
    chat = [{"role": "user", "content": "hi"}]
    assert tasks_of(row(chat), question=asked(kind="chat"))[0]["data"]["input"] == [
        {"author": "user", "text": "hi"}
    ]
    image = tasks_of(row([[0, 255]]), question=asked(kind="image"))[0]["data"]["input"]
    assert image.startswith("data:image/png;base64,")
    assert tasks_of(row({"age": 61}))[0]["data"]["input"] == {"age": 61}
    assert tasks_of(row([0.5]))[0]["data"]["input"] == "[0.5]"


@pytest.mark.parametrize(
    ("mode", "given", "expected"),
    [
        ("choices", {"label": "yes", "tags": ("a", "b")}, ("yes", None)),
        ("typed", {"label": 3}, ("3", None)),
        ("number", {"label": -1.5}, (None, -1.5)),
        ("judged", {"label": "two\nlines"}, ("two\nlines", None)),
        ("judged", {"label": ""}, ("", None)),
        ("choices", {"skipped": True}, (None, None)),
        ("choices", {"tags": ("alone",)}, (None, None)),
    ],
)
def test_what_was_said_comes_back(mode, given, expected) -> None:
    (said,) = back(tasks_of(row(anna=given), question=asked(mode)))
    assert (said.id, said.row, said.reviewer) == ("id1", 2, "anna")
    assert (said.text, said.value) == expected
    assert said.tags == given.get("tags", ())
    assert said.skipped is given.get("skipped", False)


def annotated(*results, **more):
    data = {"seatrial_id": "id1", "seatrial_row": 2, "input": "a text"}
    return [{"id": 5, "data": data, "annotations": [{"id": 9, "result": list(results), **more}]}]


YES = {
    "id": "x",
    "from_name": "label",
    "to_name": "input",
    "type": "choices",
    "value": {"choices": ["yes"]},
    "origin": "manual",
}


@pytest.mark.parametrize(
    ("who", "name"),
    [
        ({"id": 3, "email": "anna@example.org", "first_name": "Anna"}, "anna@example.org"),
        ({"id": 3}, "user 3"),
        (10, "user 10"),
        ("anna", "anna"),
        (None, ""),
    ],
)
def test_an_export_of_label_studio_says_who_annotated(who, name) -> None:
    (said,) = back(annotated(YES, completed_by=who, was_cancelled=False, lead_time=4.2))
    assert (said.reviewer, said.text) == (name, "yes")


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b"{", "no list"),
        ({"tasks": []}, "no list"),
        ([{"text": "a", "label": "yes"}], "no list"),
        ([{"data": {"input": "a"}, "annotations": [{"result": []}]}], "task 1 has no seatrial_id"),
        (annotated(YES, YES), "more than one label"),
        (annotated({**YES, "value": {"choices": ["yes", "no"]}}), "more than one label"),
        (b"[" * 100_000, "no list"),
    ],
)
def test_anything_else_says_where_and_why(document, why) -> None:
    with pytest.raises(DataError) as refused:
        back(document)
    assert why in str(refused.value)


def test_answers_to_other_questions_are_left_alone() -> None:
    (said,) = back(annotated({**YES, "from_name": "sarcasm"}, YES))
    assert said.text == "yes"
