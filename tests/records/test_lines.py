from __future__ import annotations

import io
import json
import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.records import lines
from seatrial.records.record import Record


def test_a_line_is_one_json_object_that_any_tool_reads(make_record) -> None:
    line = lines.encode(make_record(1, input="a\nb"))
    assert line.count(b"\n") == 1
    assert json.loads(line)["input"] == "a\nb"


def test_a_line_comes_back_as_it_was_written(make_record) -> None:
    record = make_record(1, input={"a": [1, None, "é"]}, scores={"yes": 0.25})
    held = lines.read(lines.encode(record))
    assert msgspec.json.decode(held.bodies[0], type=Record) == record
    assert (held.torn, held.corrupt) == (0, 0)


@given(cut=st.integers(1, 10_000), count=st.integers(1, 4))
def test_a_file_cut_anywhere_keeps_every_whole_line(cut: int, count: int) -> None:
    from datetime import UTC, datetime

    from seatrial.records.record import Dropped

    whole = [lines.encode(Dropped(time=datetime.now(UTC), count=n)) for n in range(count)]
    data = b"".join(whole)
    kept = data[: len(data) - cut % len(data)]
    held = lines.read(kept)
    ends = [sum(map(len, whole[: n + 1])) for n in range(count)]
    assert len(held.bodies) == sum(end <= len(kept) for end in ends)
    assert held.torn == int(len(kept) not in (0, *ends))
    assert held.corrupt == 0


def test_every_flipped_bit_is_noticed(make_record) -> None:
    line = lines.encode(make_record(1))
    for place in range(len(line) - 1):
        damaged = bytearray(line)
        damaged[place] ^= 1 << (place % 8)
        held = lines.read(bytes(damaged))
        assert not held.bodies
        assert held.corrupt + held.torn >= 1


def test_damage_costs_its_own_line_only(make_record) -> None:
    parts = [lines.encode(make_record(n)) for n in range(3)]
    parts[1] = parts[1].replace(b"text 1", b"texx 1")
    held = lines.read(b"".join(parts))
    assert len(held.bodies) == 2
    assert held.corrupt == 1


def test_zeros_at_the_end_as_after_a_loss_of_power_are_a_torn_line(make_record) -> None:
    held = lines.read(lines.encode(make_record(1)) + b"\x00" * 4096)
    assert (len(held.bodies), held.torn, held.corrupt) == (1, 1, 0)


def test_an_empty_file_holds_nothing() -> None:
    assert lines.read(b"") == lines.Lines([], 0, 0)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (np.float32(0.5), 0.5),
        (np.arange(3), [0, 1, 2]),
        ({"a": np.int64(7)}, {"a": 7}),
        (float("nan"), None),
        (10**30, 10**30),
        ("lone \ud800 surrogate", "lone \ud800 surrogate"),
        ({1: "int key"}, {"1": "int key"}),
    ],
)
def test_whatever_a_model_answers_the_request_is_recorded(make_record, value, kept) -> None:
    held = lines.read(lines.encode(make_record(1, output=value)))
    assert json.loads(held.bodies[0])["output"] == kept


@pytest.mark.parametrize("value", [object(), {object(): 1}, [float("nan"), "\ud800"]])
def test_even_what_json_cannot_hold_leaves_a_line(make_record, value) -> None:
    held = lines.read(lines.encode(make_record(1, output=value)))
    assert json.loads(held.bodies[0])["id"] == "r1"


def test_what_json_cannot_hold_leaves_the_words_beside_it_alone(make_record) -> None:
    """A number that is not finite becomes null; a text that speaks of it does not."""
    record = make_record(1, output=["\ud800", float("nan")], error="NaN", confidence=-math.inf)
    held = msgspec.json.decode(lines.read(lines.encode(record)).bodies[0])
    assert held["error"] == "NaN"
    assert held["confidence"] is None


@given(data=st.binary(max_size=200), cuts=st.lists(st.integers(0, 400), max_size=3))
def test_a_stream_reads_what_reading_the_whole_reads(data: bytes, cuts: list[int]) -> None:
    from datetime import UTC, datetime

    from seatrial.records.record import Dropped

    whole = [lines.encode(Dropped(time=datetime.now(UTC), count=n)) for n in range(4)]
    text = b"".join(whole[:2]) + data + b"\n\n".join(whole[2:])
    for cut in cuts:
        text = text[: len(text) - cut % (len(text) + 1)]
    stream = lines.Stream(lambda: io.BytesIO(text))
    held = lines.read(text)
    for _ in range(2):
        assert list(stream) == held.bodies
        counted = (stream.rows, stream.torn, stream.corrupt)
        assert counted == (len(held.bodies), held.torn, held.corrupt)
