"""Every row is answered, or named."""

import pytest

from seatrial.core.errors import (
    ModelRaisedError,
    OutputContractError,
    SeatrialError,
    UnreachableError,
)
from seatrial.models.subject import CallableSubject
from seatrial.testing.models import BrokenModel, EchoModel
from seatrial.trials.answering import answer_all, answer_alone, answer_each

POISON = -1.0


def subject(predict):
    return CallableSubject(predict)


def broken(behaviour="raises"):
    return subject(BrokenModel(behaviour, poison=POISON).predict)


def outputs(answers):
    return [answer.output for answer in answers]


@pytest.mark.parametrize("batch", [1, 3, 64])
def test_answers_come_in_the_order_of_the_rows(batch):
    rows = list(range(10))
    assert outputs(answer_all(subject(EchoModel().predict), rows, batch=batch)) == rows


def test_rows_go_out_in_calls_of_the_batch():
    sizes = []

    def predict(rows):
        sizes.append(len(rows))
        return rows

    answer_all(subject(predict), list(range(10)), batch=4)
    assert sizes == [4, 4, 2]


@pytest.mark.parametrize("batch", [1, 4, 64])
def test_the_row_that_raises_is_named_by_its_place_in_the_whole_set(batch):
    rows = [1.0] * 6 + [POISON] + [1.0] * 3
    with pytest.raises(ModelRaisedError, match="eval row 6: ") as caught:
        answer_all(broken(), rows, batch=batch)
    assert caught.value.details["row"] == 6


def test_rows_that_only_fail_together_are_named_together():
    def predict(rows):
        return rows if len(rows) == 1 else rows[1:]

    with pytest.raises(OutputContractError, match="eval rows 4 to 7, in one call") as caught:
        answer_all(subject(predict_after_four(predict)), list(range(8)), batch=4)
    assert "Each of them alone is answered" in str(caught.value)


def predict_after_four(predict):
    return lambda rows: rows if rows[0] < 4 else predict(rows)


def test_an_error_that_meets_every_row_is_passed_on_as_it_is():
    def gone(rows):
        raise UnreachableError("nobody answers at http://127.0.0.1:9.")

    for ask in (answer_alone, lambda s, rows: answer_all(s, rows, batch=2)):
        with pytest.raises(UnreachableError, match=r"^nobody answers"):
            ask(subject(gone), [1, 2])


def test_alone_means_one_row_a_call_in_the_order_of_the_rows():
    sizes = []

    def predict(rows):
        sizes.append(len(rows))
        return rows

    assert outputs(answer_alone(subject(predict), list(range(40)))) == list(range(40))
    assert sizes == [1] * 40


def test_alone_the_first_failing_row_is_named():
    rows = [1.0, 2.0, POISON, 3.0, POISON]
    with pytest.raises(ModelRaisedError, match="eval row 2: "):
        answer_alone(broken(), rows)


def test_a_production_row_that_fails_leaves_its_neighbours_their_answers():
    found = answer_each(broken(), [1.0, POISON, 2.0], batch=2)
    assert isinstance(found[1], SeatrialError)
    assert [found[0].output, found[2].output] == [2.0, 4.0]


def test_a_production_row_without_an_answer_is_a_row_all_the_same():
    found = answer_each(broken("nan"), [1.0, POISON], batch=64)
    assert [isinstance(one, SeatrialError) for one in found] == [False, True]


def test_no_rows_are_no_answers():
    assert answer_all(broken(), [], batch=4) == []
    assert answer_each(broken(), [], batch=4) == []
    assert answer_alone(broken(), []) == []


class TestAServiceThatGoes:
    def test_after_some_rows_is_no_service_that_fails_the_others(self):
        asked = []

        def predict(rows):
            asked.append(rows)
            if len(asked) > 3:
                raise UnreachableError("connection refused.")
            return rows

        with pytest.raises(UnreachableError, match="refused"):
            answer_each(subject(predict), list(range(100)), batch=10)

    def test_before_the_first_row_is_an_error_too(self):
        def gone(rows):
            raise UnreachableError("connection refused.")

        with pytest.raises(UnreachableError):
            answer_each(subject(gone), [1, 2], batch=2)

    def test_a_row_that_breaks_its_connection_is_a_failed_row(self):
        def predict(rows):
            if POISON in rows:
                raise UnreachableError("connection reset.")
            return rows

        found = answer_each(subject(predict), [1.0, POISON, 2.0], batch=3)
        assert [isinstance(one, UnreachableError) for one in found] == [False, True, False]
