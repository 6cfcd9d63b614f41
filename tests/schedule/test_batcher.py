from __future__ import annotations

import heapq
import itertools
import math
import random
from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from seatrial.schedule.batcher import (
    Batcher,
    Expired,
    Kill,
    Part,
    Rejected,
    RowPacking,
    Run,
)
from seatrial.schedule.outlook import RETRY_MAX_S


@dataclass
class Arrival:
    at_s: float
    rows: int
    patience_s: float
    leaves_after_s: float = math.inf
    sizes: int | tuple = 1
    key: str = ""
    deferred: bool = False


@dataclass
class Sea:
    """A discrete-event world around a batcher: workers take time, hang, die; callers leave."""

    batcher: Batcher
    workers: int
    service_s: object
    started: Counter = field(default_factory=Counter)
    parts: dict = field(default_factory=dict)
    fate: dict = field(default_factory=dict)
    order: list = field(default_factory=list)
    batches: list = field(default_factory=list)
    ahead: dict = field(default_factory=dict)
    rows: set = field(default_factory=set)
    now_s: float = 0.0

    def sail(self, arrivals):
        events = [(a.at_s, 1, "arrive", n) for n, a in enumerate(arrivals)]
        events += [
            (a.at_s + a.leaves_after_s, 2, "leave", n)
            for n, a in enumerate(arrivals)
            if math.isfinite(a.leaves_after_s)
        ]
        heapq.heapify(events)
        self.events, self.arrivals = events, arrivals
        for worker in range(self.workers):
            self.obey(self.batcher.idle(0.0, worker))
        while True:
            wake = self.batcher.wakes_at_s()
            due = self.events[0][0] if self.events else math.inf
            if min(wake, due) == math.inf:
                break
            if wake < due:
                self.now_s = wake
                self.obey(self.batcher.tick(wake))
                assert self.batcher.wakes_at_s() > wake
            else:
                self.step(*heapq.heappop(self.events))
            self.check()
        return self

    def step(self, at_s, _, kind, which):
        self.now_s = at_s
        if kind == "arrive":
            arrival = self.arrivals[which]
            self.ahead[which] = len(self.batcher._turns), len(self.batches)
            self.obey(
                self.batcher.arrive(
                    at_s,
                    which,
                    rows=arrival.rows,
                    deadline_s=at_s + arrival.patience_s,
                    sizes=arrival.sizes,
                    key=arrival.key,
                    deferred=arrival.deferred,
                )
            )
        elif kind == "leave":
            if which not in self.fate:
                self.fate[which] = "left"
                self.batcher.done(which)
        elif kind == "finish":
            self.finish(which)
            self.obey(self.batcher.idle(at_s, which))
        elif kind == "start":
            self.obey(self.batcher.idle(at_s, which))

    def finish(self, worker):
        for part in self.batches[self.running.pop(worker)][1]:
            self.parts.setdefault(part.request, []).append((part.start, part.stop))
            done = sum(stop - start for start, stop in self.parts[part.request])
            if part.request not in self.fate and done == self.arrivals[part.request].rows:
                self.fate[part.request] = "answered"
                self.batcher.done(part.request)

    running: dict = field(default_factory=dict)

    def obey(self, decisions):
        for decision in decisions:
            if isinstance(decision, Run):
                self.run(decision)
            elif isinstance(decision, Expired):
                assert decision.request not in self.fate
                assert decision.started == (self.started[decision.request] > 0)
                self.fate[decision.request] = "expired"
            elif isinstance(decision, Rejected):
                self.fate[decision.request] = "rejected"
            else:
                self.kill(decision.worker)

    def run(self, run):
        assert run.worker not in self.running
        rows = sum(part.stop - part.start for part in run.parts)
        assert rows >= 1
        for part in run.parts:
            assert part.request not in self.fate, "expired, left or rejected rows must not run"
            for row in range(part.start, part.stop):
                assert (part.request, row) not in self.rows, "no row runs twice"
                self.rows.add((part.request, row))
            self.started[part.request] += part.stop - part.start
            self.order.append(part.request)
        self.running[run.worker] = len(self.batches)
        self.batches.append((self.now_s, run.parts))
        took = self.service_s(rows)
        if math.isfinite(took):
            heapq.heappush(self.events, (self.now_s + took, 0, "finish", run.worker))

    def kill(self, worker):
        assert all(part.request in self.fate for part in self.batches[self.running[worker]][1])
        del self.running[worker]
        self.events = [e for e in self.events if not (e[2] == "finish" and e[3] == worker)]
        heapq.heapify(self.events)
        self.obey(self.batcher.lost(self.now_s, worker))
        heapq.heappush(self.events, (self.now_s + 0.5, 0, "start", worker))

    def check(self):
        """Nothing waits while a worker is idle; the queue keeps its bound and its count."""
        if self.batcher._crew.idle:
            assert not self.batcher._turns
            # Deferred rows leave one worker to others, where there are several.
            assert self.batcher.rows_deferred == 0 or len(self.batcher._crew) > 1
        waiting = sum(entry.left for entry in self.batcher._turns)
        assert self.batcher.rows_waiting == waiting <= self.batcher._queue_rows
        assert self.batcher.rows_deferred <= self.batcher._queue_rows


