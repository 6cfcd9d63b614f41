from __future__ import annotations

import asyncio
import gc
import itertools
import types

import psutil
import pytest
import uvloop

from seatrial.core import settings as settings_table
from seatrial.core.errors import SeatrialError
from seatrial.models.process import launch
from seatrial.serve.pool import Pool

LIMIT_S = 30


class Roster:
    """Keeps the workers that are in service, and what happened to it."""

    def __init__(self):
        self.workers = []
        self.told = []

    def add(self, worker):
        self.workers.append(worker)
        self.told.append(("add", worker.number))

    async def retire(self, worker):
        self.workers.remove(worker)
        self.told.append(("retire", worker.number))

    def remove(self, worker):
        self.workers.remove(worker)
        self.told.append(("remove", worker.number))


def pool_of(folder, warm_up, workers=2, roster=None, serving=None, **options):
    document = {"model": {"load": "model:load"}, "serving": serving or {}}
    return Pool(
        folder=folder,
        settings=settings_table.parse(document, environment={}),
        variant="original",
        count=workers,
        dispatcher=roster or Roster(),
        verify=verify,
        warm_up=warm_up,
        **options,
    )


async def verify():
    """Find every release as it should be."""


def started(folder, warm_up):
    """Start two workers; return what starting raised, and the states of the seats after it."""

    async def inside():
        pool = pool_of(folder, warm_up)
        try:
            await asyncio.wait_for(pool.start(), LIMIT_S)
        finally:
            await pool.close()

    with pytest.raises(SeatrialError) as raised:
        asyncio.run(inside())
    return raised.value


def test_a_process_that_the_machine_refuses_is_an_error_and_no_endless_start(tmp_path):
    """Here its working directory is gone; a lack of processes or descriptors looks the same."""

    async def warm_up(worker):
        raise AssertionError("no worker can have started")

    error = started(tmp_path / "gone", warm_up)
    assert "FileNotFoundError" in error.message
    assert error.exit_status == 3


def test_a_warm_up_that_breaks_is_an_error_and_no_endless_start(tmp_path):
    """Whatever was raised: the seat is tried again, and whoever waits is told."""
    (tmp_path / "model.py").write_text("def load():\n    return lambda inputs: inputs\n")

    async def warm_up(worker):
        raise ZeroDivisionError("a mistake of ours")

    assert "ZeroDivisionError" in started(tmp_path, warm_up).message


class Suspensions:
    """A task factory that counts where tasks suspend, and says when that was the n-th time."""

    def __init__(self, count):
        self.left = count
        self.counted = asyncio.Event()

    def __call__(self, loop, coroutine, **options):
        return asyncio.Task(self.watched(coroutine), loop=loop, **options)

    async def watched(self, coroutine):
        return await self.stepped(coroutine)

    @types.coroutine
    def stepped(self, coroutine):
        step, value = coroutine.send, None
        while True:
            try:
                awaited = step(value)
            except StopIteration as end:
                return end.value
            self.left -= 1
            if self.left <= 0:
                self.counted.set()
            try:
                step, value = coroutine.send, (yield awaited)
            except BaseException as error:  # noqa: BLE001  (handed on)
                step, value = coroutine.throw, error


async def interrupted(folder, count):
    """Close a pool when its start has suspended ``count`` times; say whether it still ran."""
    pool = pool_of(folder, lambda worker: worker.answer(["a"], limit_s=LIMIT_S), workers=1)
    suspensions = Suspensions(count)
    asyncio.get_running_loop().set_task_factory(suspensions)
    starting = asyncio.create_task(pool.start())
    counting = asyncio.create_task(suspensions.counted.wait())
    await asyncio.wait({starting, counting}, return_when="FIRST_COMPLETED", timeout=LIMIT_S)
    asyncio.get_running_loop().set_task_factory(None)
    ran = not starting.done()
    starting.cancel()
    counting.cancel()
    await pool.close()
    assert psutil.Process().children() == []
    return ran


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_whenever_a_start_is_interrupted_nothing_is_left(tmp_path, loop):
    """Neither a process nor its socket nor its lifeline; an unclosed one is a warning as well."""
    (tmp_path / "model.py").write_text("def load():\n    return lambda inputs: inputs\n")
    with asyncio.Runner(loop_factory=loop) as runner:  # the first loop opens what all share
        runner.run(asyncio.sleep(0))
    descriptors = psutil.Process().num_fds()
    for count in itertools.count(1):
        with asyncio.Runner(loop_factory=loop) as runner:
            ran = runner.run(interrupted(tmp_path, count))
        gc.collect()
        assert psutil.Process().num_fds() == descriptors
        if not ran:
            break
    assert count > 5, "too few places to be all of them"


GROWING = """
HELD = []

def predict(inputs):
    for value in inputs:
        if value == "grow":
            HELD.append(bytearray(b"x") * 2**23)
    return inputs

def load():
    return predict
"""


