"""Throughput, latency and memory of a model at each batch size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import psutil
from msgspec import Struct

from seatrial.core.clock import TimeBudget
from seatrial.core.errors import SeatrialError
from seatrial.evidence.machine import GIB
from seatrial.evidence.recorder import Recorder
from seatrial.measure.asking import Refused
from seatrial.models.subject import Subject

ROUNDS_MIN, ROUNDS_MAX = 3, 15
"""Visits to each size; fewer than three have no spread."""

VISIT_S = 0.002
"""How long one visit should last, so that the clock and the call around it do not count."""

VISIT_CALLS_MAX = 20
TRACED_SIZES = (1, 4, 16, 32, 64, 128, 256)
"""Sizes at which memory is traced; tracing is slow."""

MEMORY_ALSO = 512
"""Size past the sweep at which memory is traced too: there a square shows beside a workspace of
fixed size, which smaller batches share."""

MEMORY_ALSO_BYTES = 256 * 1024**2
"""Memory that this one look may be expected to take."""

TRACE_SHARE = 0.25
"""Part of the budget that tracing may take."""

TRACE_GROWTH = 4.0
"""How much longer the next traced size may take than the last."""

GROWTH_FEARED = 2.0
"""Exponent assumed of memory that was seen at smaller sizes only: squares are the usual fault."""

MEMORY_SHARE = 0.5
"""Part of the free memory that a measurement may be expected to take."""

MIB = 1024**2
SPREAD_WIDE = 0.25
"""Median absolute deviation over median from which a throughput is called unsteady."""


class Visit(Struct, frozen=True):
    """What was seen at one size."""

    batch: int
    calls_s: tuple[float, ...]
    rates: tuple[float, ...]
    rss_bytes: int | None
    peak_bytes: int | None

    @property
    def items_per_s(self) -> float:
        """Throughput of the median call, which a call that the machine interrupted leaves alone."""
        return self.batch / max(float(np.median(self.calls_s)), 1e-9) if self.calls_s else 0.0

    @property
    def best_per_s(self) -> float:
        """Throughput of the fastest tenth of the calls."""
        return self.batch / max(float(np.quantile(self.calls_s, 0.1)), 1e-9)

    @property
    def spread(self) -> float:
        """Median absolute deviation of the throughput between visits, relative to its median."""
        middle = float(np.median(self.rates))
        return float(np.median(np.abs(np.asarray(self.rates) - middle))) / max(middle, 1e-9)


class Sweep(Struct, frozen=True):
    """All sizes that could be measured, and the traces taken on the way.

    Attributes:
        visits: One per size, ascending.
        peaks: Bytes held at once, by size; empty where the inside cannot be seen.
        refused: The first size that was not answered, and why.
        feared: The first size left out because of its memory, and the bytes expected.
    """

    visits: tuple[Visit, ...]
    peaks: dict[int, int]
    refused: tuple[int, Refused] | None = None
    feared: tuple[int, float] | None = None


class Sweeper:
    """Runs one sweep.

    Args:
        subject: What is measured.
        rows: Inputs, cycled where there are fewer than a batch holds.
        largest: Index of the largest row; memory is measured with it in company, because it sets
            the width of padded batches.
        rng: Order of visits and choice of rows.
        budget: When to stop.
        limit_bytes: Memory beyond which no larger batch is tried; default: half of what is free.
    """

    def __init__(
        self,
        subject: Subject,
        rows: Sequence[Any],
        *,
        largest: int,
        rng: np.random.Generator,
        budget: TimeBudget,
        limit_bytes: float | None = None,
    ) -> None:
        self._subject = subject
        self._rows = rows
        self._largest = largest
        self._rng = rng
        self._budget = budget
        free = psutil.virtual_memory().available * MEMORY_SHARE
        self._limit_bytes = free if limit_bytes is None else min(free, limit_bytes)
        self._peaks: dict[int, int] = {}
        self._expected_s: dict[int, float] = {}
        self._rss: dict[int, int] = {}
        self._calls_s: dict[int, list[float]] = {}
        self._rates: dict[int, list[float]] = {}
        self._refused: tuple[int, Refused] | None = None
        self._feared: tuple[int, float] | None = None

    def run(self, sizes: Sequence[int], recorder: Recorder) -> Sweep:
        """Warm up from small to large, then visit the sizes in random order."""
        reached = self._ascend(sorted(sizes), recorder)
        rounds = self._rounds(reached)
        if reached and rounds < ROUNDS_MIN:
            recorder.cut(f"the time budget allowed {rounds} rounds of the sweep, not {ROUNDS_MIN}")
        visits = tuple(self._visit(size) for size in reached if self._rates.get(size))
        unsteady = [str(visit.batch) for visit in visits if visit.spread > SPREAD_WIDE]
        if unsteady:
            recorder.criticise(
                f"throughput varies by more than {SPREAD_WIDE:.0%} at batch {', '.join(unsteady)}"
            )
        return Sweep(visits, self._peaks, self._refused, self._feared)

    def _ascend(self, sizes: list[int], recorder: Recorder) -> list[int]:
        reached: list[int] = []
        allowance = self._budget.share(0.5)
        tracing = self._budget.share(TRACE_SHARE) if self._subject.visible else None
        last_s = 0.0
        for size in sizes:
            growth = size / reached[-1] if reached else 1.0
            if reached and last_s * growth > allowance.left_s():
                recorder.cut(f"the time budget ended the sweep before batch {size}")
                break
            if self._too_large(size):
                recorder.cut(f"batch {size} was left out: it may not fit the memory")
                break
            seconds = self._warm(size)
            if seconds is None:
                break
            last_s = seconds
            reached.append(size)
            if tracing is not None and size in TRACED_SIZES:
                tracing = self._trace(size, tracing)
        self._look_beyond(reached, tracing, last_s)
        return reached

    def _look_beyond(self, reached: list[int], tracing: TimeBudget | None, last_s: float) -> None:
        if tracing is None or not self._peaks or max(self._peaks) != max(reached):
            return
        growth = MEMORY_ALSO / max(reached)
        feared = max(self._peaks.values()) * growth**GROWTH_FEARED
        affordable = last_s * growth**GROWTH_FEARED < tracing.left_s()
        if growth > 1.0 and affordable and feared < min(self._limit_bytes, MEMORY_ALSO_BYTES):
            self._trace(MEMORY_ALSO, tracing)

    def _warm(self, size: int) -> float | None:
        """Call twice, the first for caches and lazy imports; the second is kept."""
        batch = self._batch(size)
        try:
            self._subject.answer(batch)
            answered = self._subject.answer(batch)
        except SeatrialError as error:
            self._refused = (size, Refused.of(error))
            return None
        self._expected_s[size] = answered.elapsed_s
        if answered.rss_bytes is not None:
            self._rss[size] = answered.rss_bytes
        self._calls_s[size] = []
        self._rates[size] = []
        return answered.elapsed_s

    def _trace(self, size: int, tracing: TimeBudget) -> TimeBudget | None:
        before = tracing.left_s()
        try:
            trace = self._subject.trace(self._batch(size))
        except SeatrialError:
            return None
        if trace is None or not trace.peak_bytes:
            return None
        self._peaks[size] = trace.peak_bytes
        spent = before - tracing.left_s()
        return tracing if spent * TRACE_GROWTH < tracing.left_s() else None

    def _batch(self, size: int) -> list[Any]:
        """Return the largest row and others: the same worst case at every size."""
        others = np.resize(self._rng.permutation(len(self._rows)), size - 1)
        return [self._rows[self._largest], *(self._rows[int(at)] for at in others)]

    def _too_large(self, size: int) -> bool:
        if not self._peaks:
            return False
        last = max(self._peaks)
        feared = self._peaks[last] * (size / last) ** max(1.0, self._exponent())
        if feared <= self._limit_bytes:
            return False
        self._feared = (size, feared)
        return True

    def _exponent(self) -> float:
        """Return the power with which memory grew so far; a square where nobody knows yet."""
        if len(self._peaks) < 2:  # noqa: PLR2004  (a slope needs two points)
            return GROWTH_FEARED
        small, large = sorted(self._peaks)[-2:]
        return float(np.log(self._peaks[large] / self._peaks[small]) / np.log(large / small))

    def _rounds(self, sizes: list[int]) -> int:
        done = 0
        while sizes and done < ROUNDS_MAX and not self._budget.spent():
            for at in self._rng.permutation(len(sizes)):
                if done and self._budget.spent():
                    return done
                self._measure(sizes[int(at)])
            done += 1
        return done

    def _measure(self, size: int) -> None:
        expected_s = self._expected_s[size]
        calls = int(np.clip(VISIT_S / max(expected_s, 1e-9), 1, VISIT_CALLS_MAX))
        spent = []
        for _ in range(calls):
            chosen = np.resize(self._rng.permutation(len(self._rows)), size)
            batch = [self._rows[int(at)] for at in chosen]
            try:
                answered = self._subject.answer(batch)
            except SeatrialError:
                return
            spent.append(answered.elapsed_s)
            if answered.rss_bytes is not None:
                self._rss[size] = max(self._rss.get(size, 0), answered.rss_bytes)
        self._calls_s[size] += spent
        self._rates[size].append(size / max(float(np.median(spent)), 1e-9))

    def _visit(self, size: int) -> Visit:
        return Visit(
            batch=size,
            calls_s=tuple(self._calls_s[size]),
            rates=tuple(self._rates[size]),
            rss_bytes=self._rss.get(size),
            peak_bytes=self._peaks.get(size),
        )


def limit_of(memory_gib: float | None) -> float | None:
    """Return the memory limit in bytes of a target machine."""
    return None if memory_gib is None else memory_gib * GIB
