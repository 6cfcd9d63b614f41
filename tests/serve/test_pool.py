from __future__ import annotations

import asyncio

import pytest

from seatrial.core import settings as settings_table
from seatrial.core.errors import WorkerLostError
from seatrial.schedule.batcher import Batcher, RowPacking
from seatrial.serve.dispatcher import Dispatcher
from seatrial.serve.pool import Pool

LIMIT_S = 30


def started(folder, warm_up):
    """Start two workers; return what starting raised, and the states of the seats after it."""

    async def inside():
        dispatcher = Dispatcher(Batcher(RowPacking(4), queue_rows=8, grace_s=1.0))
        settings = settings_table.parse({"model": {"load": "model:load"}}, environment={})
        pool = Pool(
            folder=folder,
            settings=settings,
            variant="original",
            count=2,
            dispatcher=dispatcher,
            warm_up=warm_up,
        )
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
