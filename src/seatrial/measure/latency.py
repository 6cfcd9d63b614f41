"""End-to-end latency at several rates, up to where the budget breaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from seatrial.core.clock import TimeBudget
from seatrial.evidence.documents import Evidence
from seatrial.evidence.recorder import Conditions, Recorder
from seatrial.measure.load.parts import latency_by_part, latency_by_size, steady_quantile
from seatrial.measure.load.result import LoadResult
from seatrial.measure.load.stages import stages
from seatrial.measure.load.summary import LoadSummary, summarise
from seatrial.measure.noise import MachineWatch
from seatrial.measure.ratesearch import RateSearch
from seatrial.measure.ratestep import Limits, Step
from seatrial.measure.service import DEADLINE_MAX_S, WARMUP_SHARE, Service, probe
from seatrial.stats.intervals import LEVEL, wilson

KIND = "latency"

REFERENCE_SHARE = 0.4
"""Of the time budget, kept for the rate whose percentiles are reported."""

PROBE_SHARE = 0.1
STEPS_EXPECTED = 10
STEP_MIN_S, STEP_MAX_S = 0.5, 10.0
STEP_REQUESTS = 20
"""Requests wanted in a step, for which a slow service's steps may be stretched."""

STRETCH = 3.0
REFERENCE_MAX_S = 60.0
ENOUGH = 11_000
"""Requests after which the reference rate is known down to p99.9."""

DEADLINE_MIN_S = 1.0


def measure_latency(
    url: str,
    bodies: Sequence[bytes],
    *,
    at: Conditions,
    budget: TimeBudget,
    limits: Limits | None = None,
    reference_rate_per_s: float | None = None,
    headers: Mapping[str, str] | None = None,
) -> Evidence:
    """Load a service at several rates and report its percentiles at a reference rate.

    A quick probe estimates what the service can do; the curve is drawn at fixed fractions of that,
    upwards until the budget breaks (without one: until a queue grows or requests fail), and the
    break is then narrowed down by bisection. Percentiles are reported at the reference rate, which
    gets the longest measurement. A request that fails counts as one that took until the deadline.

    Args:
        url: Asked with every request.
        bodies: Prepared request bodies, made from real rows, rotated through.
        at: Conditions of the trial.
        budget: How long it may take.
        limits: Latency budget.
        reference_rate_per_s: Where percentiles are reported; default: half of what it sustains.
        headers: Further request headers.

    Raises:
        UnreachableError: Nobody answers at that address.
        DataError: There are no bodies.
    """
    limits = limits or Limits()
    rng = np.random.default_rng(at.seed)
    recorder = Recorder(KIND, at=at, settings={"limits": limits.given(), "bodies": len(bodies)})
    watch = MachineWatch()
    # Files are often sorted (by date, language, length); every rate has to see the same mixture.
    bodies = [bodies[row] for row in rng.permutation(len(bodies))]
    probed = probe(url, bodies, headers or {}, budget.share(PROBE_SHARE))
    if isinstance(probed, LoadSummary):
        return _nothing(recorder, probed)
    recorder.value("unloaded_ms", probed.base_s * 1e3, "ms", method="median of single requests")
    steps, search = _climb(probed, recorder, budget, limits, rng)
    sustained = _sustained(probed, steps)
    reference = reference_rate_per_s or sustained / 2
    recorder.setting("reference_rate_per_s", reference)
    recorder.setting(
        "reference_rate_is", "given" if reference_rate_per_s else "half of what it sustains"
    )
    watch.begin()
    result = _reference(probed, reference, budget, limits, rng)
    steps.append(Step.of(result, reference, probed.base_s, limits))
    # Measured longest, so it has the last word on whether that rate holds.
    search.tell(reference, held=steps[-1].holds, certain=True)
    _report_rates(recorder, steps, search, sustained)
    _report_reference(recorder, result, [len(body) for body in bodies])
    for sentence in watch.criticisms():
        recorder.criticise(sentence)
    return recorder.finish()


def _climb(
    service: Service,
    recorder: Recorder,
    budget: TimeBudget,
    limits: Limits,
    rng: np.random.Generator,
) -> tuple[list[Step], RateSearch]:
    """Try rates until the search is content or its share of the time is spent."""
    mine = budget.share(1.0 - REFERENCE_SHARE)
    duration_s = float(np.clip(mine.left_s() / STEPS_EXPECTED, STEP_MIN_S, STEP_MAX_S))
    deadline_s = _deadline_s(service, limits)
    search, steps = RateSearch(service.capacity_per_s), []
    while (rate := search.next_rate()) is not None:
        if mine.left_s() < duration_s:
            recorder.cut(f"the time budget ended the search for the highest rate at {rate:.0f}/s")
            search.give_up()
            break
        result = service.load(
            rate,
            duration_s=float(np.clip(STEP_REQUESTS / rate, duration_s, STRETCH * duration_s)),
            deadline_s=deadline_s,
            rng=rng,
        )
        step = Step.of(result, rate, service.base_s, limits)
        steps.append(step)
        search.tell(rate, held=step.holds, certain=step.certain)
        if not step.keeps_up:
            service.settle(mine)
        if not step.keeps_up and _own_fault(step):
            recorder.criticise(
                f"at {rate:.0f}/s the load generator was the limit, not the service: the highest "
                "rate is a lower bound"
            )
            break
    return steps, search


