import dataclasses

import numpy as np
import pytest

from seatrial.measure.load.parts import latency_by_part, latency_by_size, steady_quantile
from seatrial.measure.load.simulation import simulate_load


def loaded(latency_s, *, bodies=1):
    result = simulate_load(
        lambda request, sent: (sent + latency_s(request), 200),
        arrivals_s=np.arange(400) / 128,
    )
    return dataclasses.replace(result, bodies=np.arange(400) % bodies)


def test_a_pause_spoils_one_part_and_leaves_the_others():
    result = loaded(lambda request: 0.5 if 110 <= request < 120 else 0.125)
    assert [part.p99_ms > 200 for part in latency_by_part(result)] == [False, True, False, False]
    assert [part.n for part in latency_by_part(result)] == [100] * 4


def test_stragglers_show_in_every_part():
    result = loaded(lambda request: 0.5 if request % 20 == 0 else 0.125)
    assert all(part.p99_ms > 200 for part in latency_by_part(result))


def test_one_pause_leaves_nothing_behind_and_two_do():
    one = loaded(lambda request: 0.5 if 110 <= request < 120 else 0.125)
    assert steady_quantile(one, 0.99) == pytest.approx(0.125)
    two = loaded(lambda request: 0.5 if request % 200 < 10 else 0.125)
    assert steady_quantile(two, 0.99) == pytest.approx(0.5)


def test_stragglers_and_slowness_stay_without_any_stretch():
    assert steady_quantile(
        loaded(lambda request: 0.5 if request % 20 == 0 else 0.1), 0.99
    ) == pytest.approx(0.5)
    assert steady_quantile(loaded(lambda _: 0.5), 0.5) == pytest.approx(0.5)


def test_a_load_of_one_request_has_its_latency():
    result = simulate_load(lambda _, sent: (sent + 0.25, 200), arrivals_s=np.zeros(1))
    assert steady_quantile(result, 0.99) == 0.25


def test_long_inputs_that_are_slow_show_in_their_class():
    lengths = [10, 20, 30, 400]
    result = loaded(lambda request: lengths[request % 4] / 1000, bodies=4)
    classes = latency_by_size(result, lengths)
    assert [found.bytes_high for found in classes] == [10, 20, 30, 400]
    assert np.allclose([found.p50_ms for found in classes], lengths)


def test_inputs_of_one_size_make_no_classes():
    assert latency_by_size(loaded(lambda _: 0.1, bodies=3), [7, 7, 7]) == ()


def test_every_request_is_in_exactly_one_class():
    lengths = [5, 5, 5, 5, 5, 5, 80, 90]
    classes = latency_by_size(loaded(lambda _: 0.1, bodies=8), lengths)
    assert sum(found.n for found in classes) == 400
