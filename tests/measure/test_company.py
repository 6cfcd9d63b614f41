import numpy as np
import pytest

from seatrial.core.clock import TimeBudget
from seatrial.core.errors import ModelRaisedError, UnreachableError
from seatrial.measure.arrangements import COMPANIES, COPIES
from seatrial.measure.asking import Asker
from seatrial.measure.company import (
    ORDER,
    ROWS_MIN,
    Company,
    answer_alone,
    in_order_of_use,
    repeated,
)
from seatrial.measure.dependence import Controls
from seatrial.models.subject import subject_of
from seatrial.testing.clock import ManualClock

NUMBERS = [float(number) for number in range(40)]


def looked(predict, sizes=(2, 8, 64), rows=NUMBERS):
    with Asker(subject_of(predict)) as asker:
        rng = np.random.default_rng(0)
        budget = TimeBudget(60.0, clock=ManualClock())
        alone = answer_alone(asker, rows, rng=rng, budget=budget)
        compared = Company(asker, alone, rng=rng).compare(sizes, budget=budget)
        controls = Controls(asker, compared, budget=budget)
        again = repeated(asker, compared, rng=rng, budget=budget)
        return compared, controls.controls(), controls.onsets(), again


def minus_mean(rows):
    return [row - sum(rows) / len(rows) for row in rows]


def wrapped(rows):
    """Rows from the 33rd on get the answer of a row at the beginning."""
    return [rows[position % 32] * 1.5 for position in range(len(rows))]


def counted(rows):
    return [row * (1 if len(rows) <= 20 else -1) + 0.25 for row in rows]


def test_a_model_that_minds_its_rows_alone_changes_nothing():
    compared, controls, onsets, _ = looked(lambda rows: [row * 0.3 for row in rows])
    assert sum(cell.compared for cell in compared.cells) > 1000
    assert not compared.changes
    assert controls == onsets == []


def test_every_arrangement_is_run_at_every_size():
    compared, *_ = looked(lambda rows: rows)
    assert {(cell.company, cell.batch) for cell in compared.cells} == {
        (name, size) for name in ORDER for size in (2, 8, 64)
    }
    assert set(ORDER) == {*COMPANIES, COPIES, "others, shuffled"}


def test_content_is_found_to_decide_where_neighbours_do():
    _, controls, onsets, _ = looked(minus_mean)
    mixed = [control for control in controls if control.company != COPIES]
    assert all(control.reproduced for control in mixed)
    assert any(control.content for control in mixed)
    assert min(onset.batch for onset in onsets) == 2


def test_position_is_found_to_decide_where_a_counter_wraps():
    _, controls, onsets, _ = looked(wrapped)
    assert all(control.position >= 32 for control in controls)
    assert all(control.position_decides for control in controls)
    assert min(onset.batch for onset in onsets) == 33


def test_the_number_of_rows_is_found_to_decide_where_it_does():
    _, controls, onsets, _ = looked(counted)
    assert not any(control.content for control in controls)
    assert {onset.batch for onset in onsets} == {21}


def test_a_batch_that_is_refused_is_bisected_to_the_row_that_breaks_it():
    def refuses(rows):
        if len(rows) > 13:
            raise IndexError("index 13 is out of bounds")
        return rows

    compared, _, onsets, _ = looked(refuses)
    assert {onset.batch for onset in onsets} == {14}
    assert {onset.raised for onset in onsets} == {"IndexError"}
    assert all(cell.refused for cell in compared.cells if cell.batch == 64)


def test_repeating_shows_whether_the_model_is_sure_of_itself():
    rng = np.random.default_rng(1)
    changed, asked = looked(lambda rows: [row + rng.random() for row in rows])[3]
    assert changed > 0.9 * asked
    assert looked(lambda rows: rows)[3][0] == 0


def test_rows_that_are_refused_alone_are_counted_and_left_out():
    def picky(rows):
        if 7.0 in rows:
            raise ValueError("not seven")
        return rows

    with Asker(subject_of(picky)) as asker:
        alone = answer_alone(
            asker,
            NUMBERS,
            rng=np.random.default_rng(0),
            budget=TimeBudget(9, clock=ManualClock()),
        )
    assert alone.refused == 1
    assert 7.0 not in alone.rows.values
    assert "not seven" in alone.why


def test_nothing_is_compared_with_a_service_that_is_not_there():
    def gone(rows):
        raise UnreachableError("nobody answers")

    with Asker(subject_of(gone)) as asker, pytest.raises(UnreachableError):
        answer_alone(
            asker,
            NUMBERS,
            rng=np.random.default_rng(0),
            budget=TimeBudget(9, clock=ManualClock()),
        )


def test_a_spent_budget_still_compares_a_few_rows_in_pairs():
    clock = ManualClock()
    budget = TimeBudget(1.0, clock=clock)
    clock.advance(5.0)
    with Asker(subject_of(minus_mean)) as asker:
        rng = np.random.default_rng(0)
        alone = answer_alone(asker, NUMBERS, rng=rng, budget=budget)
        compared = Company(asker, alone, rng=rng).compare((2, 64), budget=budget)
    assert len(alone.answers) == ROWS_MIN
    assert {cell.batch for cell in compared.cells} == {2}
    assert compared.left_out == len(ORDER)
    assert compared.changes


def test_an_example_tells_the_row_and_both_answers():
    compared, *_ = looked(minus_mean, sizes=(2,))
    example = next(cell.example for cell in compared.cells if cell.changed)
    assert "alone" in example
    assert "of 2" in example


def test_sizes_past_the_sweep_come_after_the_most_telling_ones():
    assert in_order_of_use([2, 4, 8, 16, 32, 64, 128, 256], [300])[:5] == [2, 256, 16, 4, 300]


def test_a_model_error_in_company_is_kept_with_its_name():
    def raises(rows):
        if len(rows) > 1:
            raise ModelRaisedError("no", details={"raised": "KeyError"})
        return rows

    compared, *_ = looked(raises, sizes=(2,))
    assert {refusal.raised for _, _, refusal in compared.refusals} == {"KeyError"}
