import numpy as np
import pytest

from seatrial.measure.load.arrivals import constant
from seatrial.measure.load.callers import parse_callers
from seatrial.measure.load.groups import by_caller, by_server, by_status, jain_index
from seatrial.measure.load.plan import LoadPlan
from seatrial.measure.load.simulation import PlantedAnswer, simulate_load, simulate_plan
from seatrial.measure.load.summary import summarise


def test_each_status_has_its_own_percentiles():
    """Every tenth is turned away at once: that flatters nobody else's figures."""
    result = simulate_load(
        lambda n, sent: (sent + (0.01 if n % 10 == 0 else 0.2), 503 if n % 10 == 0 else 200),
        arrivals_s=constant(100, duration_s=20),
    )
    groups = {group.name: group for group in by_status(result)}
    assert (groups["200"].n, groups["503"].n) == (1800, 200)
    assert groups["503"].share == 0.1
    assert groups["200"].latency[0].value_ms == pytest.approx(200)
    assert groups["503"].latency[3].value_ms == pytest.approx(10)
    assert groups["200"].latency[4].value_ms is None
    assert "needs 10,000" in groups["200"].latency[4].why


def test_those_without_a_status_go_by_their_fate():
    result = simulate_load(
        lambda n, sent: (sent + 99, 200) if n % 2 else (sent + 0.1, 0),
        arrivals_s=constant(10, duration_s=2),
        deadline_s=1.0,
    )
    assert {group.name: group.n for group in by_status(result)} == {
        "timeout": 10,
        "disconnected": 10,
    }


def test_who_answered_is_told_apart():
    result = simulate_load(
        lambda n, sent: PlantedAnswer(sent + 0.1 * (1 + n % 2), served_by=f"m/{n % 2}"),
        arrivals_s=constant(10, duration_s=2),
    )
    assert {group.name: group.latency[0].value_ms for group in by_server(result)} == {
        "m/0": pytest.approx(100),
        "m/1": pytest.approx(200),
    }


def test_a_server_that_starves_one_caller_is_seen_in_its_share():
    plan = LoadPlan(
        bodies=(b"",),
        arrivals_s=constant(100, duration_s=20),
        callers=parse_callers("loud=9,quiet=1"),
    )
    loud = plan.caller_of(2000) == 0
    result = simulate_plan(lambda n, sent: (sent + 0.1, 200 if loud[n] else 429), plan)
    figures = {row.name: row for row in by_caller(result)}
    assert figures["loud"].offered == loud.sum()
    assert figures["loud"].good_share == 1.0
    assert figures["quiet"].rejected == figures["quiet"].offered == 2000 - loud.sum()
    assert figures["quiet"].p50_ms is None
    assert summarise(result).fairness == pytest.approx(0.5)


@pytest.mark.parametrize("count", [1, 3, 10])
def test_the_index_is_one_where_all_get_the_same_and_one_nth_where_one_gets_all(count):
    assert jain_index(np.full(count, 0.3)) == pytest.approx(1.0)
    assert jain_index(np.eye(count)[0]) == pytest.approx(1 / count)
    assert jain_index(np.zeros(count)) == 1.0
