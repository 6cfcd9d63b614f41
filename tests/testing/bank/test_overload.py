"""Services that cannot say no are named by URL; twins that can raise nothing."""

import pytest

from seatrial.core.settings import Settings
from seatrial.evidence.recorder import conditions
from seatrial.measure.overload import measure_overload
from seatrial.testing.bank.overload import OVERLOAD_COLLAPSE, RETRY_STORM
from seatrial.testing.queueing import queueing
from seatrial.trials.failures import judge_failures

MANY = range(21)
BODIES = [b'{"inputs": ["a"]}', b'{"inputs": ["b"]}']
ENTRIES = [OVERLOAD_COLLAPSE, RETRY_STORM]


def judged(entry, which, seed, **options):
    with queueing(getattr(entry, which)(entry.draw(seed))) as url:
        at = conditions("planted@0", seed=seed)
        evidence = measure_overload(url, BODIES, at=at, **options)
    found = judge_failures({evidence.kind: evidence}, Settings())
    return {result.id: result for result in found}, evidence


def assert_named(entry, seed, **options):
    results, evidence = judged(entry, "sick", seed, **options)
    assert results[entry.id].found is True, (results[entry.id].figure, evidence.table("steps"))


def assert_silent(entry, seed, **options):
    results, evidence = judged(entry, "healthy", seed, **options)
    found = [result.figure for result in results.values() if result.found]
    assert found == [], evidence.table("steps")


SHORT = {"deadline_s": 0.6, "multiples": (3.0,)}


@pytest.mark.slow  # compares rates: another job on the machine changes them
def test_a_service_that_cannot_say_no_is_named_by_url():
    """An endless queue makes everybody late, and keeps doing so while clients try again."""
    results, evidence = judged(RETRY_STORM, "sick", 0, **SHORT)
    found = {name for name, result in results.items() if result.found}
    assert found == {"overload-collapse", "retry-storm"}, evidence.table("steps")


def test_its_healthy_twin_raises_nothing():
    assert_silent(OVERLOAD_COLLAPSE, 0, **SHORT)


@pytest.mark.slow
@pytest.mark.parametrize("seed", MANY)
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_so_is_every_other_draw(entry, seed):
    assert_named(entry, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", MANY)
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_and_their_healthy_twins_raise_nothing(entry, seed):
    assert_silent(entry, seed)