class Padded(Struct, frozen=True):
    """At most so many rows, and so many cells after padding."""

    rows_max: int
    padded_max: float

    def cost(self, size):
        return float(size)

    def expected_s(self, *, rows, size_max, size_sum):
        return 0.0

    def room(self, *, rows, size_max, candidate, waiting):
        cells = self.padded_max // max(size_max, candidate.size)
        return max(min(self.rows_max - rows, int(cells) - rows, candidate.rows), 0)


def arrival(*, at_s, sizes, patience_s, leaves_after_s=math.inf, key="", deferred=False):
    rows = sizes[0] if isinstance(sizes[1], int) else len(sizes[1])
    return Arrival(at_s, rows, patience_s, leaves_after_s, sizes[1], key, deferred)


# Rows of one size, or a size for each.
sized = st.tuples(st.integers(1, 12), st.integers(1, 99)) | st.tuples(
    st.none(), st.lists(st.integers(1, 99), min_size=1, max_size=12).map(tuple)
)
arrivals = st.lists(
    st.builds(
        arrival,
        at_s=st.floats(0, 5),
        sizes=sized,
        patience_s=st.floats(0.05, 5),
        leaves_after_s=st.just(math.inf) | st.floats(0, 3),
        key=st.sampled_from(["", "a", "b"]),
        deferred=st.sampled_from([False, False, False, True]),
    ),
    max_size=40,
)
packings = st.builds(RowPacking, st.integers(1, 8)) | st.builds(
    Padded, st.integers(1, 8), st.integers(50, 500)
)


@settings(deadline=None)
@given(
    arrivals=arrivals,
    workers=st.integers(1, 3),
    packing=packings,
    queue_rows=st.integers(12, 60),
    seed=st.integers(0, 2**16),
)
def test_every_request_has_one_fate_whatever_happens(arrivals, workers, packing, queue_rows, seed):
    """No row is lost, doubled or run for nobody, with callers leaving and workers hanging."""
    random_ = random.Random(seed)
    batcher = Batcher(packing, queue_rows=queue_rows, grace_s=0.2)
    sea = Sea(
        batcher,
        workers,
        lambda rows: math.inf if random_.random() < 0.05 else random_.uniform(0.01, 0.3),
    ).sail(arrivals)
    assert set(sea.fate) == set(range(len(arrivals)))
    for which, fate in sea.fate.items():
        if fate == "answered":
            cuts = sorted(sea.parts[which])
            assert cuts[0][0] == 0
            assert cuts[-1][1] == arrivals[which].rows
            assert all(a[1] == b[0] for a, b in itertools.pairwise(cuts))
        if fate == "rejected":
            assert sea.started[which] == 0
    for _, parts in sea.batches:
        assert sum(part.stop - part.start for part in parts) <= packing.rows_max
    assert batcher.rows_waiting == batcher.rows_deferred == batcher.rows_running == 0
    assert len(batcher._live) == 0


