"""Room on the stack of frames."""

import resource

import pytest

from seatrial.core.headroom import with_headroom

CALLS = 1_000


def faults_at_worst() -> int:
    """Most page faults of a loop of calls, over all depths at which it may stand."""
    worst = 0

    def descend(left: int) -> None:
        nonlocal worst
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(CALLS):
            shallow()
        worst = max(worst, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
        if left:
            descend(left - 1)

    descend(300)
    return worst


def shallow() -> None:
    a = b = c = d = e = None
    del a, b, c, d, e


def test_calls_take_no_memory_from_the_system_at_any_depth():
    """Without, there are depths at which every call takes a fresh page."""
    assert with_headroom(faults_at_worst) < CALLS / 2


def test_what_is_called_gets_its_arguments_and_gives_its_result():
    assert with_headroom(divmod, 7, 2) == (3, 1)
    assert with_headroom(sorted, [1, 3, 2], reverse=True) == [3, 2, 1]


def test_what_it_raises_comes_through():
    with pytest.raises(ZeroDivisionError):
        with_headroom(divmod, 7, 0)
