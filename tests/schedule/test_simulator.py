import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.schedule.batcher import Batcher, RowPacking
from seatrial.schedule.packing import packing
from seatrial.schedule.profile import BatchProfile, Bend
from seatrial.schedule.simulation import ANSWERED, EXPIRED, REJECTED, Costs, Traffic
from seatrial.schedule.simulator import Simulator

EXPONENTIAL = tuple(-np.log1p(-(np.arange(4_096) + 0.5) / 4_096))
"""Quantiles of the exponential distribution with mean 1."""

MODEL_BOUND = BatchProfile(
    call_s=4e-4, row_s=2e-4, padded_s=1.5e-4, padded_bends=(Bend(250.0, 6e-5),), typical_size=40.0
)
REQUESTS = 40_000


def poisson(rate, count, rng):
    return np.cumsum(rng.exponential(1.0 / rate, count))


def queue(rows_max=1, *, rows=1 << 40):
    return Batcher(RowPacking(rows_max), queue_rows=rows, grace_s=1e9)


def single(*, load, workers, seconds=None, seed=1, batcher=None):
    """Single requests of one second each, or as given, at a share of what the workers can do."""
    rng = np.random.default_rng(seed)
    arrivals_s = poisson(load * workers, REQUESTS, rng)
    return Simulator(
        Traffic(
            sizes=np.ones(REQUESTS) if seconds is None else seconds,
            arrivals_s=arrivals_s,
            timeout_s=1e9,
        ),
        batcher=batcher or queue(),
        profile=BatchProfile(cell_s=1.0),
        workers=workers,
        rng=rng,
    ).run()


def exponential(seed=2):
    """Service times of mean 1 whose sample mean is 1 too."""
    drawn = np.random.default_rng(seed).exponential(size=REQUESTS)
    return drawn / drawn.mean()


@given(load=st.floats(0.1, 1.2), seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=20)
def test_one_worker_waits_exactly_as_lindley_says(load, seed):
    # Lindley (1952): the wait of the next is max(0, wait + service - time to the next arrival).
    rng = np.random.default_rng(seed)
    arrivals_s, seconds = poisson(load, 300, rng), rng.exponential(size=300)
    run = Simulator(
        Traffic(sizes=seconds, arrivals_s=arrivals_s, timeout_s=1e9),
        batcher=queue(),
        profile=BatchProfile(cell_s=1.0),
        workers=1,
        rng=rng,
    ).run()
    wait = [0.0]
    for service, gap in zip(seconds[:-1], np.diff(arrivals_s), strict=True):
        wait.append(max(0.0, wait[-1] + service - gap))
    np.testing.assert_allclose(run.wait_s, wait, atol=1e-9)
    np.testing.assert_allclose(run.latency_s, wait + seconds, atol=1e-9)


@pytest.mark.parametrize("load", [0.3, 0.6])
def test_random_service_waits_as_long_as_the_textbook_says(load):
    # M/M/1 (Kleinrock 1975, eq. 3.26): the mean wait is load / (1 - load).
    run = single(load=load, workers=1, seconds=exponential())
    assert run.wait_s.mean() == pytest.approx(load / (1 - load), rel=0.1)


@pytest.mark.parametrize("load", [0.3, 0.6])
def test_constant_service_waits_half_as_long(load):
    # M/D/1 (Pollaczek-Khinchine): load / (2 (1 - load)).
    run = single(load=load, workers=1)
    assert run.wait_s.mean() == pytest.approx(load / (1 - load) / 2, rel=0.1)


def test_two_workers_wait_as_erlang_says():
    load, offered = 0.6, 1.2
    # Erlang C for two: P(wait) = q / (1 + a + q) with q = (a² / 2) / (1 - load).
    queued = offered**2 / 2 / (1 - load)
    waits = queued / (1 + offered + queued)
    run = single(load=load, workers=2, seconds=exponential())
    assert run.wait_s.mean() == pytest.approx(waits / (2 - offered), rel=0.1)
    assert (run.wait_s > 0).mean() == pytest.approx(waits, rel=0.1)


class Counting(Batcher):
    """Notes how many rows each arrival finds, waiting or running."""

    found = 0

    def arrive(self, now_s, request, **options):
        self.found += self.rows_waiting + self.rows_running
        return super().arrive(now_s, request, **options)


def test_arrivals_find_as_many_as_rate_times_latency():
    # Little's law, with what Poisson arrivals see (Wolff 1982): L = λ W.
    counting = Counting(RowPacking(1), queue_rows=1 << 40, grace_s=1e9)
    run = single(load=0.6, workers=1, seconds=exponential(), batcher=counting)
    assert counting.found / REQUESTS == pytest.approx(0.6 * run.latency_s.mean(), rel=0.05)


def test_a_front_shared_with_its_worker_halves_what_both_can_do():
    # One core, one request at a time: the seconds of all parts add up.
    costs = Costs(read_s=0.1, answer_s=0.2, batch_s=0.05, call_s=0.15, row_s=0.1)
    run = Simulator(
        Traffic(sizes=np.ones(10), connections=1),
        batcher=queue(),
        profile=BatchProfile(call_s=0.4),
        workers=1,
        rng=np.random.default_rng(0),
        cores=1,
        costs=costs,
    ).run()
    np.testing.assert_allclose(run.latency_s, 1.0)
    assert run.rate_per_s == pytest.approx(1.0)
    assert run.front_s == pytest.approx(10 * 0.35)
    assert run.workers_s[0] == pytest.approx(10 * 0.65)


