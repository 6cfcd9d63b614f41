from __future__ import annotations

import asyncio

import pytest

from seatrial.core.clock import SystemClock
from seatrial.core.errors import ModelRaisedError, OutputContractError, WorkerLostError
from seatrial.models.answers import Answer
from seatrial.models.frames import Failed, Told
from seatrial.models.process import lost
from seatrial.models.subject import Batch
from seatrial.schedule.batcher import Batcher, RowPacking
from seatrial.serve.dispatcher import LAST_LOOK_S, Dispatcher, shutting_down


class Clock(SystemClock):
    seconds = 0.0

    def now_s(self):
        return self.seconds


class HeldWorker:
    """A worker whose answers come when the test says so."""

    def __init__(self, number):
        self.number = number
        self.calls = []
        self.ended = False

    def run(self, inputs, heard):
        self.calls.append((inputs, heard))

    def answer(self):
        inputs, heard = self.calls[-1]
        heard(Told(1, batch=Batch([Answer(value) for value in inputs], 0.1)))

    def fail(self, error):
        self.calls[-1][1](Failed.of(error, ask=1))

    def end(self):
        self.ended = True

    def loss(self, what):
        return lost(what, -9)


def submit(dispatcher, inputs, *, deadline_s):
    return dispatcher.submit(inputs, owner=None, now_s=0.0, deadline_s=deadline_s)


@pytest.fixture
def sea():
    """Run a test inside an event loop, with a dispatcher on a clock of its own."""

    def run(scene, told=None):
        told = [] if told is None else told

        async def inside():
            clock, worker = Clock(), HeldWorker(0)
            batcher = Batcher(RowPacking(4), queue_rows=8, grace_s=1.0)
            dispatcher = Dispatcher(batcher, clock=clock, on_settled=told.extend)
            dispatcher.add(worker)
            await scene(dispatcher, worker, clock)

        asyncio.run(inside())

    return run


def test_an_answer_that_comes_after_the_deadline_is_not_served(sea):
    """As after a suspension of the whole machine: late is late."""

    async def scene(dispatcher, worker, clock):
        pending = submit(dispatcher, ["a"], deadline_s=1.0)
        clock.seconds = 60.0
        worker.answer()
        assert pending.error.code == "deadline-exceeded"
        assert dispatcher.inflight == 0

    sea(scene)


def test_rows_of_a_failing_batch_are_run_again_one_by_one(sea):
    """Only the request with the bad row fails; one that ended meanwhile is not run again."""

    async def scene(dispatcher, worker, clock):
        blocker = submit(dispatcher, ["first"], deadline_s=9.0)
        good = submit(dispatcher, ["a"], deadline_s=9.0)
        bad = submit(dispatcher, ["b"], deadline_s=9.0)
        gone = submit(dispatcher, ["c"], deadline_s=9.0)
        worker.answer()
        assert worker.calls[-1][0] == ["a", "b", "c"]
        worker.fail(ModelRaisedError("bad"))
        assert worker.calls[-1][0] == ["a"]
        worker.answer()
        dispatcher.fail(gone, shutting_down())
        worker.fail(ModelRaisedError("bad"))
        assert [inputs for inputs, _ in worker.calls[2:]] == [["a"], ["b"]]
        assert good.answers == [Answer("a")]
        assert isinstance(bad.error, ModelRaisedError)
        assert blocker.error is good.error is None
        assert told == [blocker, good, gone, bad]

    told = []
    sea(scene, told)


@pytest.mark.parametrize(("details", "alone"), [({"row": 1}, True), ({}, False)])
def test_a_misshapen_answer_costs_its_own_request_where_the_row_is_known(sea, details, alone):
    """A wrong number of answers costs all of them: who got whose cannot be known."""

    async def scene(dispatcher, worker, clock):
        submit(dispatcher, ["first"], deadline_s=9.0)
        good = submit(dispatcher, ["a"], deadline_s=9.0)
        bad = submit(dispatcher, ["b"], deadline_s=9.0)
        worker.answer()
        worker.fail(OutputContractError("misshapen", details=details))
        if alone:
            worker.answer()
            worker.fail(OutputContractError("misshapen", details={"row": 0}))
        assert (good.answers == [Answer("a")]) is alone
        assert (good.error is None) is alone
        assert isinstance(bad.error, OutputContractError)

    sea(scene)


def test_a_lost_worker_fails_what_it_held_and_nothing_else(sea):
    """What waits is run by the next one."""

    async def scene(dispatcher, worker, clock):
        held = submit(dispatcher, ["a"], deadline_s=9.0)
        waiting = submit(dispatcher, ["b"], deadline_s=9.0)
        dispatcher.remove(worker)
        assert isinstance(held.error, WorkerLostError)
        following = HeldWorker(1)
        dispatcher.add(following)
        following.answer()
        assert waiting.answers == [Answer("b")]

    sea(scene)


def test_a_worker_that_hangs_is_ended_after_its_grace(sea):
    """Its caller has been told before."""

    async def scene(dispatcher, worker, clock):
        pending = submit(dispatcher, ["a"], deadline_s=1.0)
        clock.seconds = 1.0
        dispatcher._wake()
        assert pending.error.code == "deadline-exceeded"
        assert not worker.ended
        clock.seconds = 2.0
        dispatcher._wake()
        async with asyncio.timeout(20):
            while not worker.ended:
                await asyncio.sleep(0.005)

    sea(scene)


def test_a_worker_whose_reply_has_come_while_we_were_stopped_does_not_hang(sea):
    """Timers are looked at before sockets: there it lies."""

    async def scene(dispatcher, worker, clock):
        submit(dispatcher, ["a"], deadline_s=1.0)
        clock.seconds = 60.0
        dispatcher._wake()
        worker.answer()
        given_up = asyncio.Event()
        asyncio.get_running_loop().call_later(2 * LAST_LOOK_S, given_up.set)
        await given_up.wait()
        assert not worker.ended

    sea(scene)


def test_rows_given_to_a_worker_that_has_ended_go_to_the_next_one(sea):
    """Though the model is not declared pure: they were not run."""

    async def scene(dispatcher, worker, clock):
        worker.ended = True
        pending = submit(dispatcher, ["a", "b"], deadline_s=9.0)
        assert worker.calls == []
        dispatcher.remove(worker)
        following = HeldWorker(1)
        dispatcher.add(following)
        following.answer()
        following.answer()
        assert pending.answers == [Answer("a"), Answer("b")]

    sea(scene)


def test_a_large_request_is_answered_in_order_whatever_batches_it_took(sea):
    """Parts come back to their places."""

    async def scene(dispatcher, worker, clock):
        pending = submit(dispatcher, list(range(7)), deadline_s=9.0)
        assert [len(inputs) for inputs, _ in worker.calls] == [4]
        worker.answer()
        worker.answer()
        assert [answer.output for answer in pending.answers] == list(range(7))
        assert pending.batch_size == 4

    sea(scene)
