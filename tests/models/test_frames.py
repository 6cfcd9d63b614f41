from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.core.errors import InputError, OutputContractError
from seatrial.core.settings import ModelSettings, Settings
from seatrial.models import region
from seatrial.models.answers import Answer
from seatrial.models.frames import (
    Ask,
    Failed,
    FrameReader,
    FrameWriter,
    Open,
    Told,
    encode,
)
from seatrial.models.region import Region
from seatrial.models.subject import Batch

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    max_leaves=10,
)


@settings(deadline=None)  # how long one takes is the machine's business
@given(st.lists(st.lists(values, max_size=4), min_size=1, max_size=5), st.data())
def test_messages_survive_any_cut_of_the_stream(batches, data):
    """However the bytes arrive, the same messages come out, in order."""
    stream = b"".join(encode(Ask(n, "answer", rows)) for n, rows in enumerate(batches))
    reader, seen, at = FrameReader(), [], 0
    while at < len(stream):
        step = data.draw(st.integers(1, len(stream) - at))
        seen += list(reader.feed(stream[at : at + step]))
        at += step
    assert [message.inputs for message in seen] == batches
    assert [message.id for message in seen] == list(range(len(batches)))


@pytest.mark.parametrize("dtype", ["float32", "int8", "bool", "<U5", ">f8", "complex64"])
def test_an_array_keeps_its_type_and_shape(dtype):
    """Arrays travel as raw bytes and can be written to on the other side."""
    array = np.arange(6).reshape(2, 3).astype(dtype)
    (back,) = FrameReader().feed(encode(Ask(1, "answer", [array])))
    assert back.inputs[0].dtype == array.dtype
    np.testing.assert_array_equal(back.inputs[0], array)
    back.inputs[0][0] = back.inputs[0][1]


def test_numpy_scalars_and_object_arrays_become_plain_values():
    """What a data frame hands out as cells arrives as Python values."""
    row = {"a": np.float64(1.5), "b": np.array(["x", None], dtype=object), "c": float("nan")}
    (back,) = FrameReader().feed(encode(Ask(1, "answer", [row])))
    assert back.inputs[0]["a"] == 1.5
    assert back.inputs[0]["b"] == ["x", None]
    assert np.isnan(back.inputs[0]["c"])


@pytest.mark.parametrize("value", [2**64, "\ud800", object(), 1j])
def test_a_value_that_cannot_travel_is_an_input_error(value):
    """The message says what is accepted."""
    with pytest.raises(InputError, match="accepted are the values that JSON knows"):
        encode(Ask(1, "answer", [value]))


def test_settings_and_answers_travel_whole():
    """The child works from the very settings that the parent read."""
    settings = Settings(model=ModelSettings(name="m", adapter="load", location="model:load"))
    (order,) = FrameReader().feed(encode(Open("/x", settings, "int8")))
    assert order == Open("/x", settings, "int8")
    batch = Batch([Answer("a", 0.5, {"a": 0.5, "b": 0.5}), Answer([1, 2])], 0.25, 100)
    (told,) = FrameReader().feed(encode(Told(3, batch=batch)))
    assert told.batch == batch


def test_an_error_keeps_its_class_code_hint_and_details():
    """Details that cannot travel become text."""
    error = OutputContractError("m", hint="h", details={"row": 3, "value": {1, object}})
    (failed,) = FrameReader().feed(encode(Failed.of(error, ask=9)))
    back = failed.error()
    assert type(back) is OutputContractError
    assert (back.message, back.hint, back.details["row"]) == ("m", "h", 3)
    assert isinstance(back.details["value"], str)


@pytest.fixture
def shared():
    made = Region.create()
    yield made
    made.close()


def test_large_arrays_travel_beside_the_message(shared):
    """The message holds their place."""
    large, small = np.arange(100_000.0), np.arange(3)
    frame = FrameWriter(shared).encode(Ask(1, "answer", [large, small, large + 1]))
    assert len(frame) < 1_000
    (ask,) = FrameReader(shared).feed(frame)
    np.testing.assert_array_equal(ask.inputs[0], large)
    np.testing.assert_array_equal(ask.inputs[1], small)
    np.testing.assert_array_equal(ask.inputs[2], large + 1)


def test_what_finds_no_room_beside_the_message_travels_in_it(shared, monkeypatch):
    monkeypatch.setattr(region, "CAPACITY_BYTES", 900_000)
    large = np.arange(100_000.0)
    frame = FrameWriter(shared).encode(Ask(1, "answer", [large, large]))
    assert 800_000 < len(frame) < 900_000
    (ask,) = FrameReader(shared).feed(frame)
    np.testing.assert_array_equal(ask.inputs[1], large)


@pytest.mark.parametrize(
    "stream",
    [
        b"\xff\xff\xff\xff and more",
        b"\x03\x00\x00\x00abc",
        b"\x01\x00\x00\x00\xc1",
        encode(Ask(1, "answer", ["a"]))[:-1] + b"\xc1",
    ],
)
def test_what_are_no_frames_is_an_error(stream):
    """Such as what a model prints to a descriptor that it guessed."""
    with pytest.raises((ValueError, msgspec.DecodeError)):
        list(FrameReader().feed(stream))
