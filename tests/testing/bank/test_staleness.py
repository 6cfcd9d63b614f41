"""A cache that answers for another model is named by URL; one with a whole key is not."""

import pytest

from seatrial.core.settings import Settings
from seatrial.evidence.recorder import conditions
from seatrial.measure.staleness import Earlier, measure_staleness
from seatrial.models.endpoint import Endpoint
from seatrial.models.url import PREDICT, UrlSubject
from seatrial.testing.bank.staleness import ACROSS_A_SWAP, STALE_CACHE, STYLES
from seatrial.testing.service import serving
from seatrial.trials.failures import judge_failures

FEW, MANY = range(len(STYLES)), range(24)


def judged(twin, seed):
    parameters = STALE_CACHE.draw(seed)
    rows = STALE_CACHE.inputs(parameters)
    with serving(twin(parameters)) as url:
        first, second = (UrlSubject(Endpoint(f"{url}/{name}"), PREDICT) for name in "ab")
        other = second
        if parameters.style == ACROSS_A_SWAP:
            held, rows = rows[: min(60, parameters.limit)], rows[120:]
            other = Earlier(held, [first.answer([row]).answers[0] for row in held])
            swap = Endpoint(f"{url}/swap")
            swap.post({})
            swap.close()
        evidence = measure_staleness(first, other, rows, at=conditions("planted@0", seed=seed))
        first.close()
        second.close()
    (result,) = judge_failures({evidence.kind: evidence}, Settings())
    return result


@pytest.mark.parametrize("seed", FEW)
def test_a_stale_cache_is_named_by_url(seed):
    result = judged(STALE_CACHE.sick, seed)
    assert (result.id, result.found) == ("stale-cache", True), result.figure
    assert "were the other one's" in result.figure


@pytest.mark.parametrize("seed", FEW)
def test_its_healthy_twin_raises_nothing(seed):
    assert judged(STALE_CACHE.healthy, seed).found is False


@pytest.mark.slow
@pytest.mark.parametrize("seed", MANY)
def test_so_is_every_other_draw(seed):
    result = judged(STALE_CACHE.sick, seed)
    assert result.found is True, result.figure


@pytest.mark.slow
@pytest.mark.parametrize("seed", MANY)
def test_and_their_healthy_twins_raise_nothing(seed):
    result = judged(STALE_CACHE.healthy, seed)
    assert result.found is False, result.figure