@settings(deadline=None)
@given(
    arrivals=st.lists(
        st.builds(arrival, at_s=st.floats(0, 2), sizes=sized, patience_s=st.just(1e9)),
        min_size=1,
        max_size=40,
    ),
    workers=st.integers(1, 3),
    packing=packings,
)
def test_nobody_starves_whatever_sizes_others_have(arrivals, workers, packing):
    """A request starts after at most as many batches as requests waited before it came."""
    batcher = Batcher(packing, queue_rows=10_000, grace_s=1.0)
    sea = Sea(batcher, workers, lambda rows: 0.1).sail(arrivals)
    assert set(sea.fate.values()) == {"answered"}
    first = {}
    for number, (_, parts) in enumerate(sea.batches):
        for part in parts:
            first.setdefault(part.request, number)
    for which, (waiting, batches) in sea.ahead.items():
        assert first[which] - batches <= waiting


@settings(deadline=None)
@given(arrivals=arrivals, packing=packings)
def test_the_same_events_lead_to_the_same_decisions(arrivals, packing):
    """Nothing is drawn, and no order depends on addresses."""
    runs = [
        Sea(Batcher(packing, queue_rows=40, grace_s=0.2), 2, lambda rows: 0.07 * rows).sail(
            arrivals
        )
        for _ in range(2)
    ]
    assert runs[0].batches == runs[1].batches
    assert runs[0].fate == runs[1].fate


@settings(deadline=None)
@given(
    arrivals=st.lists(st.builds(Arrival, st.floats(0, 2), st.just(1), st.just(1e9)), max_size=60),
    workers=st.integers(1, 3),
    rows_max=st.integers(1, 8),
)
def test_single_rows_start_in_the_order_they_came(arrivals, workers, rows_max):
    """Among equals, first come is first served."""
    arrivals.sort(key=lambda arrival: arrival.at_s)
    batcher = Batcher(RowPacking(rows_max), queue_rows=1_000, grace_s=1.0)
    sea = Sea(batcher, workers, lambda rows: 0.1).sail(arrivals)
    assert sea.order == sorted(sea.order)


def test_a_large_request_shares_with_small_ones():
    """After each batch the rest of it waits behind those who came meanwhile."""
    batcher = Batcher(RowPacking(4), queue_rows=100, grace_s=1.0)
    batcher.idle(0.0, 0)
    batcher.arrive(0.0, 1, rows=12, deadline_s=9.0)
    batcher.arrive(0.1, 2, rows=1, deadline_s=9.0)
    batcher.arrive(0.1, 3, rows=1, deadline_s=9.0)
    (run,) = batcher.idle(0.2, 0)
    assert run.parts == [Part(1, 4, 6), Part(2, 0, 1), Part(3, 0, 1)]


def test_a_full_queue_rejects_with_a_time_learnt_from_its_batches():
    """The wait told is half of the queue at the pace seen, within bounds."""
    batcher = Batcher(RowPacking(1), queue_rows=8, grace_s=1.0)
    batcher.idle(0.0, 0)
    batcher.arrive(0.0, 0, rows=1, deadline_s=1e9)
    batcher.done(0)
    batcher.arrive(0.0, 1, rows=1, deadline_s=1e9)
    batcher.idle(3.0, 0)
    assert batcher.arrive(3.0, 2, rows=8, deadline_s=1e9) == []
    assert batcher.arrive(3.0, 3, rows=1, deadline_s=1e9) == [Rejected(3, 12)]
    batcher.idle(999.0, 0)
    assert batcher.retry_after_s() == RETRY_MAX_S


def test_a_request_that_expires_while_it_runs_is_told_at_once_and_its_worker_later():
    """The caller has its answer at the deadline, the worker its grace."""
    batcher = Batcher(RowPacking(4), queue_rows=8, grace_s=1.0)
    batcher.idle(0.0, 5)
    batcher.arrive(0.0, 1, rows=1, deadline_s=2.0)
    assert batcher.wakes_at_s() == 2.0
    assert batcher.tick(2.0) == [Expired(1, started=True)]
    assert batcher.wakes_at_s() == 3.0
    assert batcher.tick(2.9) == []
    assert batcher.tick(3.0) == [Kill(5)]
    assert batcher.tick(9.0) == []


