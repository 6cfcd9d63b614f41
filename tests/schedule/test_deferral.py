from __future__ import annotations

import math
import random

import pytest

from seatrial.schedule.admission import WAIT_SHARE, Admission
from seatrial.schedule.batcher import Batcher, RowPacking
from seatrial.schedule.deferral import SHARE

ROW_S = 0.01


def run(world, poisson, *, load, deferred, until_s=60.0, seed=3):
    """One row at a time, two workers; deferred requests come from 20 s on."""
    random_ = random.Random(seed)
    batcher = Batcher(RowPacking(1), queue_rows=400, grace_s=1.0)
    asked = poisson(random_, load * 2 / ROW_S, until_s, patience_s=0.5)
    promised = {}
    late = poisson(random_, deferred, until_s, since_s=20.0, patience_s=900.0, deferred=True)
    asked += late
    sea = world(batcher, 2, lambda now_s, sizes: ROW_S)

    def arrive(now_s, request, **options):
        if options["deferred"]:
            promised[request] = batcher.eta_s(now_s)
        return Batcher.arrive(batcher, now_s, request, **options)

    batcher.arrive = arrive
    return sea.run(asked), promised


def test_deferred_rows_get_their_share_and_no_more_while_others_wait(world, poisson):
    sea, _ = run(world, poisson, load=1.5, deferred=60)
    started = [
        sea.asked[part.request].deferred
        for at_s, _, parts in sea.batches
        if 30 <= at_s < 60
        for part in parts
    ]
    assert sum(started) / len(started) == pytest.approx(SHARE, abs=0.005)


