"""A world around the scheduler: requests come, workers take time, all at once and in no time."""

from __future__ import annotations

import heapq
import itertools
import math
from dataclasses import dataclass, field

import pytest

from seatrial.schedule.admission import Admission, Refused
from seatrial.schedule.batcher import Batcher, Expired, Rejected, Run


@dataclass
class Asked:
    at_s: float
    rows: int = 1
    size: float = 1
    key: str = ""
    patience_s: float = 1.0
    deferred: bool = False
    retries: int = 0


@dataclass
class Fate:
    outcome: str
    at_s: float
    latency_s: float
    reason: str = ""


@dataclass
class World:
    """Drives a batcher, behind admission if there is one."""

    batcher: Batcher
    workers: int
    seconds: object  # (now_s, sizes) -> how long a batch takes
    admission: Admission | None = None
    watch: object = None  # called at every arrival
    aside: object = None  # (now_s, number) -> whether one that is refused is put aside
    after: object = None  # (asked, fate) -> what its caller asks next, if anything
    fates: dict = field(default_factory=dict)
    batches: list = field(default_factory=list)

    def run(self, asked):
        self.asked = list(asked)
        self.left = [a.rows for a in self.asked]
        self.count = itertools.count()
        self.events = [(a.at_s, next(self.count), "come", n) for n, a in enumerate(self.asked)]
        heapq.heapify(self.events)
        self.running = {}
        for worker in range(self.workers):
            self._obey(0.0, self.batcher.idle(0.0, worker))
        while self.events:
            tick_s = self.batcher.wakes_at_s()
            if tick_s <= self.events[0][0]:
                self._obey(tick_s, self.batcher.tick(tick_s))
                continue
            now_s, _, kind, which = heapq.heappop(self.events)
            if kind == "come":
                self._come(now_s, which)
            else:
                self._finish(now_s, which)
        return self

    def _come(self, now_s, n):
        a = self.asked[n]
        if self.watch is not None:
            self.watch(now_s)
        deadline_s, deferred = now_s + a.patience_s, a.deferred
        if self.admission is not None and not a.deferred:
            verdict = self.admission.admit(
                now_s,
                rows=a.rows,
                sizes=a.size,
                deadline_s=deadline_s,
                key=a.key,
                retries=a.retries,
            )
            if isinstance(verdict, Refused):
                deferred = self.aside is not None and self.aside(now_s, n)
                deadline_s = now_s + 600.0
            if isinstance(verdict, Refused) and not deferred:
                self._end(n, Fate("refused", now_s, 0.0, verdict.reason))
                return
        self._obey(
            now_s,
            self.batcher.arrive(
                now_s,
                n,
                rows=a.rows,
                deadline_s=deadline_s,
                sizes=a.size,
                key=a.key,
                deferred=deferred,
            ),
        )

    def _finish(self, now_s, worker):
        parts = self.running.pop(worker)
        for part in parts:
            self.left[part.request] -= part.stop - part.start
            if self.left[part.request] == 0 and part.request not in self.fates:
                asked = self.asked[part.request]
                self._end(part.request, Fate("answered", now_s, now_s - asked.at_s))
                self.batcher.done(part.request)
        self._obey(now_s, self.batcher.idle(now_s, worker))

    def _obey(self, now_s, decisions):
        for decision in decisions:
            if isinstance(decision, Run):
                sizes = []
                for part in decision.parts:
                    assert part.request not in self.fates, "nobody waits for it"
                    sizes += [self.asked[part.request].size] * (part.stop - part.start)
                self.running[decision.worker] = decision.parts
                self.batches.append((now_s, decision.worker, decision.parts))
                ends_s = now_s + self.seconds(now_s, sizes)
                heapq.heappush(self.events, (ends_s, next(self.count), "end", decision.worker))
            elif isinstance(decision, Expired | Rejected):
                kind = "expired" if isinstance(decision, Expired) else "rejected"
                self._end(decision.request, Fate(kind, now_s, math.nan))

    def _end(self, n, fate):
        assert n not in self.fates, "one outcome each"
        self.fates[n] = fate
        if self.after is not None:
            again = self.after(self.asked[n], fate)
            if again is not None:
                self.asked.append(again)
                self.left.append(again.rows)
                heapq.heappush(
                    self.events, (again.at_s, next(self.count), "come", len(self.asked) - 1)
                )

    def outcomes(self, *, since_s=0.0, until_s=math.inf, key=None):
        """Fates of the requests that came in that time."""
        return [
            self.fates[n]
            for n, a in enumerate(self.asked)
            if since_s <= a.at_s < until_s and (key is None or a.key == key)
        ]

    def goodput(self, since_s, until_s, key=None):
        """Answers within the deadline per second."""
        good = sum(
            fate.outcome == "answered"
            and since_s <= fate.at_s < until_s
            and (key is None or self.asked[n].key == key)
            for n, fate in self.fates.items()
        )
        return good / (until_s - since_s)


@pytest.fixture
def world():
    return World


@pytest.fixture
def asked():
    return Asked


@pytest.fixture
def poisson():
    """Arrivals at a rate that may change with time."""

    def draw(random_, rate, until_s, since_s=0.0, **given):
        at_s, drawn = since_s, []
        while True:
            now = rate(at_s) if callable(rate) else rate
            at_s += random_.expovariate(now)
            if at_s >= until_s:
                return drawn
            drawn.append(Asked(at_s, **given))

    return draw