def test_a_lost_worker_gets_nothing_until_it_is_back():
    """What waits goes to the others, or waits on."""
    batcher = Batcher(RowPacking(4), queue_rows=8, grace_s=1.0)
    batcher.idle(0.0, 0)
    batcher.lost(0.1, 0)
    assert batcher.workers == 0
    assert batcher.arrive(0.2, 1, rows=1, deadline_s=9.0) == []
    assert batcher.idle(0.3, 1) == [Run(1, [Part(1, 0, 1)])]


def test_texts_of_like_length_share_batches():
    """Padding stays small although short and long texts come in turn."""
    random_ = random.Random(9)
    arrivals = [
        Arrival(0.001 * n, 1, 1e9, sizes=random_.choice([10, 11, 12, 100, 105, 110]))
        for n in range(200)
    ]
    sea = Sea(
        Batcher(Padded(4, 450), queue_rows=999, grace_s=1.0), 2, lambda rows: 0.01 * rows
    ).sail(arrivals)
    cells = padded = 0
    for _, parts in sea.batches:
        sizes = [arrivals[part.request].sizes for part in parts]
        cells += sum(sizes)
        padded += len(sizes) * max(sizes)
    assert padded <= 1.15 * cells


def test_the_newest_of_the_greediest_makes_room_for_another_key():
    batcher = Batcher(RowPacking(1), queue_rows=4, grace_s=1.0)
    batcher.idle(0.0, 0)
    for number in range(5):
        batcher.arrive(0.0, number, rows=1, deadline_s=9.0, key="greedy")
    assert batcher.arrive(0.0, 5, rows=1, deadline_s=9.0, key="greedy") == [Rejected(5, 1)]
    assert batcher.arrive(0.0, 6, rows=1, deadline_s=9.0, key="other") == [Rejected(4, 1)]
    assert batcher.rows_waiting == 4


def test_idle_workers_divide_a_large_request():
    """Once it is known that rows cost more than entering the model."""
    batcher = Batcher(RowPacking(64), queue_rows=999, grace_s=1.0)
    batcher.idle(0.0, 0)
    batcher.arrive(0.0, 0, rows=64, deadline_s=1e9)
    batcher.idle(0.64, 0)
    batcher.idle(0.64, 1)
    assert batcher.arrive(1.0, 1, rows=20, deadline_s=1e9) == [
        Run(0, [Part(1, 0, 10)]),
        Run(1, [Part(1, 10, 20)]),
    ]


def test_another_packing_prices_what_waits_anew():
    batcher = Batcher(RowPacking(1), queue_rows=99, grace_s=1.0)
    batcher.idle(0.0, 0)
    for number, size in enumerate([7, 30, 50]):
        batcher.arrive(0.0, number, rows=1, deadline_s=9.0, sizes=size)
    batcher.packing = Padded(4, 400)
    assert batcher.cost_inflight == 30.0 + 50.0, "what runs counts for nothing then"
    (run,) = batcher.idle(0.1, 0)
    assert run.parts == [Part(1, 0, 1), Part(2, 0, 1)]


def test_a_batch_of_deferred_rows_hangs_no_longer_than_any_other():
    batcher = Batcher(RowPacking(1), queue_rows=9, grace_s=1.0, run_max_s=10.0)
    batcher.idle(0.0, 0)
    batcher.arrive(0.0, 0, rows=1, deadline_s=3600.0, deferred=True)
    assert batcher.tick(10.9) == []
    assert batcher.tick(11.0) == [Kill(0)]


def test_deadlines_of_the_gone_are_swept_out():
    """A server that answers in a millisecond does not remember ten seconds of requests."""
    batcher = Batcher(RowPacking(1), queue_rows=9, grace_s=1.0)
    batcher.idle(0.0, 0)
    for number in range(10_000):
        batcher.arrive(number * 1e-3, number, rows=1, deadline_s=1e6)
        batcher.idle(number * 1e-3, 0)
        batcher.done(number)
    assert batcher._live.remembered < 200