def _own_fault(step: Step) -> bool:
    late_ms = step.summary.generator.late_p50_ms or 0.0
    p50_ms = step.summary.percentile("p50").value_ms or 0.0
    return late_ms > p50_ms / 2


def _sustained(service: Service, steps: Sequence[Step]) -> float:
    """Return the highest rate at which no queue grew, whatever the budget says of latency."""
    kept = max((step.rate_per_s for step in steps if step.keeps_up), default=0.0)
    tried = min((step.rate_per_s for step in steps), default=service.capacity_per_s)
    return kept or tried / 2


def _reference(
    service: Service,
    rate_per_s: float,
    budget: TimeBudget,
    limits: Limits,
    rng: np.random.Generator,
) -> LoadResult:
    duration_s = min(budget.left_s() / (1 + WARMUP_SHARE), ENOUGH / rate_per_s, REFERENCE_MAX_S)
    return service.load(
        rate_per_s,
        duration_s=max(duration_s, STEP_MIN_S),
        deadline_s=2 * _deadline_s(service, limits),
        rng=rng,
    )


def _deadline_s(service: Service, limits: Limits) -> float:
    """Return a wait that no budget allows, yet short enough to leave an overload soon."""
    allowed_s = max(limits.given().values(), default=0.0) / 1e3
    return float(np.clip(max(2 * allowed_s, 10 * service.base_s), DEADLINE_MIN_S, DEADLINE_MAX_S))


def _report_rates(
    recorder: Recorder, steps: Sequence[Step], search: RateSearch, sustained: float
) -> None:
    held = search.highest_held
    note = ""
    if held is None:
        broken = [step for step in steps if not step.holds]
        slowest = min(broken, key=lambda step: step.rate_per_s, default=None)
        note = "no rate was tried" if slowest is None else f"even {_broken(slowest)}"
    elif search.lowest_broken is None:
        note = "no rate that was tried broke it"
    recorder.value(
        "rate_max_per_s",
        held,
        "requests/s",
        low=held,
        high=search.lowest_broken,
        method="highest Poisson rate that held; high is the lowest that did not",
        note=note,
    )
    recorder.value("sustained_per_s", sustained, "requests/s", method="no queue grew")
    recorder.table("rates", sorted((step.row() for step in steps), key=_rate))


def _rate(row: Mapping[str, Any]) -> float:
    return float(row["rate_per_s"])


def _broken(step: Step) -> str:
    what = [
        "errors" if name == "errors" else f"{name} {step.summary.percentile(name).value_ms:.0f} ms"
        for name in step.over
    ]
    return f"{step.rate_per_s:.1f}/s broke it: {', '.join(what) or 'a queue grew'}"


def _report_reference(recorder: Recorder, result: LoadResult, lengths: Sequence[int]) -> None:
    summary = summarise(result)
    for row in summary.latency:
        recorder.value(
            row.name.replace(".", "") + "_ms",
            row.value_ms,
            "ms",
            n=summary.offered,
            low=row.low_ms,
            high=row.high_ms,
            level=LEVEL,
            method="exact, from the scheduled arrival; interval from order statistics",
            note=row.why,
        )
    for name, q in (("p50", 0.50), ("p95", 0.95), ("p99", 0.99)):
        recorder.value(
            f"{name}_steady_ms",
            steady_quantile(result, q) * 1e3,
            "ms",
            n=summary.offered,
            method="without the stretch of time that raised it most",
        )
    failed = summary.offered - summary.answered
    ends = wilson(failed, summary.offered)
    recorder.value(
        "error_rate",
        summary.error_rate,
        "share",
        n=summary.offered,
        low=ends.low,
        high=ends.high,
        level=ends.level,
        method=ends.method,
        note="; ".join(f"{status}: {text}" for status, text in summary.examples.items()),
    )
    recorder.value("generator_late_p99_ms", summary.generator.late_p99_ms, "ms")
    recorder.table("parts", [msgspec.structs.asdict(part) for part in latency_by_part(result)])
    recorder.table("stages", [msgspec.structs.asdict(stage) for stage in stages(result)])
    recorder.table(
        "sizes", [msgspec.structs.asdict(size) for size in latency_by_size(result, lengths)]
    )
    for sentence in summary.criticisms:
        recorder.criticise(sentence)


def _nothing(recorder: Recorder, summary: LoadSummary) -> Evidence:
    why = ", ".join(f"{count} x {kind}" for kind, count in summary.errors.items())
    said = "; ".join(f"{status}: {text}" for status, text in summary.examples.items())
    note = f"no request was answered ({why}) {said}".strip()
    for name in ("p50_ms", "p90_ms", "p95_ms", "p99_ms", "p999_ms"):
        recorder.value(name, None, "ms", note=note)
    recorder.value("rate_max_per_s", None, "requests/s", note=note)
    recorder.value("error_rate", 1.0, "share", n=summary.offered, note=note)
    recorder.criticise(note)
    return recorder.finish()
