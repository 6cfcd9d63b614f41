from __future__ import annotations

import pytest

from seatrial.core.errors import ModelRaisedError, OutputContractError, WorkerLostError
from seatrial.models import frames
from seatrial.serve.pending import Pending
from seatrial.serve.salvage import Job, Salvage, blamed


class Dead:
    """Stands where a worker does that has died."""

    def loss(self, doing):
        return WorkerLostError(f"it died while {doing}.")


def request(*inputs):
    return Pending(0, list(inputs), owner=None, now_s=0.0, deadline_s=1.0)


def job(*pending, sent=True):
    made = Job(Dead(), [(one, row) for one in pending for row in range(len(one.inputs))])
    made.sent = sent
    return made


def failed(error):
    return frames.Failed.of(error, ask=1)


def ended(salvage, doing, pending):
    """Fail what fails, as it is told."""
    fates = []
    for one, error in salvage.lost(doing, pending):
        one.error = error
        fates.append((one, error))
    return fates


def test_of_several_rows_none_is_to_blame_until_each_has_run_alone():
    """The calls to make are then one for each row, but for those nobody waits for."""
    one, two = request("a", "b"), request("c")
    doing = job(one, two)
    assert blamed(doing, failed(ModelRaisedError("row 0 is bad"))) == []
    two.error = ModelRaisedError("gone")
    assert doing.all_rows()[3:] == [(one, 0), (one, 1), (two, 0)]
    assert (doing.next(), doing.rows) == (True, [(one, 0)])
    assert (doing.next(), doing.rows) == (True, [(one, 1)])
    assert not doing.next()


def test_a_row_that_fails_alone_is_named_by_its_place_in_its_request():
    """Which its caller knows; the one in the call, nobody does."""
    one = request("a", "b")
    alone = Job(Dead(), [(one, 1)])
    ((pending, error),) = blamed(alone, failed(ModelRaisedError("row 0 is bad")))
    assert pending is one
    assert error.message == "row 1 is bad"
    assert error.details == {"pointer": "/inputs/1", "row": 1}


def test_where_answers_are_missing_everybody_fails():
    """Who got whose cannot be known."""
    one, two = request("a"), request("b")
    fates = blamed(job(one, two), failed(OutputContractError("3 answers for 2 rows")))
    assert [pending for pending, _ in fates] == [one, two]


@pytest.mark.parametrize(("pure", "survives"), [(False, []), (True, ["a", "b"])])
def test_rows_that_were_with_a_dead_worker_run_again_where_that_changes_nothing(pure, survives):
    """Once: a second worker is not risked for them. What was only waiting there runs anyway."""
    salvage = Salvage(None, pure=pure)
    one, waiting = request("a", "b"), request("c")
    dying = job(one)
    dying.waiting.append([(waiting, 0)])
    fates = ended(salvage, dying, [one, waiting])
    assert [pending for pending, _ in fates] == ([] if pure else [one])
    kept = [salvage.next() for _ in range(len(salvage))]
    assert [pending.inputs[row] for pending, row in kept] == [*survives, "c"]
    assert salvage.next() is None
    again = ended(salvage, job(one), [])
    assert [pending for pending, _ in again] == ([one] if pure else [])


def test_rows_that_never_reached_the_worker_are_not_counted_against_them():
    """It was dead already."""
    salvage = Salvage(lambda _: pytest.fail("nobody is guilty"), pure=False)
    one = request("a")
    assert list(salvage.lost(job(one, sent=False), [one])) == []
    assert salvage.next() == (one, 0)
    assert one.crashes == 0


def test_what_is_found_to_kill_workers_fails_wherever_it_waits():
    """By the place of its row; what has been answered meanwhile is not looked for."""
    salvage = Salvage(lambda inputs: {"bad"}.__contains__, pure=True)
    one, other, clean = request("bad"), request("x", "bad"), request("y")
    fates = ended(salvage, job(one), [one, other, clean])
    assert [(pending, error.details["row"]) for pending, error in fates] == [(one, 0), (other, 1)]
    assert salvage.next() is None
