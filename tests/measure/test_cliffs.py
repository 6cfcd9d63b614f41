import numpy as np
import pytest

from seatrial.core.clock import TimeBudget
from seatrial.evidence.recorder import Recorder, conditions
from seatrial.measure.cliffs import alike, measure_cliffs, suspects, throughput_ratio
from seatrial.measure.sweep import Sweeper
from seatrial.testing.clock import ManualClock
from seatrial.testing.scripted import ScriptedSubject

SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
TEXTS = ["x" * (1 + number) for number in range(400)]


def falls(seconds):
    clock = ManualClock()
    subject = ScriptedSubject(seconds=seconds, clock=clock)
    rng = np.random.default_rng(0)
    sweeper = Sweeper(subject, TEXTS, largest=0, rng=rng, budget=TimeBudget(60, clock=clock))
    visits = sweeper.run(SIZES, Recorder("batching", at=conditions("model@0"))).visits
    return subject, suspects(visits), clock


def test_a_model_that_only_gains_is_not_suspected():
    assert falls(lambda rows: 1e-3 + 1e-5 * rows)[1] == []


def test_the_deepest_fall_comes_first():
    slow = {8: 2.0, 64: 5.0}
    _, found, _ = falls(lambda rows: 1e-4 * rows * slow.get(rows, 1.0))
    assert found == [(32, 64), (4, 8)]


def test_a_planted_factor_of_two_is_measured_as_one():
    subject, found, clock = falls(lambda rows: 1e-4 * rows * (2.0 if rows > 100 else 1.0))
    (cliff,) = measure_cliffs(
        subject,
        TEXTS,
        [len(text) for text in TEXTS],
        found,
        rng=np.random.default_rng(0),
        budget=TimeBudget(60, clock=clock),
    )
    assert (cliff.batch_before, cliff.batch) == (64, 128)
    assert cliff.ratio.value == pytest.approx(0.5)
    assert cliff.ratio.high < 0.51


def test_both_halves_of_a_pair_get_the_same_rows():
    seen = {}

    class Watching(ScriptedSubject):
        def answer(self, inputs):
            seen.setdefault(len(inputs), set()).update(inputs)
            return super().answer(inputs)

    clock = ManualClock()
    throughput_ratio(
        Watching(clock=clock),
        alike(TEXTS, [len(text) for text in TEXTS], np.random.default_rng(0)),
        before=4,
        after=16,
        budget=TimeBudget(5, clock=clock),
    )
    assert seen[4] == seen[16]


def test_padding_is_not_taken_for_a_cliff():
    """A model that pays for the longest row of each batch: rows of like size keep that equal."""

    class Padded(ScriptedSubject):
        def answer(self, inputs):
            longest = max(len(text) for text in inputs)
            self._seconds = lambda rows: 1e-7 * rows * longest
            return super().answer(inputs)

    clock = ManualClock()
    ratio = throughput_ratio(
        Padded(clock=clock),
        alike(TEXTS, [len(text) for text in TEXTS], np.random.default_rng(3)),
        before=1,
        after=64,
        budget=TimeBudget(5, clock=clock),
    )
    assert ratio.value > 0.75


def test_rows_of_like_size_are_neighbours_in_size():
    chosen = alike(TEXTS, [len(text) for text in TEXTS], np.random.default_rng(0))(64)
    lengths = [len(text) for text in chosen]
    assert lengths == sorted(lengths)
    assert lengths[-1] - lengths[0] == 63


def test_few_rows_are_repeated():
    assert len(alike(["a", "bb"], [1, 2], np.random.default_rng(0))(10)) == 10
