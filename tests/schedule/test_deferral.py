from __future__ import annotations

import math
import random

import pytest

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
            promised[request] = batcher.eta_s()
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


def test_nothing_is_promised_before_anything_has_run():
    assert Batcher(RowPacking(1), queue_rows=9, grace_s=1.0).eta_s() == math.inf
