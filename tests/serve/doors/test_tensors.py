from __future__ import annotations

import contextlib
import math
import struct

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.core.errors import InputError
from seatrial.serve.doors import tensors
from seatrial.serve.doors.tensors import DATATYPES, FLOATS, INTEGERS, PACKED, Tensor

NUMPY = {"BOOL": np.bool_, "FP16": np.float16, "FP32": np.float32, "FP64": np.float64} | {
    name: np.dtype(packed) for name, packed in INTEGERS.items()
}


def elements(datatype):
    """Values that the datatype holds exactly, or nothing."""
    if datatype == "BYTES":
        return st.text()
    if datatype == "BOOL":
        return st.booleans()
    if datatype in INTEGERS:
        info = np.iinfo(PACKED[datatype])
        return st.integers(int(info.min), int(info.max))
    width = {"FP16": 16, "BF16": 16, "FP32": 32, "FP64": 64}[datatype]
    floats = st.floats(width=width, allow_nan=False, allow_infinity=False)
    if datatype == "BF16":
        floats = st.integers(0, 0xFFFF).map(
            lambda bits: struct.unpack("<f", struct.pack("<I", bits << 16))[0]
        )
        floats = floats.filter(math.isfinite)
    return floats | st.none()


tensor_and_values = st.sampled_from(DATATYPES).flatmap(
    lambda datatype: st.lists(st.integers(1, 3), max_size=3).flatmap(
        lambda inner: st.integers(0, 3).flatmap(
            lambda rows: st.tuples(
                st.just(datatype),
                st.just((rows, *inner)),
                st.lists(
                    elements(datatype),
                    min_size=rows * math.prod(inner),
                    max_size=rows * math.prod(inner),
                ),
            )
        )
    )
)


def alike(values, others):
    return [(type(v), v) for v in values] == [(type(v), v) for v in others]


@given(tensor_and_values)
def test_packed_values_come_back_as_they_went(made):
    """Every datatype, missing values among floats included."""
    datatype, shape, values = made
    packed = memoryview(tensors.pack(datatype, values))
    back = tensors.from_packed("x", datatype, shape, packed).flat
    if datatype == "BYTES":
        back = [piece.decode() for piece in back]
    assert alike(back, values)


@given(tensor_and_values, st.booleans())
def test_json_says_the_same_as_packed_bytes(made, nested):
    """Flat or nested as the shape."""
    datatype, shape, values = made
    told = tensors.nested(Tensor("x", datatype, shape, values)) if nested else values
    back = tensors.from_json("x", datatype, shape, msgspec.json.encode(told))
    assert alike(back.flat, values)
    assert back.rows == shape[0]


@given(tensor_and_values)
def test_rows_are_nested_as_numpy_nests_them(made):
    """An independent implementation agrees."""
    datatype, shape, values = made
    cells = np.empty(len(values), dtype=object)
    cells[:] = values
    assert tensors.nested(Tensor("x", datatype, shape, values)) == cells.reshape(shape).tolist()


@pytest.mark.parametrize("datatype", sorted(NUMPY))
def test_packed_values_are_what_numpy_packs(datatype):
    """Little-endian, row major."""
    made = np.array([[0, 1], [1, 0]], NUMPY[datatype])
    assert tensors.pack(datatype, made.ravel().tolist()) == made.tobytes()
    read = tensors.from_packed("x", datatype, (2, 2), memoryview(made.tobytes()))
    assert tensors.nested(read) == made.tolist()


def test_bfloat16_is_the_upper_half_of_a_float_rounded_to_even():
    """By hand: 1 is 3F80; 1 + 2^-8 lies between two and goes to the even one; 1 + 3·2^-8 too."""
    packed = tensors.pack("BF16", [1.0, 1 + 2**-8, 1 + 3 * 2**-8, None])
    assert struct.unpack("<4H", packed) == (0x3F80, 0x3F80, 0x3F82, 0x7FC0)
    read = tensors.from_json("x", "BF16", (1,), msgspec.json.encode([1 + 2**-8]))
    assert read.flat == [1.0]


def test_json_is_as_exact_as_the_datatype_says():
    """0.1 in FP32 is the FP32 that is nearest, as it would be packed."""
    assert tensors.from_json("x", "FP32", (1,), b"[0.1]").flat == [float(np.float32(0.1))]
    assert tensors.from_json("x", "FP64", (1,), b"[0.1]").flat == [0.1]


