"""Workers that are forked from one process that has loaded the model, on real processes."""

from __future__ import annotations

import asyncio
import os
import signal

import psutil
import pytest

from seatrial.core import settings as settings_table
from seatrial.serve.pool import Pool

LIMIT_S = 30

COUNTING = """
import os, pathlib, random

with open("loads", "a") as file:
    file.write("1")

{extra}

def predict(inputs):
    return [{answer}] * len(inputs)

def load():
    return predict
"""

QUIET = ""
THREAD = "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()"
FILE = "KEPT = open(__file__)"
SOCKET = "import socket; KEPT = socket.socketpair()"
CHILD = "import subprocess; KEPT = subprocess.Popen(['sleep', '60'], stdin=subprocess.PIPE)"


class Roster:
    def __init__(self):
        self.workers = []

    def add(self, worker):
        self.workers.append(worker)

    def remove(self, worker):
        self.workers.remove(worker)

    async def retire(self, worker):
        self.workers.remove(worker)


@pytest.fixture
def serving(tmp_path):
    """Run a coroutine function on a started pool and its roster; nothing may be left after it."""

    def serving(told, *, extra=QUIET, answer="os.getpid()", workers=2, fork=True):
        (tmp_path / "model.py").write_text(COUNTING.format(extra=extra, answer=answer))
        document = {"model": {"load": "model:load"}, "serving": {"fork_workers": fork}}

        async def inside():
            roster, losses, verified = Roster(), [], []

            async def verify():
                verified.append(1)

            async def warm_up(worker):
                await worker.answer(["a"], limit_s=LIMIT_S)

            pool = Pool(
                folder=tmp_path,
                settings=settings_table.parse(document, environment={}),
                variant="original",
                count=workers,
                dispatcher=roster,
                verify=verify,
                warm_up=warm_up,
                on_loss=losses.append,
            )
            try:
                async with asyncio.timeout(LIMIT_S):
                    await pool.start()
                    await told(pool, roster)
            finally:
                await pool.close()
            return losses, len(verified)

        losses, verified = asyncio.run(inside())
        assert psutil.Process().children(recursive=True) == []
        assert verified == len((tmp_path / "loads").read_text())
        return losses, verified

    return serving


async def until(condition):
    while not condition():
        await asyncio.sleep(0.01)


def replaced(roster, victim, workers=2):
    return len(roster.workers) == workers and victim not in roster.workers


async def answers(roster, times=1):
    batches = [await one.answer(["a"] * times, limit_s=LIMIT_S) for one in roster.workers]
    return [[answer.output for answer in batch.answers] for batch in batches]


def test_one_load_makes_all_workers_and_their_replacements(serving):
    async def told(pool, roster):
        pids = {answer for (answer,) in await answers(roster)}
        assert pids == {worker.pid for worker in roster.workers}
        assert len(pids) == 2
        for _ in range(3):
            victim = roster.workers[0]
            os.kill(victim.pid, signal.SIGSEGV)
            await until(lambda victim=victim: replaced(roster, victim))
        await pool.grow(4)
        assert len({answer for (answer,) in await answers(roster)}) == 4

    losses, loads = serving(told)
    assert loads == 1
    assert ["SIGSEGV" in loss.message for loss in losses] == [True] * 3


def test_where_the_loaded_process_dies_the_workers_go_on_and_the_next_one_loads_anew(serving):
    async def told(pool, roster):
        origin = psutil.Process(roster.workers[0].pid).parent()
        origin.kill()
        assert len(await answers(roster)) == 2
        victim = roster.workers[0]
        os.kill(victim.pid, signal.SIGKILL)
        await until(lambda: replaced(roster, victim))
        assert len({answer for (answer,) in await answers(roster)}) == 2

    assert serving(told)[1] == 2


def test_a_descriptor_without_a_place_in_it_is_harmless(serving):
    async def told(pool, roster):
        assert len(await answers(roster)) == 2

    assert serving(told, extra="KEPT = open('/dev/urandom', 'rb')")[1] == 1


@pytest.mark.parametrize("extra", [THREAD, FILE, SOCKET, CHILD])
def test_a_model_that_holds_what_copies_would_share_is_loaded_by_each(serving, extra):
    async def told(pool, roster):
        assert all(psutil.Process(one.pid).ppid() == os.getpid() for one in roster.workers)

    assert serving(told, extra=extra)[1] == 2


def test_forking_can_be_switched_off(serving):
    async def told(pool, roster):
        assert len(await answers(roster)) == 2

    assert serving(told, fork=False)[1] == 2


@pytest.mark.parametrize("answer", ["random.random()", "numpy.random.random()"])
def test_copies_have_random_numbers_of_their_own(serving, answer):
    async def told(pool, roster):
        drawn = [one for draws in await answers(roster) for one in draws]
        assert len(set(drawn)) == len(roster.workers) == 3

    serving(told, extra="import numpy", answer=answer, workers=3)


def test_a_seed_that_the_model_chose_stays(serving):
    """As it would in processes that each load the model."""

    async def told(pool, roster):
        (first,), (second,) = await answers(roster)
        assert first == second

    serving(told, extra="import numpy; numpy.random.seed(7)", answer="numpy.random.random()")


def test_what_a_worker_keeps_is_not_seen_by_the_next(serving):
    """Copies are of the model as it was loaded, not of a worker that has answered."""

    async def told(pool, roster):
        (worker,) = roster.workers
        seen = [await worker.answer(["a"], limit_s=LIMIT_S) for _ in range(3)]
        assert [batch.answers[0].output for batch in seen] == [2, 3, 4]
        os.kill(worker.pid, signal.SIGKILL)
        await until(lambda: replaced(roster, worker, workers=1))
        assert await answers(roster) == [[2]]

    counting = "SEEN = []\ndef seen():\n    SEEN.append(1)\n    return len(SEEN)"
    serving(told, extra=counting, answer="seen()", workers=1)


def test_processes_that_a_worker_started_end_with_it(serving):
    extra = "import subprocess\ndef start():\n    return subprocess.Popen(['sleep', '600']).pid"

    async def told(pool, roster):
        ((child,),) = await answers(roster)
        await roster.workers[0].kill()
        await until(lambda: not psutil.pid_exists(child))

    serving(told, extra=extra, answer="start()", workers=1)
