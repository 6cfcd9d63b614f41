"""Arrays and words in JSON: exact and compact."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.describe.packing import pack, pack_words, unpack, unpack_words


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "uint8", "uint16", ">f8"])
def test_an_array_survives_json_bit_by_bit(dtype):
    array = np.arange(12).reshape(3, 4).astype(dtype)
    found = unpack(json.loads(json.dumps(pack(array))))
    assert found.shape == (3, 4)
    assert found.tobytes() == array.astype(array.dtype.newbyteorder("=")).tobytes()


def test_values_that_json_has_no_word_for_survive():
    assert np.array_equal(
        unpack(pack(np.array([np.nan, np.inf, -0.0]))), [np.nan, np.inf, -0.0], equal_nan=True
    )


def test_an_empty_array_survives():
    assert unpack(pack(np.zeros((0, 3)))).shape == (0, 3)


@given(st.lists(st.text(st.characters(exclude_characters="\n"), min_size=1)))
def test_words_survive_whatever_they_are_written_in(words):
    assert unpack_words(json.loads(json.dumps(pack_words(words)))) == words


def test_repetition_costs_little():
    assert len(pack(np.zeros(100_000))["data"]) < 2_000
