from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from seatrial.core.errors import InputError
from seatrial.serve.doors.columns import ANY, Column, Columns
from seatrial.serve.doors.door import Request
from seatrial.serve.doors.native import NativeDoor
from seatrial.serve.doors.oip import OipDoor
from seatrial.serve.doors.signature import Signature
from seatrial.serve.schemas import row_schema

HOUSES = [
    {"rooms": 3, "street": "Elm", "size": 80.5, "new": True, "code": "a"},
    {"rooms": 4, "street": "Oak", "size": 90, "new": False, "code": 7},
]

PATH = "/v2/models/m/infer"


def learned(*, refused=()):
    signature = Signature("record", "regression")
    signature.learn(HOUSES)
    signature.learn_missing(set(refused))
    return signature


def native(signature, document):
    door = NativeDoor("record", signature=lambda: signature)
    return door.read(Request("POST", "/predict", "", {}, msgspec.json.encode(document))).rows


def test_what_the_eval_set_shows_is_what_a_record_must_have():
    """Every column, as wide as its values were; nobody knows what a mixed one holds."""
    table = learned().table
    assert [(one.name, one.datatype) for one in table] == [
        ("rooms", "INT64"),
        ("street", "BYTES"),
        ("size", "FP64"),
        ("new", "BOOL"),
        ("code", ANY),
    ]
    assert Columns.of_rows(["no", "record"]) is None
    only = Columns.of_rows([{"a": 1, "b": None}, {"a": 2}], names=["b", "c"])
    assert [(one.name, one.datatype) for one in only] == [("b", ANY), ("c", ANY)]
    assert Columns.of_rows([{"a": [1]}]).columns == (Column("a", ANY),)


def test_columns_that_the_settings_list_are_required_whatever_they_hold():
    """Before any row has been seen."""
    signature = Signature("record", "regression", columns=["a", "b"])
    assert native(signature, {"input": {"a": None, "b": "x", "c": 1}}) == [
        {"a": None, "b": "x", "c": 1}
    ]
    with pytest.raises(InputError, match=r"^/input lacks the column 'b'; a record has all of a, b"):
        native(signature, {"input": {"a": 1}})


def test_callers_do_not_say_what_other_callers_must_send():
    """Where nobody knows the columns, every record is taken."""
    signature = Signature("record", "regression")
    signature.saw_rows(HOUSES)
    assert native(signature, {"inputs": [{}, {"a": "x"}]}) == [{}, {"a": "x"}]
    assert "required" not in row_schema(signature)


@pytest.mark.parametrize(
    ("changed", "pointer", "words"),
    [
        ({"rooms": "3"}, "/rooms", "expected a number or null, got text"),
        ({"rooms": True}, "/rooms", "expected a number or null, got true or false"),
        ({"street": 3}, "/street", "expected text, got a number"),
        ({"street": None}, "/street", "expected text, got null"),
        ({"new": 1}, "/new", "expected true or false or null, got a number"),
    ],
)
def test_a_cell_of_another_type_is_refused_by_its_place(changed, pointer, words):
    """On both doors, before anything is run."""
    signature = learned(refused=["street"])
    with pytest.raises(InputError) as caught:
        native(signature, {"inputs": [HOUSES[0], HOUSES[1] | changed]})
    assert caught.value.details["pointer"] == "/inputs/1" + pointer
    assert caught.value.message == f"/inputs/1{pointer}: {words}."
    with pytest.raises(InputError, match=f"^/input{pointer}: {words}"):
        native(signature, {"input": HOUSES[1] | changed})


def test_a_tensor_whose_column_holds_something_else_is_named():
    """With the place in it."""
    signature = learned(refused=["rooms"])
    door = OipDoor("m", lambda: signature, releases=lambda: ["m@1"])
    columns = {
        "rooms": ("INT64", [1, None]),
        "street": ("BYTES", ["a", "b"]),
        "size": ("INT32", [1, 2]),
        "new": ("BOOL", [True, None]),
        "code": ("BYTES", ["a", None]),
    }

    def read(**changed):
        inputs = [
            {"name": name, "shape": [2], "datatype": datatype, "data": data}
            for name, (datatype, data) in {**columns, **changed}.items()
        ]
        body = msgspec.json.encode({"inputs": inputs})
        return door.read(Request("POST", PATH, "", {}, body)).rows

    assert read(rooms=("FP64", [1.5, 2]))[1] == {
        "rooms": 2.0,
        "street": "b",
        "size": 2,
        "new": None,
        "code": None,
    }
    with pytest.raises(InputError, match=r"'rooms' has at \[1\] null; accepted is a number"):
        read()
    with pytest.raises(InputError, match=r"'street' has at \[0\] a number; accepted is text or n"):
        read(rooms=("INT64", [1, 2]), street=("INT64", [1, 2]))


def test_a_table_of_thousands_of_columns_is_not_all_listed():
    """In a message."""
    table = Columns([Column(f"c{number}") for number in range(5000)])
    error = table.refused(table.misfit([{}]), record="/input")
    assert len(str(error)) < 1000
    assert error.details["pointer"] == "/input/c0"


cells = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text(max_size=3)


@given(
    st.dictionaries(st.sampled_from([*HOUSES[0], "more"]), cells),
    st.sets(st.sampled_from(list(HOUSES[0]))),
)
def test_what_is_described_is_what_is_taken(changed, refused):
    """A record is taken where, and only where, it fits the schema."""
    signature = learned(refused=refused)
    record = {**HOUSES[0], **changed}
    for name in [name for name, value in changed.items() if value == ""]:
        del record[name]
    fits = Draft202012Validator(row_schema(signature)).is_valid(record)
    try:
        native(signature, {"input": record})
    except InputError:
        assert not fits
    else:
        assert fits