async def until(condition):
    async with asyncio.timeout(LIMIT_S):
        while not condition():
            await asyncio.sleep(0.01)


async def ready(worker):
    await worker.answer(["a"], limit_s=LIMIT_S)


@pytest.mark.parametrize("fork", [True, False])
class TestGrowth:
    """Where workers are forked, number 0 is what they are forked from."""

    @pytest.fixture
    def serving(self, fork):
        return {"worker_memory_mib": 200, "fork_workers": fork}

    @pytest.fixture
    def folder(self, tmp_path):
        (tmp_path / "model.py").write_text(GROWING)
        return tmp_path

    async def grown(self, pool, roster, past="due"):
        """Start one worker and let it grow past what it may."""
        await pool.start()
        (worker,) = roster.workers
        while not getattr(worker, past).done():
            await worker.answer(["grow"], limit_s=LIMIT_S)
        return worker

    def test_the_next_one_is_warm_before_the_old_one_goes(self, folder, serving):
        first = int(serving["fork_workers"])
        roster, recycled = Roster(), []

        async def inside():
            pool = pool_of(folder, ready, 1, roster, serving, on_recycled=recycled.append)
            try:
                old = await self.grown(pool, roster)
                await until(lambda: recycled)
                assert roster.told == [("add", first), ("add", first + 1), ("retire", first)]
                assert pool.ready == 1
                assert pool.seats[0].worker is roster.workers[0] is not old
                assert await old.lost == 0
            finally:
                await pool.close()

        asyncio.run(inside())
        assert recycled[0] < 200 * 2**20

    def test_one_that_reaches_its_ceiling_does_not_wait_for_the_next(self, folder, serving):
        first = int(serving["fork_workers"])
        roster, recycled = Roster(), []
        warm = asyncio.Event()

        async def warm_up(worker):
            await ready(worker)
            if worker.number > first:
                await warm.wait()

        async def inside():
            pool = pool_of(folder, warm_up, 1, roster, serving, on_recycled=recycled.append)
            try:
                old = await self.grown(pool, roster, past="over")
                await until(lambda: roster.told == [("add", first), ("retire", first)])
                assert await old.lost == 0
                warm.set()
                await until(lambda: recycled)
                assert [worker.number for worker in roster.workers] == [first + 1]
            finally:
                await pool.close()

        asyncio.run(inside())

    def test_where_no_other_can_be_started_it_works_on(self, folder, serving):
        first = int(serving["fork_workers"])
        roster, losses = Roster(), []

        async def warm_up(worker):
            await ready(worker)
            if worker.number == first + 1:
                raise ZeroDivisionError("not this one")

        async def inside():
            pool = pool_of(folder, warm_up, 1, roster, serving, on_loss=losses.append)
            try:
                old = await self.grown(pool, roster)
                await until(lambda: losses)
                assert roster.told == [("add", first)]
                while not old.due.done():
                    await old.answer(["grow"], limit_s=LIMIT_S)
                await until(lambda: roster.told[-1] == ("retire", first))
                assert [worker.number for worker in roster.workers] == [first + 2]
            finally:
                await pool.close()

        asyncio.run(inside())
        assert "ZeroDivisionError" in losses[0].message

    def test_one_that_dies_meanwhile_is_replaced_by_the_one_that_was_due(self, folder, serving):
        first = int(serving["fork_workers"])
        roster, recycled = Roster(), []

        async def inside():
            pool = pool_of(folder, ready, 1, roster, serving, on_recycled=recycled.append)
            try:
                old = await self.grown(pool, roster)
                await old.kill()
                await until(lambda: roster.workers and roster.workers[0] is not old)
                assert ("remove", first) in roster.told or ("retire", first) in roster.told
                assert [worker.number for worker in roster.workers] == [first + 1]
            finally:
                await pool.close()

        asyncio.run(inside())


class TestLaunched:
    @pytest.fixture
    def host(self, tmp_path):
        (tmp_path / "model.py").write_text("def load():\n    return lambda inputs: inputs\n")
        settings = settings_table.parse({"model": {"load": "model:load"}}, environment={})
        return launch(tmp_path, settings=settings)

    def test_a_process_that_loads_already_becomes_the_first_worker(self, tmp_path, host):
        roster = Roster()

        async def inside():
            pool = pool_of(tmp_path, ready, 1, roster, launched=[host])
            try:
                await pool.start()
                first = roster.workers[0]
                assert psutil.Process(first.pid).ppid() == host.pid
                await first.kill()
                await until(lambda: roster.workers and roster.workers[0] is not first)
                assert psutil.Process(roster.workers[0].pid).ppid() == host.pid
            finally:
                await pool.close()

        asyncio.run(inside())

    def test_it_ends_with_a_pool_that_never_started(self, tmp_path, host):
        async def inside():
            await pool_of(tmp_path, ready, 1, launched=[host]).close()

        asyncio.run(inside())
        assert psutil.Process().children() == []
