"""The public fakes do what they say."""

import math

import numpy as np
import pytest

from seatrial.models.estimator import is_estimator
from seatrial.models.subject import subject_of
from seatrial.testing.clock import ManualClock
from seatrial.testing.models import (
    BrokenModel,
    ConstantModel,
    DoublingEstimator,
    EchoModel,
    SlowModel,
    TableModel,
    from_function,
)


def test_an_echo_answers_the_inputs():
    assert EchoModel().predict([1, "a"]) == [1, "a"]


def test_constants_do_not_share_one_answer():
    first, second = ConstantModel("a").predict([1, 2])
    first["output"] = "changed"
    assert second["output"] == "a"


def test_a_table_answers_the_planted_truth():
    assert TableModel({"a": 1}, otherwise=0).predict(["a", "b"]) == [1, 0]


def test_a_slow_model_takes_the_planted_time_on_its_clock():
    clock = ManualClock()
    SlowModel(clock, per_call_s=0.5, per_row_s=0.25).predict([1, 2])
    assert clock.now_s() == 1.0


@pytest.mark.parametrize("model", [BrokenModel("healthy", poison=-1.0), DoublingEstimator()])
def test_a_healthy_model_doubles(model):
    rows = [3.0, -1.0] if isinstance(model, BrokenModel) else np.array([[3.0], [-1.0]])
    assert list(model.predict(rows)) == [6.0, -2.0]


def test_each_broken_model_breaks_its_own_way():
    assert BrokenModel("too-few", poison=-1.0).predict([1, 2]) == [4]
    assert math.isnan(BrokenModel("nan", poison=-1.0).predict([-1.0])[0])
    with pytest.raises(ZeroDivisionError, match="row 1"):
        BrokenModel("raises", poison=-1.0).predict([0.0, -1.0])


def test_the_estimator_keeps_the_conventions_of_scikit_learn():
    assert is_estimator(DoublingEstimator().fit([[0.0]], [0.0]))
    assert DoublingEstimator("nan", 2.0).get_params() == {"behaviour": "nan", "poison": 2.0}


def test_a_function_of_one_input_becomes_one_of_a_batch():
    assert subject_of(from_function(str.upper)).answer(["a"]).answers[0].output == "A"
