"""How a model behaves in batches: speed, memory, cliffs, and whether company changes answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from seatrial.core.clock import TimeBudget
from seatrial.core.errors import DataError, SeatrialError
from seatrial.evidence.documents import Evidence
from seatrial.evidence.recorder import Conditions, Recorder
from seatrial.measure.asking import Asker, sizes_of
from seatrial.measure.cliffs import Cliff, alike, measure_cliffs, suspects
from seatrial.measure.company import (
    ALONE_SHARE,
    BEYOND,
    CELLS_SHARE,
    Company,
    Compared,
    answer_alone,
    in_order_of_use,
    repeated,
)
from seatrial.measure.dependence import Control, Controls, Onset
from seatrial.measure.pairing import LEVEL, Ratio
from seatrial.measure.quiet import steady
from seatrial.measure.rowloop import GAIN_BATCH, Loop, find_loop, gains, shortened
from seatrial.measure.sweep import MIB, Sweep, Sweeper, Visit, limit_of
from seatrial.models.subject import Subject

SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
SWEEP_SHARE, LOOP_SHARE, CLIFF_SHARE = 0.22, 0.1, 0.18
"""Parts of the whole budget; company gets what is left, at least half."""

P99_CALLS = 100
"""Calls below which the 99th percentile is the longest one seen."""

FEW_ROWS = 32


def measure_batching(
    subject: Subject,
    inputs: Sequence[Any],
    *,
    at: Conditions,
    budget: TimeBudget,
    sizes: Sequence[int] = SIZES,
    memory_gib: float | None = None,
) -> Evidence:
    """Measure a model at several batch sizes.

    Args:
        subject: What is measured.
        inputs: Ordinary inputs, the more different the better.
        at: Conditions; the seed decides order and company.
        budget: When to stop.
        sizes: Rows a call.
        memory_gib: Memory of the target machine; no batch beyond it is tried.

    Returns:
        Evidence of kind ``batching``. Values: ``items_per_s_max``, ``batch_best``, ``speedup``,
        ``speedup_shortest``, ``bytes_per_row``, ``per_row_share``,
        ``changed_answers``, ``repeat_changed``. Tables: ``sweep``, ``memory``, ``cliffs``,
        ``trace``, ``company``, ``controls``, ``onsets``.

    Raises:
        DataError: There are no inputs.
        SeatrialError: The model answers none of them.
    """
    if not len(inputs):
        raise DataError("there are no inputs to measure with.", hint="Supply at least one row.")
    chosen = sorted(set(sizes))
    recorder = Recorder("batching", at=at, settings={"sizes": chosen, "budget_s": budget.seconds})
    recorder.table("sweep", ())
    if len(inputs) < max(chosen):
        recorder.criticise(
            f"{len(inputs)} inputs fill batches of up to {max(chosen)}: they are repeated"
        )
    with steady():
        _measure_all(
            subject,
            list(inputs),
            chosen,
            recorder,
            rng=np.random.default_rng(at.seed),
            budget=budget,
            gib=memory_gib,
        )
    return recorder.finish()


def _measure_all(
    subject: Subject,
    rows: list[Any],
    sizes: list[int],
    recorder: Recorder,
    *,
    rng: np.random.Generator,
    budget: TimeBudget,
    gib: float | None,
) -> None:
    row_sizes = sizes_of(subject, rows)
    if subject.takes_batches:
        _measure_speed(subject, rows, row_sizes, sizes, recorder, rng=rng, budget=budget, gib=gib)
    else:
        note = "the endpoint takes one input a request"
        for name in ("items_per_s_max", "batch_best", "speedup", "bytes_per_row"):
            recorder.value(name, None, note=note)
        recorder.criticise(
            "the endpoint takes one input a request: company means requests at the same time"
        )
    _measure_company(subject, rows, sizes, recorder, rng=rng, budget=budget)


def _measure_speed(
    subject: Subject,
    rows: list[Any],
    row_sizes: list[int],
    sizes: list[int],
    recorder: Recorder,
    *,
    rng: np.random.Generator,
    budget: TimeBudget,
    gib: float | None,
) -> None:
    largest = int(np.argmax(row_sizes))
    sweeper = Sweeper(
        subject,
        rows,
        largest=largest,
        rng=rng,
        budget=part(budget, SWEEP_SHARE),
        limit_bytes=limit_of(gib),
    )
    sweep = sweeper.run(sizes, recorder)
    _record_sweep(recorder, sweep)
    _record_memory(recorder, sweep)
    if not sweep.visits:
        return
    top = max(visit.batch for visit in sweep.visits)
    shortest = shortened(rows[int(np.argmin(row_sizes))])
    try:
        ordinary, short = gains(
            subject,
            alike(rows, row_sizes, rng),
            shortest,
            batch=min(GAIN_BATCH, top),
            budget=part(budget, LOOP_SHARE),
        )
        loop = find_loop(subject, rows)
        _record_loop(recorder, loop, ordinary, short, batch=min(GAIN_BATCH, top))
        cliffs = measure_cliffs(
            subject,
            rows,
            row_sizes,
            suspects(sweep.visits),
            rng=rng,
            budget=part(budget, CLIFF_SHARE),
        )
        _record_cliffs(recorder, cliffs)
    except SeatrialError as error:
        recorder.criticise(f"timing ended early: {error.message}")


def _measure_company(
    subject: Subject,
    rows: list[Any],
    sizes: list[int],
    recorder: Recorder,
    *,
    rng: np.random.Generator,
    budget: TimeBudget,
) -> None:
    with Asker(subject) as asker:
        alone = answer_alone(asker, rows, rng=rng, budget=budget.share(ALONE_SHARE))
        if alone.refused:
            recorder.criticise(f"{alone.refused} rows were refused even alone and left out")
        if not alone.answers:
            raise DataError(
                f"the model answered none of {alone.refused} rows alone: {alone.why}",
                hint="Check that the inputs are what the model takes.",
            )
        company = Company(asker, alone, rng=rng)
        beyond = [size for size in BEYOND if size > max(sizes)] if subject.takes_batches else []
        wanted = in_order_of_use([size for size in sizes if size > 1], beyond)
        compared = company.compare(wanted, budget=budget.share(CELLS_SHARE))
        if compared.left_out:
            recorder.cut(f"the time budget left out {compared.left_out} arrangements of company")
        changed, asked = repeated(asker, compared, rng=rng, budget=budget.share(0.3))
        controls = Controls(asker, compared, budget=budget)
        _record_company(recorder, compared, controls.controls(), controls.onsets())
    recorder.value(
        "repeat_changed",
        changed,
        "answers",
        n=asked,
        method="the same rows asked again, alone and as the same batch",
    )


def part(budget: TimeBudget, fraction: float) -> TimeBudget:
    """Return a budget of that fraction of the whole, as far as it is left."""
    return TimeBudget(min(budget.left_s(), fraction * budget.seconds), clock=budget.clock)


def _record_sweep(recorder: Recorder, sweep: Sweep) -> None:
    recorder.table("sweep", [_sweep_row(visit) for visit in sweep.visits])
    if sweep.refused:
        size, refusal = sweep.refused
        recorder.criticise(
            f"batch {size} was not answered ({refusal.raised}: {refusal.message}); the sweep "
            "ended there"
        )
    if not sweep.visits:
        return
    few = [str(visit.batch) for visit in sweep.visits if len(visit.calls_s) < P99_CALLS]
    if few:
        recorder.criticise(
            f"p99 rests on fewer than {P99_CALLS} calls at batch {', '.join(few)}: it is near the "
            "longest one seen"
        )
    best = max(sweep.visits, key=lambda visit: visit.items_per_s)
    recorder.value(
        "items_per_s_max",
        best.items_per_s,
        "items/s",
        n=len(best.rates),
        low=min(best.rates),
        high=max(best.rates),
        method="median over visits; low and high are the extremes",
    )
    recorder.value("batch_best", best.batch, "rows")


def _sweep_row(visit: Visit) -> dict[str, Any]:
    calls_ms = np.asarray(visit.calls_s) * 1e3
    return {
        "batch": visit.batch,
        "items_per_s": visit.items_per_s,
        "p50_ms": float(np.quantile(calls_ms, 0.5)),
        "p99_ms": float(np.quantile(calls_ms, 0.99)),
        "rounds": len(visit.rates),
        "calls": len(visit.calls_s),
        "spread": visit.spread,
        "peak_mib": None if visit.peak_bytes is None else visit.peak_bytes / MIB,
        "rss_mib": None if visit.rss_bytes is None else visit.rss_bytes / MIB,
    }


def _record_memory(recorder: Recorder, sweep: Sweep) -> None:
    """Record bytes per row and what was too large to try."""
    peaks = sorted(sweep.peaks.items())
    recorder.table("memory", [{"batch": size, "peak_mib": peak / MIB} for size, peak in peaks])
    if len(peaks) < 2:  # noqa: PLR2004  (a slope needs two points)
        note = "seen from inside only" if not sweep.peaks else "too few sizes could be traced"
        recorder.value("bytes_per_row", None, "B", note=note)
        return
    batches, peak_bytes = np.array(peaks, dtype=float).T
    slope = (peak_bytes[-1] - peak_bytes[0]) / (batches[-1] - batches[0])
    recorder.value("bytes_per_row", slope, "B", n=len(peaks), method="slope of the traced peak")
    if sweep.feared:
        size, feared = sweep.feared
        recorder.value("memory_feared", feared, "B", note=f"expected at batch {size}, not tried")


def _record_loop(
    recorder: Recorder, loop: Loop | None, ordinary: Ratio, short: Ratio, *, batch: int
) -> None:
    for name, ratio in (("speedup", ordinary), ("speedup_shortest", short)):
        recorder.value(
            name,
            ratio.value,
            "ratio",
            n=ratio.pairs,
            low=ratio.low,
            high=ratio.high,
            level=LEVEL,
            method=f"throughput at batch {batch} over batch 1, in pairs on the same rows",
        )
    if loop is None:
        recorder.value("per_row_share", None, "share", note="the inside cannot be seen")
        recorder.table("trace", ())
        return
    recorder.value(
        "per_row_share",
        loop.share,
        "share",
        method="time in what runs once per row, from two traces",
    )
    recorder.table("trace", [msgspec.to_builtins(line) for line in loop.lines])


def _record_cliffs(recorder: Recorder, cliffs: list[Cliff]) -> None:
    recorder.table(
        "cliffs",
        [
            {
                "batch_before": cliff.batch_before,
                "batch": cliff.batch,
                "ratio": cliff.ratio.value,
                "low": cliff.ratio.low,
                "high": cliff.ratio.high,
                "pairs": cliff.ratio.pairs,
            }
            for cliff in cliffs
        ],
    )
    for cliff in cliffs:
        if cliff.ratio.value is None:
            recorder.cut(f"a fall at batch {cliff.batch} could not be measured again in time")


def _record_company(
    recorder: Recorder, compared: Compared, controls: list[Control], onsets: list[Onset]
) -> None:
    recorder.table("company", [msgspec.to_builtins(cell) for cell in compared.cells])
    recorder.table("controls", [msgspec.to_builtins(control) for control in controls])
    recorder.table("onsets", [msgspec.to_builtins(onset) for onset in onsets])
    changed = {change.row for change in compared.changes}
    real = any(control.reproduced for control in controls)
    recorder.value(
        "changed_answers",
        len(changed) if real else 0,
        "answers",
        n=len(compared.alone),
        method="rows answered otherwise in any company than alone",
        note="" if real or not changed else f"{len(changed)} changed once and not again",
    )
    recorder.value("graded", float(compared.ruler.graded), "", note="answers hold fine numbers")
    if len(compared.alone) < FEW_ROWS:
        recorder.criticise(f"only {len(compared.alone)} rows were compared alone and in company")
