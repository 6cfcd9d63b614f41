"""Large arrays lie in memory that two processes hold, and nothing of it is left."""

from __future__ import annotations

import os

import numpy as np
import psutil
import pytest

from seatrial.models import region
from seatrial.models.process import ModelProcess
from seatrial.models.region import Region


@pytest.fixture
def shared():
    made = Region.create()
    yield made
    made.close()


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12.0).reshape(3, 4),
        np.arange(24, dtype=np.int16).reshape(2, 3, 4)[:, ::2],
        np.array(7, dtype=np.uint8),
        np.zeros((0, 5), dtype=np.float32),
        np.array(["2030-01-31"], dtype="datetime64[D]"),
        np.array(["é", "long"]),
    ],
)
def test_what_is_put_can_be_taken(shared, array):
    shared.begin()
    found = shared.take(array.dtype.str, array.shape, shared.put(array))
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


def test_arrays_of_one_message_lie_side_by_side_and_the_next_message_writes_over_them(shared):
    for offset in (0, 100):
        shared.begin()
        places = [(n, shared.put(np.full(5, n + offset))) for n in range(3)]
        for n, start in places:
            assert shared.take("<i8", [5], start).tolist() == [n + offset] * 5
        assert len({start for _, start in places}) == 3


def test_what_is_taken_is_not_written_over_by_the_next_message(shared):
    """A model may keep its inputs."""
    shared.begin()
    kept = shared.take("<i8", [5], shared.put(np.full(5, 1)))
    shared.begin()
    shared.put(np.full(5, 2))
    assert kept.tolist() == [1] * 5
    kept[0] = 3


def test_there_is_room_for_so_much_and_no_more(shared, monkeypatch):
    monkeypatch.setattr(region, "CAPACITY_BYTES", 100)
    shared.begin()
    assert shared.put(np.zeros(80, np.uint8)) == 0
    assert shared.put(np.zeros(40, np.uint8)) is None
    assert shared.put(np.zeros(20, np.uint8)) == 80


def test_memory_of_a_large_message_is_given_back(shared, monkeypatch):
    monkeypatch.setattr(region, "KEPT_BYTES", 100)
    shared.begin()
    shared.put(np.zeros(1_000, np.uint8))
    assert os.fstat(shared.fileno()).st_size == 1_000
    shared.begin()
    assert os.fstat(shared.fileno()).st_size == 0


@pytest.mark.parametrize(
    ("dtype", "shape", "start"),
    [("<f8", [1_000_000], 0), ("<f8", [1 << 60], 0), ("|O", [1], 0), ("<f8", [-1], 0)],
)
def test_what_is_not_there_is_an_error(shared, dtype, shape, start):
    """The other side may be a model that writes what it likes."""
    shared.begin()
    shared.put(np.zeros(10))
    with pytest.raises(ValueError, match="array"):
        shared.take(dtype, shape, start)


def test_without_shared_memory_an_unnamed_file_does_the_same(monkeypatch):
    monkeypatch.delattr(os, "memfd_create")
    shared = Region.create()
    shared.begin()
    assert shared.take("<i8", [3], shared.put(np.arange(3))).tolist() == [0, 1, 2]
    shared.close()
    shared.close()


def test_memory_that_the_machine_does_not_give_is_no_error(shared):
    """The array travels in the message then."""
    shared.begin()
    shared.close()
    assert shared.put(np.zeros(10)) is None


MODEL = """
import os, signal
import numpy as np

def predict(inputs):
    if inputs[0].size == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return [[float(x.sum()), str(x.dtype), list(x.shape), bool(x.flags.writeable)] for x in inputs]

def load():
    return predict
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "seatrial.toml").write_text('[model]\nload = "model:load"\ninput = "array"\n')
    return tmp_path


def test_a_model_gets_large_arrays_as_they_are(folder):
    large = np.arange(100_000, dtype=np.float32).reshape(1000, 100)
    small = np.ones(3)
    with ModelProcess(folder) as process:
        for _ in range(2):
            answers = process.answer([large, small, large[::-1]]).answers
    sums = [answer.output for answer in answers]
    assert sums[0] == [float(large.sum()), "float32", [1000, 100], True]
    assert sums[1] == [3.0, "float64", [3], True]
    assert sums[2][0] == pytest.approx(sums[0][0])


def test_no_descriptor_is_left_when_a_process_is_killed(folder):
    """Nor any name: the memory ends with the last who holds it."""
    large = np.zeros(100_000)
    with ModelProcess(folder) as process:
        process.answer([large])
        process.close()
        before = psutil.Process().num_fds()
        for _ in range(3):
            process.answer([large])
            with pytest.raises(Exception, match="SIGKILL"):
                process.answer([np.zeros(1)])
            assert psutil.Process().num_fds() == before
