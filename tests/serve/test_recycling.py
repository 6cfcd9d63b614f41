"""How large a worker may grow is decided without looking at one."""

from __future__ import annotations

import psutil
import pytest

from seatrial.serve.recycling import MIB, machine_bytes, memory_limits

GIB = 1024 * MIB


def limits(loaded, asked_mib=0.0, machine=64 * GIB, workers=2):
    return memory_limits(loaded, asked_mib=asked_mib, machine_bytes=machine, workers=workers)


def test_by_itself_it_may_double_and_some():
    assert limits(GIB).ceiling_bytes == 2.5 * GIB


def test_what_was_asked_for_is_the_ceiling():
    assert limits(100 * MIB, asked_mib=300).ceiling_bytes == 300 * MIB


def test_a_replacement_is_started_before_the_ceiling():
    """It loads while the old one works and grows on."""
    found = limits(100 * MIB, asked_mib=300)
    assert 100 * MIB < found.due_bytes < found.ceiling_bytes


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_all_workers_and_one_more_fit_into_the_machine(workers):
    found = limits(100 * MIB, machine=2 * GIB, workers=workers)
    assert (workers + 1) * found.ceiling_bytes <= 2 * GIB


@pytest.mark.parametrize(("asked", "machine"), [(50, 64 * GIB), (0, GIB)])
def test_a_model_that_is_larger_than_its_ceiling_can_work_all_the_same(asked, machine):
    """Else it would be replaced after every batch by one that is as large."""
    found = limits(GIB, asked_mib=asked, machine=machine)
    assert found.due_bytes > 1.1 * GIB
    assert found.ceiling_bytes > found.due_bytes


def test_the_memory_of_the_machine_is_known():
    assert 0 < machine_bytes() <= psutil.virtual_memory().total
