"""What every describer keeps, whatever it describes."""

# ruff: noqa: RUF001 - characters that look alike are what is tested

import json

import numpy as np
import pytest

from seatrial.core.errors import DataError, UnknownNameError
from seatrial.describe.describer import describer_for, describer_from

INPUTS = {
    "text": ["<p>Wo ist mein Paket?</p>", "where is teh parcel", "", None, "Fine.", "рау me"],
    "record": [{"a": 1, "b": "x"}, {"a": None}, {"b": "new", "a": 10**9}, {}],
    "array": [[1.0, 2.0], [float("nan"), 1e9]],
    "image": [b"\x89PNG"],
    "chat": [[{"role": "user", "content": "hi"}]],
}


@pytest.fixture(scope="module", params=sorted(INPUTS))
def described(request):
    inputs = INPUTS[request.param]
    return describer_for(request.param, inputs), inputs


def test_each_factor_has_an_intensity_between_nought_and_one(described):
    describer, inputs = described
    found = describer.factors(inputs)
    assert tuple(found) == describer.factor_ids
    for values in found.values():
        assert values.shape == (len(inputs),)
        assert ((values >= 0.0) & (values <= 1.0)).all()


def test_each_descriptor_has_one_value_per_input(described):
    describer, inputs = described
    assert all(values.shape == (len(inputs),) for values in describer.describe(inputs).values())


def test_no_input_is_no_trouble(described):
    describer, _ = described
    assert all(values.shape == (0,) for values in describer.factors([]).values())
    assert all(values.shape == (0,) for values in describer.describe([]).values())


def test_a_repair_returns_as_many_inputs_or_none(described):
    describer, inputs = described
    for factor in describer.factor_ids:
        found = describer.repair(factor, inputs)
        assert found is None or len(found) == len(inputs)


def test_an_unknown_factor_is_an_error(described):
    describer, inputs = described
    with pytest.raises(UnknownNameError):
        describer.repair("nonsense", inputs)


def test_the_frozen_reference_is_json_and_gives_equal_numbers(described):
    describer, inputs = described
    again = describer_from(json.loads(json.dumps(describer.to_document(), allow_nan=False)))
    first, second = describer.factors(inputs), again.factors(inputs)
    assert again.factor_ids == describer.factor_ids
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert again.to_document() == describer.to_document()


def test_an_empty_reference_is_an_error():
    with pytest.raises(DataError, match="the reference holds 0 inputs"):
        describer_for("text", [])
