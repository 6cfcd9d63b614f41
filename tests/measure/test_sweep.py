import numpy as np
import pytest

from seatrial.core.clock import TimeBudget
from seatrial.evidence.recorder import Recorder, conditions
from seatrial.measure.sweep import MEMORY_ALSO, Sweeper, limit_of
from seatrial.testing.clock import ManualClock
from seatrial.testing.scripted import ScriptedSubject

SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
AT = conditions("model@0")
MIB = 1024**2


def swept(subject, *, clock, seconds=60.0, limit_bytes=None, rows=tuple("abcdefgh")):
    recorder = Recorder("batching", at=AT)
    sweeper = Sweeper(
        subject,
        rows,
        largest=3,
        rng=np.random.default_rng(0),
        budget=TimeBudget(seconds, clock=clock),
        limit_bytes=limit_bytes,
    )
    return sweeper.run(SIZES, recorder), recorder.finish()


def test_throughput_is_rows_over_the_seconds_of_the_median_call():
    clock = ManualClock()
    sweep, _ = swept(ScriptedSubject(seconds=lambda rows: 1e-3 * rows, clock=clock), clock=clock)
    assert [visit.batch for visit in sweep.visits] == list(SIZES)
    assert [visit.items_per_s for visit in sweep.visits] == pytest.approx([1000.0] * len(SIZES))


def test_one_slow_call_in_five_does_not_move_it():
    clock, turns = ManualClock(), iter(range(10**9))
    seconds = lambda rows: 1e-3 * rows * (40 if next(turns) % 5 == 0 else 1)  # noqa: E731
    sweep, _ = swept(ScriptedSubject(seconds=seconds, clock=clock), clock=clock)
    assert sweep.visits[0].items_per_s == pytest.approx(1000.0)


def test_sizes_are_visited_in_another_order_every_round():
    clock = ManualClock()
    subject = ScriptedSubject(seconds=lambda rows: 0.01, clock=clock)
    swept(subject, clock=clock)
    visits = subject.calls[2 * len(SIZES) :]
    first, second = visits[: len(SIZES)], visits[len(SIZES) : 2 * len(SIZES)]
    assert sorted(first) == sorted(second) == list(SIZES)
    assert first != second


def test_a_short_budget_leaves_out_the_large_sizes_and_says_so():
    clock = ManualClock()
    subject = ScriptedSubject(seconds=lambda rows: 0.05 * rows, clock=clock)
    sweep, evidence = swept(subject, clock=clock, seconds=10.0)
    assert sweep.visits[-1].batch < 256
    assert evidence.cut_short
    assert any("ended the sweep before batch" in text for text in evidence.criticisms)


def test_memory_is_seen_with_the_largest_row_at_every_size():
    clock = ManualClock()
    seen = []

    class Watching(ScriptedSubject):
        def trace(self, inputs):
            seen.append(inputs[0])
            return super().trace(inputs)

    subject = Watching(clock=clock, peak_bytes=lambda rows: 1000 * rows)
    sweep, _ = swept(subject, clock=clock)
    assert set(seen) == {"d"}
    assert sweep.peaks[64] == 64_000
    assert MEMORY_ALSO in sweep.peaks


def test_a_batch_that_would_not_fit_is_not_tried():
    clock = ManualClock()
    subject = ScriptedSubject(clock=clock, peak_bytes=lambda rows: MIB * rows * rows)
    sweep, evidence = swept(subject, clock=clock, limit_bytes=2000 * MIB)
    size, feared = sweep.feared
    assert max(subject.calls) < size
    assert feared == pytest.approx(MIB * size * size)
    assert any("may not fit the memory" in text for text in evidence.criticisms)


def test_memory_that_grows_in_line_is_measured_up_to_the_limit():
    clock = ManualClock()
    subject = ScriptedSubject(clock=clock, peak_bytes=lambda rows: MIB * rows)
    sweep, _ = swept(subject, clock=clock, limit_bytes=300 * MIB)
    assert sweep.feared is None
    assert sweep.visits[-1].batch == 256


def test_a_size_that_is_refused_ends_the_sweep():
    clock = ManualClock()
    sweep, _ = swept(ScriptedSubject(clock=clock, rows_max=20), clock=clock)
    assert sweep.visits[-1].batch == 16
    assert sweep.refused[0] == 32
    assert sweep.refused[1].raised == "ValueError"


def test_nothing_can_be_seen_from_outside():
    clock = ManualClock()
    sweep, _ = swept(ScriptedSubject(clock=clock), clock=clock)
    assert sweep.peaks == {}


def test_the_limit_of_a_target_is_in_bytes():
    assert limit_of(2.0) == 2 * 1024**3
    assert limit_of(None) is None
