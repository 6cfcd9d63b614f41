import threading

import pytest

from seatrial.core.errors import InputError, ModelRaisedError
from seatrial.measure.asking import Asker, Refused, sizes_of
from seatrial.models.answers import Answer
from seatrial.models.subject import Batch, CallableSubject


def test_rows_go_into_one_call_where_a_call_takes_several():
    seen = []
    subject = CallableSubject(lambda rows: seen.append(len(rows)) or rows)
    with Asker(subject) as asker:
        assert [answer.output for answer in asker.together([1, 2, 3])] == [1, 2, 3]
    assert seen == [3]


def test_rows_go_at_the_same_time_where_a_call_takes_one():
    meeting = threading.Barrier(3, timeout=10)

    class One(CallableSubject):
        takes_batches = False

        def answer(self, inputs):
            meeting.wait()
            return Batch([Answer(inputs[0])], 0.0)

    with Asker(One(lambda rows: rows)) as asker:
        assert [answer.output for answer in asker.together([1, 2, 3])] == [1, 2, 3]


def test_a_refusal_keeps_what_was_raised_and_the_status():
    def raises(rows):
        raise InputError("too many", details={"status": 413})

    with Asker(CallableSubject(raises)) as asker:
        refused = asker.together([1, 2])
    assert refused == Refused("input-invalid", "too many", 413)


def test_a_refusal_names_what_the_model_raised():
    def raises(rows):
        raise OverflowError("128 is out of bounds for int8")

    with Asker(CallableSubject(raises)) as asker:
        assert asker.alone(1).raised == "OverflowError"


def test_one_refused_request_refuses_its_company():
    class One(CallableSubject):
        takes_batches = False

        def answer(self, inputs):
            if inputs == [2]:
                raise ModelRaisedError("no", details={"raised": "KeyError"})
            return Batch([Answer(inputs[0])], 0.0)

    with Asker(One(lambda rows: rows)) as asker:
        assert asker.together([1, 2, 3]).raised == "KeyError"


@pytest.mark.parametrize("at_once", [True, False])
def test_sizes_are_asked_in_one_exchange_where_that_is_offered(at_once):
    class Sized(CallableSubject):
        exchanges = 0

        def sizes(self, values):
            self.exchanges += 1
            return [len(value) for value in values]

    subject = Sized(lambda rows: rows) if at_once else CallableSubject(lambda rows: rows)
    assert sizes_of(subject, ["a", "bb"]) == [1, 2]
    assert not at_once or subject.exchanges == 1
