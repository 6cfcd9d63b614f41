import numpy as np
import pytest

from seatrial.core.clock import TimeBudget
from seatrial.measure.rowloop import find_loop, gains, shortened
from seatrial.models.subject import CallableSubject, LineShare
from seatrial.testing.clock import ManualClock
from seatrial.testing.scripted import ScriptedSubject

WEIGHTS = np.random.default_rng(0).normal(size=(64, 8))
ROWS = np.random.default_rng(1).normal(size=(20, 64)).tolist()


def looping(rows):
    found = []
    for row in rows:
        values = np.asarray(row)
        found.append(float(np.tanh(values @ WEIGHTS).sum()))
    return found


def together(rows):
    return np.tanh(np.asarray(rows) @ WEIGHTS).sum(axis=1)


def trees(rows):
    """As many turns as there are rows in the larger trace, but for trees."""
    values = np.asarray(rows)
    total = np.zeros(len(rows))
    for _ in range(128):
        total += np.tanh(values @ WEIGHTS).sum(axis=1)
    return total


def test_a_loop_over_rows_is_found_with_its_line():
    loop = find_loop(CallableSubject(looping), ROWS)
    assert loop.share > 0.7
    assert any("np.tanh" in line.code for line in loop.lines)
    assert all(line.per_row == pytest.approx(1.0, abs=0.1) for line in loop.lines[:1])


def test_a_model_on_the_whole_batch_has_none():
    assert find_loop(CallableSubject(together), ROWS).share < 0.3


def test_a_loop_over_trees_is_no_loop_over_rows():
    assert find_loop(CallableSubject(trees), ROWS).share < 0.3


def test_making_an_array_of_the_rows_is_no_loop():
    loop = find_loop(CallableSubject(lambda rows: np.array(rows)[:, 0]), ROWS)
    assert loop.share == 0.0
    assert loop.lines == ()


def test_from_outside_nothing_can_be_said():
    assert find_loop(ScriptedSubject(), ROWS) is None


def test_an_interruption_in_one_trace_does_not_make_a_loop():
    turns = iter(range(100))

    class Interrupted(ScriptedSubject):
        def trace(self, inputs):
            busy = 9e-3 if next(turns) in {0, 1} else 5e-4
            rows = len(inputs)
            self._seconds = lambda _: 1e-2
            self._lines = lambda _: [
                LineShare("model.py", 3, rows, busy, own_seconds=busy, function="f", what="line")
            ]
            return super().trace(inputs)

    loop = find_loop(Interrupted(peak_bytes=lambda rows: rows), ROWS)
    assert loop.share == pytest.approx(0.05)


def test_gains_are_those_of_the_script():
    clock = ManualClock()
    subject = ScriptedSubject(seconds=lambda rows: 31e-3 + 1e-3 * rows, clock=clock)
    ordinary, short = gains(
        subject,
        lambda count: ["x"] * count,
        "x",
        batch=32,
        budget=TimeBudget(60, clock=clock),
    )
    assert ordinary.value == pytest.approx(32 * 32 / 63)
    assert short.value == pytest.approx(32 * 32 / 63)


@pytest.mark.parametrize(
    ("value", "short"), [("one two", "one"), ("", ""), ([1, 2], [1, 2]), (" ", " ")]
)
def test_only_a_text_can_be_shortened(value, short):
    assert shortened(value) == short
