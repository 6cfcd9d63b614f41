from __future__ import annotations

from seatrial.serve.doors.door import Request
from seatrial.serve.doors.inference import TensorMetadata
from seatrial.serve.doors.oip import OipDoor
from seatrial.serve.doors.outputs import outputs
from seatrial.serve.doors.signature import COLUMNS_MAX, Signature
from seatrial.serve.messages import Result


def test_before_anything_has_passed_the_settings_speak():
    """Kind, task and columns."""
    text = Signature("text", "classification")
    assert text.inputs() == [TensorMetadata("input", "BYTES", [-1])]
    assert text.outputs() == [
        TensorMetadata("output", "BYTES", [-1]),
        TensorMetadata("abstained", "BOOL", [-1]),
    ]
    array = Signature("array", "regression")
    assert array.inputs() == [TensorMetadata("input", "FP64", [-1, -1])]
    assert array.outputs()[0].datatype == "FP64"
    record = Signature("record", "regression", columns=["a", "b"])
    assert [one.name for one in record.inputs()] == ["a", "b"]


def test_what_has_passed_makes_it_exact():
    """Types of columns, sizes of arrays, outputs that there are."""
    record = Signature("record", "regression")
    record.saw_rows([{"a": None, "b": 1, "c": True}, {"a": "x", "b": 1.5, "c": False}])
    assert {one.name: one.datatype for one in record.inputs()} == {
        "b": "FP64",
        "c": "BOOL",
        "a": "BYTES",
    }
    array = Signature("array", "regression")
    array.saw_rows([[[1, 2], [3, 4]]])
    assert array.inputs()[0].shape == [-1, 2, 2]
    array.saw_rows([[[1, 2]]])
    assert array.inputs()[0].shape == [-1, -1, 2]
    array.saw_outputs(outputs([Result(1.5, 0.5, {"a": 1.0}, abstained=False)]))
    assert array.outputs() == [
        TensorMetadata("output", "FP64", [-1]),
        TensorMetadata("scores", "FP64", [-1, 1]),
        TensorMetadata("confidence", "FP64", [-1]),
        TensorMetadata("abstained", "BOOL", [-1]),
    ]


def test_an_answer_that_is_withheld_teaches_nothing():
    """Its type is unknown."""
    signature = Signature("text", "regression")
    door = OipDoor("m", lambda: signature, releases=lambda: ["m@1"])
    body = b'{"inputs":[{"name":"x","shape":[1],"datatype":"BYTES","data":["a"]}]}'
    asked = door.read(Request("POST", "/v2/models/m/infer", "", {}, body))
    door.answer(asked, id="7", release="m@1", results=[Result(None, 0.1, None, abstained=True)])
    assert signature.usual is None


def test_callers_cannot_fill_the_memory_nor_change_what_is_known_to_be_right():
    """They choose names of columns."""
    signature = Signature("record", "regression")
    signature.saw_rows([{f"c{number}": 1 for number in range(COLUMNS_MAX + 10)}, {"x" * 300: 1}])
    assert len(signature.inputs()) == COLUMNS_MAX
    learned = Signature("record", "regression")
    learned.learn([{"a": 1}])
    learned.saw_rows([{"a": "text", "b": 1}])
    assert learned.inputs() == [TensorMetadata("a", "INT64", [-1])]
