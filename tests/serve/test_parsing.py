from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.core.errors import InputError, MalformedBodyError
from seatrial.serve.parsing import BODY_EXAMPLES, PredictParser, feedback, rows_seen

whole = st.integers(-(2**63), 2**64 - 1)
scalars = st.none() | st.booleans() | whole | st.floats(allow_nan=False) | st.text()
KINDS = sorted(BODY_EXAMPLES)


@given(st.lists(st.dictionaries(st.text(), scalars)))
def test_records_come_out_as_they_went_in(rows):
    """Values keep their types: 1 stays whole, 1.0 a number, null missing."""
    rows = msgspec.json.decode(msgspec.json.encode(rows))
    parsed = PredictParser("record").rows(msgspec.json.encode({"inputs": rows}))
    assert parsed == rows
    assert [[type(v) for v in row.values()] for row in parsed] == [
        [type(v) for v in row.values()] for row in rows
    ]


@given(st.binary(max_size=200), st.sampled_from(KINDS))
def test_any_bytes_give_rows_or_an_error_of_ours(body, kind):
    """Nothing that a caller sends becomes another exception."""
    with contextlib.suppress(InputError):
        assert isinstance(PredictParser(kind).rows(body), list)
    assert isinstance(rows_seen(body), list)


@given(
    st.recursive(scalars, lambda v: st.lists(v) | st.dictionaries(st.text(), v)),
    st.sampled_from(KINDS),
    st.sampled_from(["inputs", "input"]),
)
def test_any_json_gives_rows_or_a_pointer_into_it(document, kind, key):
    """The pointer leads to something that is there."""
    body = msgspec.json.encode({key: document})
    try:
        PredictParser(kind).rows(body)
    except InputError as error:
        place = msgspec.json.decode(body)
        for step in error.details["pointer"].split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            place = place[int(name)] if isinstance(place, list) else place[name]


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_in_the_hint_is_accepted(kind):
    """What we tell people to send works."""
    assert len(PredictParser(kind).rows(BODY_EXAMPLES[kind].encode())) == 1


@pytest.mark.parametrize(
    ("kind", "body", "pointer"),
    [
        ("record", '{"inputs": [{"a": 1}, {"a": 1, "b/c": [2]}]}', "/inputs/1/b~1c"),
        ("record", '{"input": {"a": {}}}', "/input/a"),
        ("record", '{"inputs": [1]}', "/inputs/0"),
        ("array", '{"inputs": [[1, 2], [1, "x"]]}', "/inputs/1/1"),
        ("array", '{"input": [[1, 2], [3, []]]}', "/input/1/1"),
        ("array", '{"inputs": [{}]}', "/inputs/0"),
        ("chat", '{"inputs": [[3]]}', "/inputs/0/0"),
    ],
)
def test_the_pointer_names_the_innermost_place(kind, body, pointer):
    """Down to the column or the element."""
    with pytest.raises(InputError) as caught:
        PredictParser(kind).rows(body.encode())
    assert caught.value.details["pointer"] == pointer


def test_arrays_may_be_numbers_and_nested_lists():
    """A regression on one number is an array model too."""
    parser = PredictParser("array")
    assert parser.rows(b'{"inputs": [1, 2.5]}') == [1, 2.5]
    assert parser.rows(b'{"inputs": [[[1], [null]], []]}') == [[[1], [None]], []]


def test_the_last_of_two_equal_keys_wins():
    """As documented."""
    assert PredictParser("text").rows(b'{"input": "a", "input": "b"}') == ["b"]


def test_an_empty_list_does_not_hide_how_deep_the_others_are():
    """Whatever comes first."""
    parser = PredictParser("array")
    assert parser.rows(b'{"input": [[], [[1], []]]}') == [[[], [[1], []]]]
    with pytest.raises(InputError) as caught:
        parser.rows(b'{"input": [[], [1, [2]]]}')
    assert caught.value.details["pointer"] == "/input/1/1"


def test_chats_are_read_as_deep_as_they_may_be():
    """What is nested deeper than can be walked is refused, not stumbled over."""
    parser = PredictParser("chat")
    for depth in (900, 5000):
        deep = b'[{"content": ' + b"[" * depth + b"1" * 30 + b"]" * depth + b"}]"
        with pytest.raises(MalformedBodyError, match="nested too deeply"):
            parser.rows(b'{"input": ' + deep + b"}")
    (talk,) = parser.rows(b'{"input": [{"content": [111111111111111111111111]}]}')
    assert talk == [{"content": [1.1111111111111111e23]}]


@pytest.mark.parametrize("kind", ["array", "record"])
def test_whole_numbers_beyond_64_bits_are_numbers_as_json_has_them(kind):
    """The nearest float, however they are written; smaller ones stay exact, and text is text."""
    told = b"[%s]" if kind == "array" else b'{"a": %s}'

    def read(number):
        (row,) = PredictParser(kind).rows(b'{"inputs": [' + told % number + b"]}")
        return row[0] if kind == "array" else row["a"]

    assert read(b"18446744073709551615") == 2**64 - 1
    assert read(b"-9223372036854775808") == -(2**63)
    for written in (b"18446744073709551616", b"-9223372036854775809", b"1" + b"0" * 300):
        assert (type(read(written)), read(written)) == (float, float(written))
    with pytest.raises(InputError, match="out of range"):
        read(b"1" + b"0" * 400)
    if kind == "record":
        assert read(b'"18446744073709551616"') == "18446744073709551616"


def test_arrays_have_no_more_dimensions_than_any_model_takes():
    """Deeper ones are refused by place."""
    parser = PredictParser("array")
    deep = b"[" * 8 + b"1" + b"]" * 8
    assert len(parser.rows(b'{"inputs": [' + deep + b"]}")) == 1
    with pytest.raises(InputError, match="at most 8 dimensions, got 9") as caught:
        parser.rows(b'{"inputs": [1, [' + deep + b"]]}")
    assert caught.value.details["pointer"] == "/inputs/1"


def test_the_row_of_feedback_is_a_whole_number_however_it_is_written():
    """JSON tells 1.0 from 1 nowhere."""
    row = feedback(b'{"id": "x", "row": 1.0, "label": 1}').row
    assert (row, type(row)) == (1, int)
    with pytest.raises(InputError, match="/row"):
        feedback(b'{"id": "x", "row": 1.5, "label": 1}')


def test_feedback_without_a_word_is_refused():
    """Label or rating, null being a label too."""
    assert feedback(b'{"id": "x", "label": null}').label is None
    with pytest.raises(InputError, match="neither label nor rating"):
        feedback(b'{"id": "x"}')
    with pytest.raises(MalformedBodyError):
        feedback(b"not json")


def test_rows_of_a_refused_body_are_found_for_the_log():
    """What was sent is recorded as it came."""
    assert rows_seen(b'{"inputs": ["a", 3]}') == ["a", 3]
    assert rows_seen(b'{"input": 3}') == [3]
    assert rows_seen(b"[1]") == rows_seen(b"nonsense") == []
