from __future__ import annotations

import asyncio
import gc
import itertools
import types

import psutil
import pytest
import uvloop

from seatrial.core import settings as settings_table
from seatrial.core.errors import WorkerLostError
from seatrial.serve.pool import Pool

LIMIT_S = 30


class Roster:
    """Keeps the workers that are in service."""

    def __init__(self):
        self.workers = []

    def add(self, worker):
        self.workers.append(worker)

    async def retire(self, worker):
        self.remove(worker)

    def remove(self, worker):
        if worker in self.workers:
            self.workers.remove(worker)


def pool_of(folder, warm_up, workers=2):
    return Pool(
        folder=folder,
        settings=settings_table.parse({"model": {"load": "model:load"}}, environment={}),
        variant="original",
        count=workers,
        dispatcher=Roster(),
        warm_up=warm_up,
    )


def started(folder, warm_up):
    """Start two workers; return what starting raised, and the states of the seats after it."""

    async def inside():
        pool = pool_of(folder, warm_up)
        try:
            await asyncio.wait_for(pool.start(), LIMIT_S)
        finally:
            await pool.close()

    with pytest.raises(WorkerLostError) as raised:
        asyncio.run(inside())
    return raised.value


def test_a_process_that_the_machine_refuses_is_an_error_and_no_endless_start(tmp_path):
    """Here its working directory is gone; a lack of processes or descriptors looks the same."""

    async def warm_up(worker):
        raise AssertionError("no worker can have started")

    assert "FileNotFoundError" in started(tmp_path / "gone", warm_up).message


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
