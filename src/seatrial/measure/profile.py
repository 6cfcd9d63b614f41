"""Measures what batches cost by rows and size, and how many workers and threads answer most."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import numpy as np
from msgspec import Struct

from seatrial.core.clock import TimeBudget
from seatrial.core.errors import DataError, ModelError, SeatrialError
from seatrial.evidence.documents import Evidence
from seatrial.evidence.recorder import Conditions, Recorder
from seatrial.measure.quiet import steady
from seatrial.models.subject import Subject, natural_size
from seatrial.schedule.learning import Undisturbed
from seatrial.schedule.packing import CostPacking, workers_for
from seatrial.schedule.profile import BatchProfile, Observed, fit
from seatrial.schedule.sampling import plan

Open = Callable[[int], AbstractContextManager[Subject]]
"""``open(threads)`` starts the model in a process of its own that uses so many threads."""

SWEEP_SHARE = 0.5
"""Of the budget for batches alone; the arrangements of workers get the rest."""

ROUNDS_MIN, ROUNDS_MAX = 3, 40
SLICE_S = 0.4
"""How long one arrangement works before another has its turn."""

SLICES = 3
"""Turns of each arrangement; what other work on the machine does to one, it seldom does to all."""

FRONT_S = 1.2e-4
"""CPU seconds of the front for a request, by which workers are counted before it was measured."""

BETTER = 1.03
"""More workers or threads have to answer that much more to be worth their memory."""

ERROR_WIDE = 0.15
"""Median relative error from which a profile is called rough."""


class Arrangement(Struct, frozen=True):
    """So many workers of so many threads, and the rows a second that they answered."""

    workers: int
    threads: int
    rows_per_s: float


class Profiled(Struct, frozen=True):
    """What was measured, as a document and as what a server reads.

    Attributes:
        evidence: Of kind ``profile``.
        cost: What a batch costs.
        workers: How many answer most.
        threads: Threads of each.
        crowding: Speed of a worker while ``k`` compute, at place ``k - 1``.
    """

    evidence: Evidence
    cost: BatchProfile
    workers: int
    threads: int
    crowding: tuple[float, ...]


def measure_profile(
    start: Open,
    inputs: Sequence[Any],
    *,
    at: Conditions,
    budget: TimeBudget,
    rows_max: int,
    cores: int,
    size: Callable[[Any], float] = natural_size,
) -> Profiled:
    """Measure the batch profile of a model.

    Args:
        start: Starts the model with a number of threads.
        inputs: Ordinary inputs, of the sizes that users send.
        at: Conditions.
        budget: When to stop.
        rows_max: Most rows of one batch.
        cores: Cores that workers may use.
        size: Size of a row as the server counts it, which cannot ask the model.

    Raises:
        DataError: There are no inputs.
        SeatrialError: The model answers none of them.
    """
    if not len(inputs):
        raise DataError("there are no inputs to measure with.", hint="Supply at least one row.")
    recorder = Recorder("profile", at=at, settings={"rows_max": rows_max, "cores": cores})
    rng = np.random.default_rng(at.seed)
    rows = list(inputs)
    sizes = [float(size(row)) for row in rows]
    with ExitStack() as stack, steady():
        subject = stack.enter_context(start(1))
        most = rows_max if subject.takes_batches else 1
        sweep = budget.share(SWEEP_SHARE)
        seen = _sweep(subject, rows, sizes, plan(sizes, most), recorder, rng=rng, budget=sweep)
        cost = fit(seen)
        packing = CostPacking(cost, rows_max=most)
        batches = _mixed(sizes, packing, rng)
        arrangements = _arrange(
            subject, stack, start, [[rows[row] for row in batch] for batch in batches],
            cores=cores, budget=budget, recorder=recorder,
        )  # fmt: skip
    workers, threads = _chosen(arrangements, cost, cores=cores, rows_max=most)
    crowding = _crowding(arrangements)
    _record(recorder, seen, cost, packing, arrangements)
    recorder.value("workers", workers, "processes")
    recorder.value("threads", threads, "threads")
    recorder.table("crowding", [{"workers": k + 1, "speed": s} for k, s in enumerate(crowding)])
    return Profiled(recorder.finish(), cost, workers, threads, crowding)


def _sweep(
    subject: Subject,
    rows: list[Any],
    sizes: list[float],
    batches: list[list[int]],
    recorder: Recorder,
    *,
    rng: np.random.Generator,
    budget: TimeBudget,
) -> list[Observed]:
    """Run the batches of a plan again and again, in random order, the first round in its own."""
    seen: list[Observed] = []
    refused: SeatrialError | None = None
    subject.answer([rows[at] for at in batches[0]])  # first for caches and lazy imports
    undisturbed = Undisturbed()
    rounds = 0
    while rounds < ROUNDS_MAX and (rounds == 0 or not budget.spent()):
        order = range(len(batches)) if rounds == 0 else rng.permutation(len(batches))
        for place in order:
            if seen and budget.spent():
                break
            batch = batches[int(place)]
            chosen = [sizes[at] for at in batch]
            try:
                answered = subject.answer([rows[at] for at in batch])
            except ModelError as error:
                refused = error
                continue
            seconds = undisturbed.seconds(answered.elapsed_s, answered.cpu_s)
            seen.append(Observed(len(batch), max(chosen), sum(chosen), seconds))
        rounds += 1
    if not seen:
        raise refused or DataError("the model answered no batch within the time budget.")
    if refused is not None:
        recorder.criticise(f"some batches were not answered: {refused.message}")
    if rounds < ROUNDS_MIN:
        recorder.cut(f"the time budget allowed {rounds} rounds of batches, not {ROUNDS_MIN}")
    return seen


def _mixed(sizes: list[float], packing: CostPacking, rng: np.random.Generator) -> list[list[int]]:
    """Batch the rows as the server would while many wait: like sizes, as many as are cheapest."""
    order = sorted(range(len(sizes)), key=lambda at: sizes[at])
    batches, start = [], 0
    while start < len(order):
        count = packing.best_rows(sizes[order[start]])
        batches.append(order[start : start + count])
        start += count
    return [batches[int(at)] for at in rng.permutation(len(batches))]


def _arrange(
    first: Subject,
    stack: ExitStack,
    start: Open,
    batches: list[list[Any]],
    *,
    cores: int,
    budget: TimeBudget,
    recorder: Recorder,
) -> list[Arrangement]:
    """Let workers and threads share the cores in several ways, in turns."""
    teams: dict[tuple[int, int], list[Subject]] = {}
    singles = [first]
    for workers, threads in _ways(cores):
        if teams and budget.left_s() < SLICE_S * (len(teams) + 1):
            recorder.cut(f"the time budget left out {workers} workers of {threads} threads")
            continue
        team = singles if threads == 1 else []
        while len(team) < workers:
            team.append(stack.enter_context(start(threads)))
        teams[workers, threads] = team[:workers]
    rates: dict[tuple[int, int], list[float]] = {way: [] for way in teams}
    for team in teams.values():
        _work(team, batches, seconds=SLICE_S / 4)  # every process warms up
    while not all(rates.values()) or (
        not budget.spent() and len(min(rates.values(), key=len)) < SLICES
    ):
        for way, team in teams.items():
            rates[way].append(_work(team, batches, seconds=SLICE_S))
    return [
        Arrangement(workers, threads, float(np.median(found)))
        for (workers, threads), found in rates.items()
    ]


def _ways(cores: int) -> list[tuple[int, int]]:
    """Return workers and threads that fill the cores, one alone first.

    >>> _ways(2), _ways(8)
    ([(1, 1), (1, 2), (2, 1)], [(1, 1), (1, 8), (4, 2), (8, 1)])
    """
    return sorted({(1, 1), (1, cores), (cores, 1), *([(cores // 2, 2)] if cores > 1 else [])})


def _work(team: list[Subject], batches: list[list[Any]], *, seconds: float) -> float:
    """Return the rows a second that a team answers, each worker going on as soon as it is done."""
    ends_at = time.perf_counter() + seconds
    stride = max(len(batches) // len(team), 1)

    def one(number: int) -> float:
        begun, answered = time.perf_counter(), 0
        for batch in itertools.islice(itertools.cycle(batches), number * stride, None):
            if time.perf_counter() >= ends_at:
                break
            with contextlib.suppress(ModelError):
                answered += len(team[number].answer(batch).answers)
        return answered / (time.perf_counter() - begun)

    with ThreadPoolExecutor(len(team)) as pool:
        return sum(pool.map(one, range(len(team))))


def _chosen(
    arrangements: list[Arrangement], cost: BatchProfile, *, cores: int, rows_max: int
) -> tuple[int, int]:
    """Return the workers and threads that answer most, the fewest that are as good."""
    needed = workers_for(cost, cores=cores, front_s=FRONT_S, rows_max=rows_max)
    if needed == 1 or not arrangements:
        return needed, 1
    ordered = sorted(arrangements, key=lambda one: one.workers * one.threads)
    best = ordered[0]
    for one in ordered[1:]:
        if one.rows_per_s > best.rows_per_s * BETTER:
            best = one
    return best.workers, best.threads


def _crowding(arrangements: list[Arrangement]) -> tuple[float, ...]:
    """Return the speed of one of ``k`` workers, linear between those that were tried."""
    single = [(one.workers, one.rows_per_s) for one in arrangements if one.threads == 1]
    rates = dict(single)
    if 1 not in rates or len(rates) == 1:
        return (1.0,)
    counts = sorted(rates)
    speeds = [min(rates[count] / (count * rates[1]), 1.0) for count in counts]
    every = np.interp(np.arange(1, counts[-1] + 1), counts, speeds)
    return tuple(round(float(speed), 4) for speed in every)


def _record(
    recorder: Recorder,
    seen: list[Observed],
    cost: BatchProfile,
    packing: CostPacking,
    arrangements: list[Arrangement],
) -> None:
    count = len(seen)
    typical = cost.typical_size
    recorder.value("call_ms", cost.call_s * 1e3, "ms", n=count, method="non-negative least squares")
    recorder.value("row_ms", cost.row_s * 1e3, "ms", n=count)
    recorder.value("cell_us", cost.cell_s * 1e6, "µs", n=count)
    recorder.value("padded_us", cost.padded_s * 1e6, "µs", n=count)
    recorder.value("square_ns", cost.square_s * 1e9, "ns", n=count)
    recorder.value("error", cost.error, "share", n=count, note="median relative error of the fit")
    recorder.value("typical_size", typical, "cells")
    recorder.value("alone_ms", cost.alone(typical) * 1e3, "ms")
    recorder.value("batch_best", packing.best_rows(typical), "rows")
    recorder.value("batched_ms", packing.best_row_s(typical) * 1e3, "ms")
    unlimited = np.isinf(packing.budget)
    recorder.value(
        "padded_budget",
        None if unlimited else packing.budget,
        "cells",
        note="no batch is too large" if unlimited else "",
    )
    if cost.error > ERROR_WIDE:
        recorder.criticise(f"the profile is rough: batches are off by {cost.error:.0%} of its time")
    groups: dict[tuple[float, float, float], list[float]] = {}
    for one in seen:
        groups.setdefault((one.rows, one.size_max, one.size_sum), []).append(one.seconds)
    recorder.table(
        "sweep",
        [
            {
                "rows": rows,
                "size_max": size_max,
                "size_sum": size_sum,
                "ms": float(np.median(seconds)) * 1e3,
                "modelled_ms": cost.seconds(int(rows), size_max, size_sum) * 1e3,
                "n": len(seconds),
            }
            for (rows, size_max, size_sum), seconds in sorted(groups.items())
        ],
    )
    recorder.table(
        "arrangements",
        [
            {"workers": one.workers, "threads": one.threads, "rows_per_s": one.rows_per_s}
            for one in arrangements
        ],
    )