def test_whole_numbers_may_be_written_as_json_likes():
    """1.0 is 1; large ones stay exact beside it, and the bounds hold."""
    read = tensors.from_json("x", "INT64", (2, 1), b"[[1.0], [9007199254740993]]")
    assert alike(read.flat, [1, 9007199254740993])
    for data in (b"[128.0]", b'["1"]', b"[true]", b"[1.5]", b"[1e30]"):
        with pytest.raises(InputError, match="data/0"):
            tensors.from_json("x", "INT8", (1,), data)


@pytest.mark.parametrize(
    ("datatype", "shape", "data", "words"),
    [
        ("INT8", (1,), b"[128]", r"data/0"),
        ("INT8", (1,), b"[1.5]", r"data/0"),
        ("UINT8", (2,), b"[1, -1]", r"data/1"),
        ("UINT64", (1,), b"[18446744073709551616]", "UINT64"),
        ("INT64", (1,), b"[9223372036854775808]", "data/0"),
        ("BOOL", (1,), b"[1]", "data/0"),
        ("BYTES", (1,), b"[1]", "data/0"),
        ("FP64", (1,), b'["1"]', "data/0"),
        ("FP64", (1,), b"[1e999]", "data/0"),
        ("FP32", (1,), b"[1e39]", "infinite, or larger"),
        ("FP16", (1,), b"[65520]", "infinite, or larger"),
        ("FP64", (2, 2), b"[[1, 2], [3]]", r"nest as its shape \[2, 2\]"),
        ("FP64", (2, 2), b"[1, 2, 3]", r"3 values; its shape \[2, 2\] takes 4"),
        ("FP64", (2,), b"[[1], [2]]", "nested 2 deep"),
        ("FP64", (2,), b"3", "nested 0 deep"),
        ("FP64", (2,), b'{"a": 1}', "nested 0 deep"),
        ("FP64", (1, 1), b"[" * 50_000, "nested"),
    ],
)
def test_json_of_another_form_is_refused_by_name(datatype, shape, data, words):
    """The message names the tensor and the place."""
    with pytest.raises(InputError, match=words) as caught:
        tensors.from_json("weights", datatype, shape, data)
    assert "'weights'" in caught.value.message


@pytest.mark.parametrize(
    ("datatype", "shape", "data", "words"),
    [
        ("FP32", (2,), b"1234567", "7 packed bytes.* takes 8"),
        ("FP32", (10**15, 10**15), b"1234", "4 packed bytes"),
        ("FP32", (1,), struct.pack("<f", math.inf), "infinite"),
        ("BOOL", (1,), b"\x02", "packed BOOL of 2"),
        ("BYTES", (1,), b"\x01\x00", "end within a length"),
        ("BYTES", (1,), b"\xff\xff\xff\xff", "4294967295 bytes where 0 are left"),
        ("BYTES", (2,), b"\x01\x00\x00\x00a", "1 values; its shape"),
    ],
)
def test_packed_bytes_that_lie_are_refused_by_name(datatype, shape, data, words):
    """Sizes are held against what came, before anything is allocated."""
    with pytest.raises(InputError, match=words) as caught:
        tensors.from_packed("weights", datatype, shape, memoryview(data))
    assert "'weights'" in caught.value.message


@pytest.mark.parametrize(
    ("datatype", "shape"),
    [
        ("FLOAT", [1]),
        ("", [1]),
        ("FP32", []),
        ("FP32", [-1]),
        ("FP32", [2, -1]),
        ("FP32", [10**9, 0]),
        ("FP32", [1] * 9),
        ("FP32", [1] * 100_000),
    ],
)
def test_a_form_that_no_batch_has_is_refused(datatype, shape):
    """Empty rows too: a billion of them take no byte of the body, and much memory."""
    with pytest.raises(InputError, match="'weights'") as caught:
        tensors.check_form("weights", datatype, shape)
    assert len(caught.value.message) < 500


@given(
    st.sampled_from(DATATYPES),
    st.lists(st.integers(1, 2**62), min_size=1, max_size=8),
    st.binary(max_size=60),
)
def test_any_bytes_give_a_tensor_of_its_shape_or_an_error_of_ours(datatype, shape, data):
    """Declared sizes allocate nothing."""
    for read, given_data in ((tensors.from_packed, memoryview(data)), (tensors.from_json, data)):
        with contextlib.suppress(InputError):
            assert len(read("x", datatype, tuple(shape), given_data).flat) == math.prod(shape)


def test_every_float_may_be_missing_and_nothing_else_packed_may():
    """NaN is null."""
    for datatype in FLOATS:
        packed = tensors.pack(datatype, [None, 1.0])
        assert tensors.from_packed("x", datatype, (2,), memoryview(packed)).flat == [None, 1.0]
