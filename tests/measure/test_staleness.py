"""What tells a stale answer from two models that agree."""

import numpy as np
import pytest

from seatrial.core.errors import DataError
from seatrial.core.settings import Settings
from seatrial.evidence.recorder import conditions
from seatrial.measure.staleness import Earlier, freshened, measure_staleness, nudged
from seatrial.models.subject import CallableSubject
from seatrial.trials.failures.staleness import judge_stale

ROWS = np.random.default_rng(3).normal(size=(200, 3)).tolist()


def model(seed, memory=None):
    """Return a model; with a memory, rows that are in there already are answered from it."""
    weights = np.random.default_rng(seed).normal(size=(3, 3))

    def predict(rows):
        key = repr(rows)
        fresh = (np.array(rows) @ weights).argmax(axis=1).tolist()
        return fresh if memory is None else memory.setdefault(key, fresh)

    return CallableSubject(predict)


def judged(first, second, rows=ROWS):
    evidence = measure_staleness(first, second, rows, at=conditions("m@0", seed=1))
    return judge_stale(evidence, Settings())


def test_a_shared_memory_is_found_and_two_of_their_own_are_not():
    shared = {}
    assert judged(model(1, shared), model(2, shared)).found is True
    assert judged(model(1, {}), model(2, {})).found is False
    assert judged(model(1), model(2)).found is False


def test_two_models_that_agree_cannot_be_told_apart():
    result = judged(model(1), model(1))
    assert result.found is None
    assert "nobody can tell" in result.figure


def test_a_model_that_contradicts_itself_raises_nothing():
    """Its answers change in any shape, asked before or not: that is no cache."""
    rng = np.random.default_rng(5)

    def fickle(rows):
        return rng.integers(0, 3, len(rows)).tolist()

    result = judged(CallableSubject(fickle), CallableSubject(fickle))
    assert result.found is not True, result.figure


def test_answers_from_before_a_swap_are_recognised():
    before, after = model(1), model(2)
    memory = {}
    cached = model(1, memory)
    answers = [cached.answer([row]).answers[0] for row in ROWS[:50]]
    earlier = Earlier(ROWS[:50], answers)
    assert judged(model(2, memory), earlier, ROWS[100:]).found is True
    assert judged(after, earlier, ROWS[100:]).found is False
    assert judged(before, earlier, ROWS[100:]).found is None


def test_few_rows_are_an_error_or_no_verdict():
    with pytest.raises(DataError, match="at least four"):
        judged(model(1), model(2), [[1.0, 2.0, 3.0]] * 9)
    assert judged(model(1), model(2), ROWS[:8]).found is None


@pytest.mark.parametrize(
    "value", ["late again", 2.5, [1.0, [0.0, 2.0]], {"age": 2.0, "n": 1}, {"plan": "pro"}]
)
def test_a_nudged_or_fresh_input_is_another_one_and_close_to_the_first(value):
    rng = np.random.default_rng(0)
    assert nudged(value) != value
    assert freshened(value, rng) != value
    assert nudged(freshened(value, rng)) != freshened(value, rng)
