"""Functions of a notebook, written as files."""

import math
import runpy

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from seatrial.core.errors import UntrustedCodeError
from seatrial.trials.source import Writer

WORDS = {"good": 1, "bad": 0}
TABLE = np.arange(4.0)
MODEL = LogisticRegression().fit([[0.0], [1.0]], ["no", "yes"])
SOCKET = object()


def helper(text):
    return math.floor(len(text) / 2)


def from_words(texts):
    return [WORDS.get(text, helper(text)) for text in texts]


def from_array(rows):
    return [float(TABLE[row]) for row in rows]


def from_estimator(rows):
    return MODEL.predict(np.array(rows).reshape(-1, 1)).tolist()


def from_object(rows):
    return [SOCKET for _ in rows]


def written(function, folder):
    writer = Writer(folder)
    name = writer.add(function)
    path = folder / "model.py"
    path.write_text(writer.text(returned=name))
    return runpy.run_path(str(path))["load"]()


def test_a_function_takes_its_helpers_imports_and_constants_along(tmp_path):
    function = written(from_words, tmp_path)
    assert function(["good", "bad", "other"]) == [1, 0, 2]
    assert function is not from_words


def test_arrays_travel_as_data(tmp_path):
    assert written(from_array, tmp_path)([3, 0]) == [3.0, 0.0]
    assert (tmp_path / "TABLE.npy").is_file()


def test_fitted_estimators_travel_as_skops(tmp_path):
    assert written(from_estimator, tmp_path)([0.0, 1.0]) == ["no", "yes"]
    assert (tmp_path / "MODEL.skops").is_file()


def test_closures_travel_by_value(tmp_path):
    def outer(threshold):
        def inner(rows):
            return [row > threshold for row in rows]

        return inner

    assert written(outer(2), tmp_path)([1, 3]) == [False, True]


def test_what_is_no_data_is_named_and_needs_trust(tmp_path):
    with pytest.raises(UntrustedCodeError, match="SOCKET is a object") as caught:
        Writer(tmp_path).add(from_object)
    assert "trust=" in caught.value.hint


def test_a_lambda_has_no_source_of_its_own(tmp_path):
    with pytest.raises(UntrustedCodeError, match="cannot be found"):
        Writer(tmp_path).add(lambda rows: rows)