def test_the_cores_bound_what_is_answered():
    rng = np.random.default_rng(0)
    run = Simulator(
        Traffic(sizes=np.full(2_000, 40.0), connections=64),
        batcher=queue(),
        profile=BatchProfile(call_s=8e-3),
        workers=2,
        rng=rng,
        cores=2,
        costs=Costs(read_s=1e-3, send_s=1e-3),
    ).run()
    assert run.rate_per_s == pytest.approx(2 / 10e-3, rel=0.02)


def model_bound(*, rate, packed, requests=6_000, seed=5):
    rng = np.random.default_rng(seed)
    sizes = np.clip(rng.lognormal(np.log(40), 0.6, requests), 8, 256).round()
    return Simulator(
        Traffic(sizes=sizes, arrivals_s=poisson(rate, requests, rng)),
        batcher=Batcher(packed, queue_rows=1 << 30, grace_s=10.0),
        profile=MODEL_BOUND,
        workers=2,
        rng=rng,
        cores=2,
    ).run()


def test_what_the_profile_packs_is_never_slower_than_one_at_a_time():
    """At any load below the saturation of one at a time, on average and in the tail."""
    for rate in (60, 120, 180, 220):
        alone = model_bound(rate=rate, packed=RowPacking(1)).latency_s
        packed = model_bound(rate=rate, packed=packing(MODEL_BOUND, workers=2)).latency_s
        assert packed.mean() <= alone.mean() * 1.01
        assert np.quantile(packed, 0.99) <= np.quantile(alone, 0.99) * 1.05


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 2**32),
    workers=st.integers(1, 3),
    load=st.floats(0.1, 4.0),
    queue_rows=st.integers(1, 30),
    timeout=st.floats(0.5, 20.0),
)
def test_every_request_ends_exactly_once(seed, workers, load, queue_rows, timeout):
    rng = np.random.default_rng(seed)
    count = 200
    run = Simulator(
        Traffic(
            sizes=rng.integers(1, 9, count).astype(float),
            rows=rng.integers(1, 5, count),
            arrivals_s=poisson(load * workers, count, rng),
            timeout_s=timeout,
        ),
        batcher=Batcher(RowPacking(4), queue_rows=queue_rows, grace_s=1.0),
        profile=BatchProfile(call_s=0.3, row_s=0.2, padded_s=0.02),
        workers=workers,
        rng=rng,
        cores=2,
        costs=Costs(read_s=0.01, answer_s=0.01, refuse_s=0.01, send_s=0.001, hear_s=0.001),
    ).run()
    assert set(run.status.tolist()) <= {ANSWERED, REJECTED, EXPIRED}
    assert np.isfinite(run.latency_s).all()
    assert (run.latency_s[run.status == ANSWERED] > 0.5).all()
    slowest_front = 0.02 * count * 2 + 1.0
    assert (run.latency_s <= timeout + slowest_front).all()
    assert np.isfinite(run.wait_s[run.status == ANSWERED]).all()


def run_once(seed):
    rng = np.random.default_rng(seed)
    return Simulator(
        Traffic(sizes=np.ones(500), arrivals_s=poisson(0.8, 500, rng)),
        batcher=queue(4),
        profile=BatchProfile(call_s=1.0),
        workers=1,
        rng=rng,
        noise=EXPONENTIAL,
        cores=2,
    ).run()


def test_the_same_seed_is_the_same_run():
    first, again, other = run_once(7), run_once(7), run_once(8)
    np.testing.assert_array_equal(first.latency_s, again.latency_s)
    assert first.batch_rows == again.batch_rows
    assert not np.array_equal(first.latency_s, other.latency_s)


def test_a_worker_that_hangs_is_replaced_and_its_queue_goes_on():
    run = Simulator(
        Traffic(sizes=np.ones(2), arrivals_s=np.array([0.0, 3.5]), timeout_s=2.0),
        batcher=Batcher(RowPacking(1), queue_rows=9, grace_s=1.0),
        profile=BatchProfile(call_s=1.0),
        workers=1,
        rng=np.random.default_rng(0),
        noise=(1e6,),
    ).run()
    assert run.status.tolist() == [EXPIRED, EXPIRED]
    np.testing.assert_allclose(run.latency_s, 2.0)


class Closed:
    """A gate that lets every second request in."""

    def __init__(self):
        self.inside = 0

    def admit(self, now_s, request, *, rows, size):
        self.inside += request % 2 == 0
        return 200 if request % 2 == 0 else 429

    def ended(self, now_s, request, *, status):
        self.inside -= 1


def test_a_gate_is_asked_and_told():
    gate = Closed()
    run = Simulator(
        Traffic(sizes=np.ones(10), arrivals_s=np.arange(10.0)),
        batcher=queue(),
        profile=BatchProfile(call_s=0.1),
        workers=1,
        rng=np.random.default_rng(0),
        gate=gate,
    ).run()
    assert run.status.tolist() == [200, 429] * 5
    assert gate.inside == 0


def test_nothing_asked_is_nothing_answered():
    run = Simulator(
        Traffic(sizes=np.empty(0), arrivals_s=np.empty(0)),
        batcher=queue(),
        profile=BatchProfile(),
        workers=1,
        rng=np.random.default_rng(0),
        noise=(1.0,),
    ).run()
    assert run.rate_per_s == 0.0
    assert math.isclose(run.front_s, 0.0)
