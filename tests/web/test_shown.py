"""Inputs of every kind are shown, those that do not fit their kind too."""

from __future__ import annotations

import msgspec
import pytest

from seatrial.web.pictures import Picture
from seatrial.web.runs import Text
from seatrial.web.shown import CELLS_MAX, LONGEST, Chat, Nothing, Table, plain, shown


def said(text: Text) -> str:
    return "".join(run.text for run in text.runs)


def test_a_text_is_a_text_and_a_record_a_table() -> None:
    assert said(shown("hi", kind="text")) == "hi"
    table = shown({"age": 61, "town": "Aachen", "note": None, "vip": True}, kind="record")
    assert [said(cell.name) for cell in table.cells] == ["age", "town", "note", "vip"]
    assert [cell.value and said(cell.value) for cell in table.cells] == [
        "61",
        "Aachen",
        None,
        "true",
    ]
    assert [cell.number for cell in table.cells] == [True, False, False, False]


def test_a_chat_is_turns_and_says_who_speaks() -> None:
    chat = shown(
        [
            {"role": "system", "content": "be kind"},
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": ["a", 1]},
        ],
        kind="chat",
    )
    assert [(said(turn.who), said(turn.said), turn.side) for turn in chat.turns] == [
        ("system", "be kind", "aside"),
        ("user", "hi", "user"),
        ("assistant", '["a",1]', "model"),
    ]


def test_an_image_is_a_picture() -> None:
    assert isinstance(shown([[0, 255]], kind="image"), Picture)


def test_a_short_array_is_a_table_of_its_numbers() -> None:
    table = shown([0.5, None, 2], kind="array")
    assert [cell.value and said(cell.value) for cell in table.cells] == ["0.5", None, "2"]


@pytest.mark.parametrize("kind", ["text", "record", "array", "image", "chat"])
@pytest.mark.parametrize(
    "value", ["<svg>", 7, True, [], {}, [[1, 2], [3]], [{"role": "x"}], {"a": {"b": [1]}}, "\ud800"]
)
def test_whatever_came_is_shown_and_can_be_sent(kind, value) -> None:
    made = shown(value, kind=kind)
    assert isinstance(made, (Text, Table, Chat, Picture))
    assert msgspec.json.decode(msgspec.json.encode(made))["as"] in {
        "text",
        "table",
        "chat",
        "image",
    }


def test_what_is_not_kept_is_said_not_to_be() -> None:
    assert isinstance(shown(None, kind="text"), Nothing)


def test_a_row_is_cut_as_a_whole_and_its_longest_texts_first() -> None:
    table = shown(
        {"short": "x" * 500, "long": "y" * LONGEST, "longer": "z" * LONGEST}, kind="record"
    )
    lengths = [len(said(cell.value)) for cell in table.cells]
    assert lengths[0] == 500
    assert lengths[1] == lengths[2]
    assert LONGEST - 3 <= sum(lengths) <= LONGEST
    assert table.cells[1].value.cut == LONGEST - lengths[1]


def test_of_a_long_table_the_end_is_left_off_and_of_a_long_chat_the_beginning() -> None:
    table = shown({str(place): place for place in range(CELLS_MAX + 3)}, kind="record")
    assert (len(table.cells), table.cut) == (CELLS_MAX, 3)
    messages = [{"role": "user", "content": str(place)} for place in range(CELLS_MAX + 3)]
    chat = shown(messages, kind="chat")
    assert (said(chat.turns[-1].said), chat.cut) == (str(CELLS_MAX + 2), 3)


def test_values_are_told_as_json_and_texts_as_they_are() -> None:
    assert [plain(value) for value in ("a", 1, None, [1, "b"])] == ["a", "1", "null", '[1,"b"]']