def test_deferred_rows_run_at_once_while_workers_are_idle(world, poisson):
    sea, _ = run(world, poisson, load=0.02, deferred=2)
    waits = [f.latency_s for f, a in zip_fates(sea) if a.deferred]
    assert sorted(waits)[len(waits) // 2] == pytest.approx(ROW_S)


def zip_fates(sea):
    return [(sea.fates[n], a) for n, a in enumerate(sea.asked)]


MODELS = {
    "constant": (lambda random_, rows: 0.01 * rows, 1),
    "with jitter": (lambda random_, rows: 0.01 * rows * random_.lognormvariate(-0.18, 0.6), 1),
    "in batches": (lambda random_, rows: 0.02 + 0.0025 * rows, 8),
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("load", [1.2, 2.0, 8.0])
def test_who_is_put_aside_under_overload_comes_when_told_within_half(world, poisson, load, model):
    """Nine of ten at the least, of those who were told a time before the load ended."""
    seconds, rows_max = MODELS[model]
    random_ = random.Random(7)
    batcher = Batcher(RowPacking(rows_max), queue_rows=40, grace_s=1.0)
    admission = Admission(batcher, timeout_s=1.0)
    until_s = 30.0
    rate = 2 * rows_max / seconds(random.Random(0), rows_max)
    asked = poisson(random_, load * rate, until_s, patience_s=1.0)
    sea = world(batcher, 2, lambda now_s, sizes: seconds(random_, len(sizes)), admission)
    promised = {}

    def put_aside(now_s, number):
        promised[number] = admission.eta_s(now_s)
        return promised[number] < math.inf

    sea.aside = put_aside
    sea.run(asked)
    known = [
        (eta_s, sea.fates[n].latency_s)
        for n, eta_s in promised.items()
        if eta_s < math.inf and asked[n].at_s + 1.5 * eta_s < until_s
    ]
    assert len(known) > 50
    right = sum(abs(took_s - eta_s) <= 0.5 * eta_s for eta_s, took_s in known)
    assert right >= 0.9 * len(known)


@pytest.mark.parametrize("tickets", [True, False])
def test_twice_the_longest_wait_after_a_spike_all_is_as_before(world, poisson, tickets):
    """L3: ten times the load for twenty seconds; what was put aside is gone by then too."""
    random_ = random.Random(5)
    timeout_s, began_s, ended_s = 4.0, 10.0, 30.0
    batcher = Batcher(RowPacking(1), queue_rows=4_096, grace_s=1.0)
    admission = Admission(batcher, timeout_s=timeout_s)

    def spike(now_s):
        return (10 if began_s <= now_s < ended_s else 0.5) * 2 / ROW_S

    over_s = ended_s + 2 * WAIT_SHARE * timeout_s
    sea = world(
        batcher, 2, lambda now_s, sizes: ROW_S * random_.lognormvariate(-0.02, 0.2), admission
    )
    waiting = {}
    sea.watch = lambda now_s: waiting.update({int(now_s): batcher.rows_deferred})
    if tickets:
        sea.aside = lambda now_s, number: admission.eta_s(now_s) < math.inf
    sea.run(poisson(random_, spike, over_s + 10.0, patience_s=timeout_s))
    assert (max(waiting.values()) > 100) == tickets
    assert waiting[int(over_s) + 1] == 0
    before = sea.outcomes(since_s=1.0, until_s=began_s)
    after = sea.outcomes(since_s=over_s, until_s=over_s + 10.0)
    assert {fate.outcome for fate in after} == {"answered"}
    p99_s = [sorted(f.latency_s for f in part)[int(0.99 * len(part))] for part in (before, after)]
    assert p99_s[1] <= 1.5 * p99_s[0]


@pytest.mark.parametrize("load", [0.5, 0.8, 1.5])
def test_the_time_told_is_right_within_half_for_nine_of_ten(world, poisson, load):
    """Where others leave room, and where only the guaranteed share is left."""
    sea, promised = run(world, poisson, load=load, deferred=1.5 * 200 * max(1 - load, SHARE))
    right = total = 0
    for n, eta_s in promised.items():
        fate = sea.fates[n]
        if fate.outcome == "answered" and fate.at_s < 60 and eta_s > 1.0:
            total += 1
            right += abs(fate.latency_s - eta_s) <= 0.5 * eta_s
    assert total > 20
    assert right >= 0.9 * total


def test_the_place_of_a_request_tells_anew_when_it_comes():
    """What was told at first counts down as those before it are run."""
    batcher = Batcher(RowPacking(1), queue_rows=999, grace_s=1.0)
    batcher.idle(0.0, 0)
    for number in range(100):
        # Others hardly ask for anything.
        batcher.arrive(number * 0.1, -number, rows=1, deadline_s=1e9)
        batcher.idle(number * 0.1 + ROW_S, 0)
        batcher.done(-number)
    places = []
    for number in range(1, 52):
        batcher.arrive(10.0, number, rows=1, deadline_s=1e9, deferred=True)
        places.append(batcher.rows_put_aside)
    assert batcher.eta_of(10.0, places[0]) == 0.0, "it runs"
    assert batcher.eta_of(10.0, places[-1]) == pytest.approx(51.5 * ROW_S, rel=0.15)
    for number in range(25):
        batcher.idle(10.0 + (number + 1) * ROW_S, 0)
        batcher.done(number + 1)
    assert batcher.eta_of(10.25, places[-1]) == pytest.approx(26.5 * ROW_S, rel=0.15)
    assert batcher.eta_of(10.25, places[10]) == 0.0


def test_one_worker_of_several_is_left_to_those_who_come():
    batcher = Batcher(RowPacking(1), queue_rows=99, grace_s=1.0)
    for worker in range(3):
        batcher.idle(0.0, worker)
    started = [
        batcher.arrive(0.0, number, rows=1, deadline_s=1e9, deferred=True) for number in range(4)
    ]
    assert [len(decisions) for decisions in started] == [1, 1, 0, 0]
    assert len(batcher.arrive(0.1, 9, rows=1, deadline_s=1.0)) == 1
    assert batcher.idle(0.2, 2) == [], "two run deferred rows still"
    assert len(batcher.idle(0.3, 0)) == 1


def test_a_worker_that_runs_deferred_rows_and_dies_makes_room_for_others():
    batcher = Batcher(RowPacking(1), queue_rows=99, grace_s=1.0)
    batcher.idle(0.0, 0)
    batcher.idle(0.0, 1)
    batcher.arrive(0.0, 1, rows=1, deadline_s=1e9, deferred=True)
    assert batcher.arrive(0.0, 2, rows=1, deadline_s=1e9, deferred=True) == []
    assert len(batcher.lost(0.1, 0)) == 1


def test_nothing_is_promised_before_anything_has_run():
    assert Batcher(RowPacking(1), queue_rows=9, grace_s=1.0).eta_s(0.0) == math.inf
