"""One model process as the event loop sees it."""

from __future__ import annotations

import asyncio
import select

import pytest
import uvloop

from seatrial.core import settings as settings_table
from seatrial.models.process import launch
from seatrial.serve.worker import Worker

LIMIT_S = 30


@pytest.fixture
def launched(tmp_path):
    (tmp_path / "model.py").write_text("def load():\n    return lambda inputs: inputs\n")
    settings = settings_table.parse({"model": {"load": "model:load"}}, environment={})
    return launch(tmp_path, settings=settings)


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_what_a_worker_has_said_is_heard_before_the_loop_comes_to_it_and_only_once(launched, loop):
    async def inside():
        worker = Worker(0, launched)
        heard = []
        try:
            await worker.open(load_limit_s=LIMIT_S)
            worker.listen()
            worker.run(["a"], heard.append)
            select.select([launched.wire], [], [], LIMIT_S)  # the loop does not run meanwhile
            worker.listen()
            assert [answer.output for answer in heard[0].batch.answers] == ["a"]
            worker.listen()
            batch = await worker.answer(["b"], limit_s=LIMIT_S)
            assert [answer.output for answer in batch.answers] == ["b"]
            assert len(heard) == 1
        finally:
            await worker.close()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(inside())


def test_a_worker_that_has_died_says_nothing(launched):
    async def inside():
        worker = Worker(0, launched)
        heard = []
        try:
            await worker.open(load_limit_s=LIMIT_S)
            worker.run(["a"], heard.append)
            worker.end()
            worker.listen()
            await worker.lost
        finally:
            await worker.close()
        assert heard == []

    asyncio.run(inside())