@pytest.mark.parametrize("load", [0.5, 3.0])
def test_twenty_thousand_requests_keep_every_promise(load):
    """A long run below and far above capacity; work goes on at capacity when overloaded."""
    random_ = random.Random(7)
    workers, rows_max, service_s = 2, 8, 0.01
    capacity = workers * rows_max / service_s
    count, at_s, arrivals = 20_000, 0.0, []
    for _ in range(count):
        at_s += random_.expovariate(load * capacity)
        arrivals.append(Arrival(at_s, 1, 0.1))
    batcher = Batcher(RowPacking(rows_max), queue_rows=64, grace_s=1.0)
    sea = Sea(batcher, workers, lambda rows: service_s).sail(arrivals)
    fates = Counter(sea.fate.values())
    goodput = fates["answered"] / sea.now_s
    if load < 1:
        assert fates == {"answered": count}
    else:
        assert goodput >= 0.98 * capacity
        assert fates["rejected"] > 0


def test_single_rows_are_not_stuck_behind_a_thousand(world, asked, poisson):
    """L6: while requests of 1,000 rows keep both workers busy, one row waits a batch or two."""
    random_ = random.Random(6)
    batch_s = 0.016
    small = poisson(random_, 100, 8.0, patience_s=10.0)
    large = [asked(at, rows=1_000, patience_s=1e9) for at in (0.0, 0.1, 0.2, 1.0, 3.0)]
    batcher = Batcher(RowPacking(16), queue_rows=10_000, grace_s=1.0)
    sea = world(batcher, 2, lambda now_s, sizes: 0.001 * len(sizes)).run([*small, *large])
    waited = sorted(f.latency_s for f, a in zip_fates(sea) if a.rows == 1)
    assert waited[int(0.99 * len(waited))] <= 2.5 * batch_s
    assert all(f.outcome == "answered" for f, a in zip_fates(sea) if a.rows > 1)


def zip_fates(sea):
    return [(sea.fates[n], a) for n, a in enumerate(sea.asked)]


def test_deferred_rows_run_in_brief_batches_while_nobody_else_waits():
    """Whoever comes meanwhile waits for little; where entering the model costs most, for it."""
    for per_batch_s, most in ((0.0, 2), (0.1, 11)):
        batcher = Batcher(RowPacking(64), queue_rows=999, grace_s=1.0)
        now_s = 0.0
        for number, rows in enumerate((1, 64, 7, 30, 2, 64) * 4):
            batcher.arrive(now_s, number, rows=rows, deadline_s=now_s + 99.0)
            batcher.idle(now_s, 1)
            now_s += per_batch_s + 0.01 * rows
            batcher.done(number)
        batcher.idle(now_s, 1)
        (run,) = batcher.arrive(now_s, 1_000, rows=200, deadline_s=now_s + 99.0, deferred=True)
        assert sum(part.stop - part.start for part in run.parts) == pytest.approx(most, abs=1)


def test_what_ran_when_costs_got_another_unit_teaches_nothing():
    """A row that cost one row must not count as one of a second."""
    batcher = Batcher(RowPacking(1), queue_rows=99, grace_s=1.0)
    batcher.idle(0.0, 0)
    batcher.arrive(0.0, 0, rows=1, deadline_s=1e9)
    batcher.packing = Seconds(0.01)
    batcher.idle(0.01, 0)
    assert batcher.cost_per_s == 0.0
    for number in range(1, 4):
        batcher.arrive(number * 0.1, number, rows=1, deadline_s=1e9)
        batcher.idle(number * 0.1 + 0.02, 0)
    assert batcher.cost_per_s == pytest.approx(0.5), "a row of 0.01 took 0.02 s"
    batcher.arrive(1.0, 9, rows=1, deadline_s=1e9)
    batcher.packing = Seconds(0.02)
    batcher.idle(1.02, 0)
    assert batcher.cost_per_s == pytest.approx(1.0)


class Seconds(Struct, frozen=True):
    """One row a batch, of so many seconds."""

    row_s: float
    rows_max: int = 1

    def cost(self, size):
        return self.row_s

    def expected_s(self, *, rows, size_max, size_sum):
        return self.row_s

    def room(self, *, rows, size_max, candidate, waiting):
        return 0
