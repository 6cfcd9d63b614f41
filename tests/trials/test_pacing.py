"""What is asked fits the time there is."""

import pytest

from seatrial.core.errors import DeadlineExceededError
from seatrial.models.subject import CallableSubject
from seatrial.records.tables import Rows
from seatrial.testing.clock import ManualClock
from seatrial.testing.models import BrokenModel, SlowModel
from seatrial.trials.pacing import BATCH, CALL_S, Pace, pace_of, thinned


def paced(clock, **times):
    return pace_of(SlowModel(clock, **times).predict, list(range(200)), clock=clock)


def test_a_quick_model_is_asked_in_whole_batches():
    pace = paced(ManualClock(), per_row_s=0.001)
    assert pace.row_s == pytest.approx(0.001)
    assert pace.batch == BATCH


def test_a_slow_model_is_asked_in_short_calls():
    clock = ManualClock()
    pace = paced(clock, per_row_s=0.3)
    assert pace.batch == 6
    assert pace.batch * pace.row_s <= CALL_S
    assert clock.now_s() < 3 * CALL_S


def test_a_call_that_costs_much_and_a_row_little_is_paced_by_the_batch():
    pace = paced(ManualClock(), per_call_s=0.02, per_row_s=0.0001)
    assert pace.row_s == pytest.approx((0.02 + BATCH * 0.0001) / BATCH)


def test_a_model_too_slow_for_one_row_a_call_is_still_asked():
    assert paced(ManualClock(), per_row_s=9.0).batch == 1


def test_a_row_that_cannot_be_answered_leaves_the_pace_as_known_so_far():
    subject = CallableSubject(BrokenModel("raises", poison=2).predict)
    assert pace_of(subject.answer, [1, 2], clock=ManualClock()).batch == BATCH
    assert pace_of(subject.answer, [2, 1], clock=ManualClock()) == Pace()


def test_a_model_that_hangs_is_not_asked_again():
    def hang(rows):
        raise DeadlineExceededError("too long.")

    with pytest.raises(DeadlineExceededError):
        pace_of(hang, [1], clock=ManualClock())


def test_rows_that_fit_a_time():
    assert Pace(0.25).rows_in(10.0) == 40
    assert Pace().rows_in(1.0) == float("inf")


def test_thinning_keeps_order_labels_and_columns_together():
    rows = Rows(list(range(100)), list(range(100)), {"double": [2 * n for n in range(100)]})
    found = thinned(rows, 30, seed=7)
    assert len(found) == 30
    assert found.inputs == sorted(found.inputs) == found.labels
    assert found.columns["double"] == [2 * n for n in found.inputs]
    assert thinned(rows, 30, seed=7).inputs == found.inputs
    assert thinned(rows, 30, seed=8).inputs != found.inputs


def test_nothing_is_thinned_where_all_fits():
    rows = Rows([1, 2], None, {})
    assert thinned(rows, 2, seed=0) is rows
    assert thinned(Rows([1, 2, 3], None, {}), 2, seed=0).labels is None
