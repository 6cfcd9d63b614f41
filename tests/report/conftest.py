"""Documents as a trial would make them: everything, little, nothing, and hostile."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from seatrial.evidence.documents import Evidence, Value
from seatrial.evidence.findings import FailureResult, ItemResult, TrialDocument
from seatrial.evidence.gap import (
    Answered,
    Estimate,
    GapDocument,
    Metric,
    Production,
    Slice,
    Step,
)
from seatrial.evidence.machine import Machine

HOSTILE = (
    "<a href=//e.x>go</a></script><script>window.owned=1</script><img src=x onerror=window.owned=2>"
    "\"'`{{7*7}}[red]bold[/red]\x1b[31m\u202eeht\u202c\u2028\x00\ud800"
    '<a href="https://evil.example/">$\\alpha$%{x}&lt;b&gt;'
)
"""What a user may send, and a report must show without obeying it."""

MACHINE = Machine(
    cpu="AMD EPYC 7763 64-Core Processor",
    cores=2,
    memory_gib=7.8,
    accelerator=None,
    system="Linux 6.8.0",
    python="3.11.9",
    versions={"seatrial": "0.1.0", "numpy": "2.1.3", "scikit-learn": "1.6.1"},
)
RELEASE = "tickets@3f2a9c0d4b7e81a6f5c2d9e03b1a7c4f6d8e2b5a9c7f1e3d4b6a8c0e2f4d6b81"
STARTED = "2025-03-14T09:26:53+00:00"

WEEKS = {
    1: ("batch-profile", "precision-variants", "end-to-end-latency", "latency-budget"),
    3: ("production-sample", "production-evaluation", "data-quality", "kill-threshold"),
    5: ("pinned-dependencies", "integration-tests", "memory-per-request", "cache-invalidation"),
    7: ("percentiles", "separate-metrics", "slo-alerts", "review-sample"),
    9: ("warm-up", "confidence", "beta-program", "rollback-plan"),
    11: ("unit-cost", "unit-margin", "growth-plan", "degradation-plan"),
}


def _batching() -> Evidence:
    rates = {1: 1310, 2: 2490, 4: 4700, 8: 8600, 16: 14900, 32: 23800, 64: 33100, 128: 41200}
    rates[256] = 27600
    return Evidence(
        kind="batching",
        release=RELEASE,
        machine=MACHINE,
        started=STARTED,
        duration_s=11.4,
        seed=7,
        settings={"sizes": list(rates), "rounds": 20},
        values=(
            Value(name="items_per_s_max", value=41200, unit="items/s", n=20, low=39800, high=42400),
            Value(name="batch_best", value=128, unit="rows"),
            Value(name="speedup", value=31.4, unit="ratio"),
            Value(name="changed_answers", value=14, unit="answers", n=100),
            Value(name="bytes_per_row", value=None, unit="B", note="memory did not move"),
        ),
        tables={
            "sweep": tuple(
                {
                    "batch": size,
                    "items_per_s": rate,
                    "p50_ms": 1000 * size / rate,
                    "p99_ms": 1300 * size / rate,
                    "rounds": 20,
                    "peak_mib": 0.4 * size,
                    "rss_mib": 212.0,
                }
                for size, rate in rates.items()
            ),
            "cliffs": (
                {"batch_before": 128, "batch": 256, "ratio": 0.67, "low": 0.6, "high": 0.7},
            ),
            "company": (
                {
                    "company": "longer rows",
                    "batch": 32,
                    "compared": 100,
                    "changed": 14,
                    "max_difference": 0.31,
                    "example": {"alone": "billing", "in_company": "refund"},
                },
            ),
        },
        criticisms=("the machine was busy: the spread between rounds was 18 %",),
    )


def _latency(*, budget: bool) -> Evidence:
    limits = {"p50": 20.0, "p95": 50.0, "p99": 200.0}
    rows = [(25, 2.1, 4.0, 6.2), (50, 2.3, 5.1, 9.8), (100, 3.0, 12.0, 31.0)]
    rows += [(200, 6.5, 41.0, 118.0), (400, 61.0, 390.0, 720.0)]
    return Evidence(
        kind="latency",
        release=RELEASE,
        machine=MACHINE,
        started=STARTED,
        duration_s=24.0,
        seed=7,
        settings={"reference_rate_per_s": 100, "limits": limits if budget else {}},
        values=(
            Value(name="p50_ms", value=3.0, unit="ms", n=1000, low=2.9, high=3.1),
            Value(name="p95_ms", value=12.0, unit="ms", n=1000, low=10.6, high=14.2),
            Value(name="p99_ms", value=31.0, unit="ms", n=1000, low=24.0, high=44.0),
            Value(name="p999_ms", value=None, unit="ms", note="needs 10,000 requests"),
            Value(name="rate_max_per_s", value=200, unit="requests/s"),
            Value(name="error_rate", value=0.0, unit="ratio", n=1000),
        ),
        tables={
            "rates": tuple(
                {
                    "rate_per_s": rate,
                    "offered": rate * 5,
                    "answered": rate * 5,
                    "errors": 0,
                    "timeouts": 0,
                    "achieved_per_s": rate * 0.99,
                    "duration_s": 5.0,
                    "p50_ms": p50,
                    "p90_ms": p95 * 0.8,
                    "p95_ms": p95,
                    "p99_ms": p99,
                    "p999_ms": None,
                    "max_ms": p99 * 1.3,
                    "within_budget": p50 <= 20 and p95 <= 50 and p99 <= 200,
                }
                for rate, p50, p95, p99 in rows
            ),
            "stages": (
                {"stage": "queue", "p50_ms": 0.2, "p99_ms": 21.0, "share_of_tail": 0.68},
                {"stage": "model", "p50_ms": 2.2, "p99_ms": 8.0, "share_of_tail": 0.26},
            ),
        },
        criticisms=("the last rate was cut short by the time budget",),
        cut_short=True,
    )


def _variants() -> Evidence:
    original = {
        "name": "original", "state": "measured", "why": "", "accuracy": 0.813,
        "change_points": 0.0, "low": 0.0, "high": 0.0, "n": 1821, "size_mib": 18.2,
        "p50_ms": 2.2, "items_per_s": 41200, "speedup": 1.0, "changed_answers": 0,
    }  # fmt: skip
    fp32 = original | {
        "name": "onnx-fp32", "speedup": 2.4, "change_points": -0.1, "low": -0.4, "high": 0.2,
        "accuracy": 0.812, "size_mib": 9.4, "p50_ms": 0.9, "items_per_s": 98800,
        "changed_answers": 3,
    }  # fmt: skip
    slow = original | {
        "name": "pruned", "speedup": 0.91, "change_points": -3.3, "low": -4.6, "high": -2.1,
        "accuracy": 0.780, "size_mib": 17.9, "p50_ms": 2.4, "changed_answers": 80,
    }  # fmt: skip
    absent = dict.fromkeys(original) | {
        "name": "onnx-int8", "state": "not_applicable",
        "why": "the file has no int8 operator: nothing was quantized",
    }  # fmt: skip
    return Evidence(
        kind="variants",
        release=RELEASE,
        machine=MACHINE,
        started=STARTED,
        duration_s=6.0,
        seed=7,
        tables={"variants": (original, fp32, slow, absent)},
    )


def _calibration() -> Evidence:
    bins = [("eval", 0.55, 0.57, 210), ("eval", 0.75, 0.74, 480), ("eval", 0.95, 0.93, 1131)]
    bins += [("production", 0.55, 0.48, 300), ("production", 0.75, 0.58, 330)]
    bins += [("production", 0.95, 0.71, 370)]
    return Evidence(
        kind="calibration",
        release=RELEASE,
        machine=MACHINE,
        started=STARTED,
        duration_s=1.0,
        values=(
            Value(name="ece_eval", value=0.018, n=1821, low=0.01, high=0.03),
            Value(name="ece_production", value=0.162, n=1000, low=0.13, high=0.19),
        ),
        tables={
            "bins": tuple(
                {
                    "on": on,
                    "low": c - 0.05,
                    "high": c + 0.05,
                    "n": n,
                    "confidence": c,
                    "accuracy": a,
                }
                for on, c, a, n in bins
            )
        },
    )


def _start() -> Evidence:
    return Evidence(
        kind="start",
        release=RELEASE,
        machine=MACHINE,
        started=STARTED,
        duration_s=3.0,
        values=(
            Value(name="ready_s", value=1.4, unit="s", n=3),
            Value(name="first_request_ms", value=41.0, unit="ms", n=3, low=38.0, high=47.0),
            Value(name="warm_request_ms", value=2.4, unit="ms", n=50),
        ),
    )


def make_evidences(*, budget: bool = True) -> tuple[Evidence, ...]:
    return (_batching(), _latency(budget=budget), _variants(), _calibration(), _start())


def make_gap() -> GapDocument:
    steps = (
        Step(id="precision", points=0.0, low=0.0, high=0.0, kind="causal", why="same answers"),
        Step(id="serving", points=-1.1, low=-1.6, high=-0.6, kind="causal", why="20 rows changed"),
        Step(id="language", points=-9.1, low=-11.0, high=-7.2, kind="association", n=380,
             why="rows in languages that eval does not hold"),
        Step(id="domain", points=-2.0, low=-3.9, high=-0.1, kind="association"),
        Step(id="length", points=-0.8, low=-1.9, high=0.3, kind="association"),
        Step(id="format", points=-2.4, low=-3.2, high=-1.6, kind="causal",
             why="HTML stripped, the same rows scored again"),
        Step(id="tampering", points=0.3, low=-0.2, high=0.8, kind="causal"),
        Step(id="failed", points=-0.6, low=-0.9, high=-0.3, kind="causal"),
        Step(id="remainder", points=-1.6, low=-4.0, high=0.8, kind="remainder",
             why="no factor explains it"),
    )  # fmt: skip
    slices = [("language", "en", 0.62, 0.74), ("language", "de", 0.16, 0.46)]
    slices += [("language", "es", 0.12, 0.45), ("language", "tr", 0.10, 0.41)]
    slices += [("length", "short", 0.35, 0.70), ("length", "long", 0.65, 0.61)]
    return GapDocument(
        metric="accuracy",
        release=RELEASE,
        machine=MACHINE,
        started=STARTED,
        duration_s=18.0,
        seed=7,
        eval=Estimate(accuracy=0.813, low=0.795, high=0.831, n=1821, method="Wilson, 95 %"),
        served=Estimate(accuracy=0.802, low=0.783, high=0.820, n=1821),
        production=Production(
            state="measured", accuracy=0.64, low=0.61, high=0.67, n=1000, rows=1000,
            method="all rows labelled, Wilson, 95 %",
        ),
        steps=steps,
        slices=tuple(
            Slice(by=by, value=value, share=share, accuracy=accuracy, low=accuracy - 0.05,
                  high=accuracy + 0.05, n=int(1000 * share))
            for by, value, share, accuracy in slices
        ),
        answered=Answered(share=0.91, accuracy=0.70, correct_of_all=0.64),
        metrics=(Metric(name="f1", on="production", value=0.61, low=0.57, high=0.65, n=1000),),
        criticisms=("language and domain move together: their points could be split otherwise",),
    )  # fmt: skip


def make_items(evidences: tuple[Evidence, ...]) -> tuple[ItemResult, ...]:
    ids = {evidence.kind: evidence.id for evidence in evidences}
    told: dict[str, dict[str, object]] = {
        "batch-profile": {
            "status": "fail", "figure": "14 of 100 answers change at batch 32",
            "because": "batch-dependent-output; batch-cliff", "evidence": (ids["batching"],),
            "fix": "mask padding and use running statistics, or serve one row a call "
            "([serving] batch_max = 1)",
        },
        "precision-variants": {
            "status": "pass", "figure": "onnx-fp32 -0.1 points (-0.4 to +0.2), 2.40x speed",
            "because": "not worth serving: pruned", "evidence": (ids["variants"],),
            "fix": 'serve the faster one: [serving] variant = "onnx-fp32"',
        },
        "end-to-end-latency": {
            "status": "warn", "figure": "p50 3.0, p95 12.0, p99 31.0 ms; holds 200 requests/s",
            "because": "the target has 4 cores, this machine 2", "evidence": (ids["latency"],),
            "fix": "run the trial on the target machine, and name it in [target]",
        },
        "latency-budget": {
            "status": "pass", "figure": "p50 3.0, p95 12.0, p99 31.0 ms at 100 requests/s",
            "because": "holds 200 requests/s", "evidence": (ids["latency"],),
        },
        "production-sample": {
            "status": "pass", "figure": "1,000 rows, 1,000 with a label",
            "because": "as supplied; seatrial cannot see who sent them",
        },
        "production-evaluation": {
            "status": "fail", "fix": "start with language: -9.1 points",
            "figure": "eval 81.3 %, production 64.0 % (61.0 % to 67.0 %, n = 1,000)",
            "because": "17.3 points below eval; the budget is 5",
        },
        "warm-up": {
            "status": "pass", "figure": "ready in 1.4 s, first request 41.0 ms, warm 2.4 ms",
            "because": "budget 200 ms", "evidence": (ids["start"],),
        },
        "confidence": {
            "status": "fail", "figure": "calibration error 0.018 on eval, 0.162 in production",
            "because": "the budget is 0.05", "evidence": (ids["calibration"],),
            "fix": "calibrate on labelled production rows (temperature or isotonic)",
        },
        "unit-margin": {"status": "not_applicable", "because": "internal tool, not monetised"},
        "unit-cost": {
            "status": "unmeasured", "because": "no price set",
            "fix": "set [cost] machine_usd_per_hour",
        },
    }  # fmt: skip
    open_item = {"status": "unmeasured", "because": "no proof of this item exists yet"}
    return tuple(
        msgspec.convert(
            {"id": name, "week": week, "title": name.replace("-", " ").capitalize()}
            | told.get(name, open_item),
            type=ItemResult,
        )
        for week, names in WEEKS.items()
        for name in names
    )


def make_trial(*, budget: bool = True) -> TrialDocument:
    evidences = make_evidences(budget=budget)
    return TrialDocument(
        release=RELEASE,
        machine=MACHINE,
        started=STARTED,
        duration_s=71.2,
        items=make_items(evidences),
        failures=(
            FailureResult(
                id="batch-dependent-output", found=True, evidence=(evidences[0].id,),
                figure="14 of 100 answers change at batch 32", contained_by="batch_max = 1",
            ),
            FailureResult(id="integer-overflow", found=False, figure="0 of 100 answers change"),
            FailureResult(id="row-loop", found=None, figure="from outside this cannot be told"),
        ),
        gap=make_gap(),
        next="seatrial serve examples/tickets",
    )  # fmt: skip


def with_statuses(trial: TrialDocument, status: str) -> TrialDocument:
    """Return the trial with every item at one status and nothing found."""
    items = tuple(msgspec.structs.replace(item, status=status) for item in trial.items)
    return msgspec.structs.replace(trial, items=items, failures=())


def make_hostile_trial() -> TrialDocument:
    """Return a trial in which every free text is an attack."""
    trial = make_trial()
    items = tuple(
        msgspec.structs.replace(
            item, title=HOSTILE, figure=HOSTILE, because=HOSTILE, fix=HOSTILE, evidence=(HOSTILE,)
        )
        for item in trial.items
    )
    failures = tuple(
        msgspec.structs.replace(failure, figure=HOSTILE, contained_by=HOSTILE)
        for failure in trial.failures
    )
    machine = msgspec.structs.replace(MACHINE, cpu=HOSTILE, versions={HOSTILE: HOSTILE})
    return msgspec.structs.replace(
        trial, release=HOSTILE, machine=machine, items=items, failures=failures, next=HOSTILE,
        gap=make_hostile_gap(),
    )  # fmt: skip


def make_hostile_gap() -> GapDocument:
    gap = make_gap()
    steps = [
        *gap.steps[:-1],
        Step(id=f"column:{HOSTILE}", points=-20.0, low=None, high=None, kind="association",
             why=HOSTILE),
        gap.steps[-1],
    ]  # fmt: skip
    slices = tuple(
        msgspec.structs.replace(row, by=HOSTILE, value=HOSTILE * 40) for row in gap.slices
    )
    return msgspec.structs.replace(
        gap, metric=HOSTILE, release=HOSTILE, steps=tuple(steps), slices=slices,
        criticisms=(HOSTILE,),
    )  # fmt: skip


def make_hostile_evidences() -> tuple[Evidence, ...]:
    # Evidence is named by the digest of its UTF-8, so a lone surrogate never gets this far.
    hostile = HOSTILE.replace("\ud800", "")
    return tuple(
        msgspec.structs.replace(
            evidence,
            criticisms=(hostile,),
            settings={**evidence.settings, hostile: hostile},
            values=(*evidence.values, Value(name=hostile, value=1.0, unit=hostile, note=hostile)),
            tables={
                **{
                    name: tuple(
                        {key: hostile if isinstance(item, str) and key in {"name", "example"}
                         else item for key, item in row.items()}
                        for row in rows
                    )
                    for name, rows in evidence.tables.items()
                },
                hostile: ({hostile: hostile},),
            },
        )
        for evidence in (*make_evidences(), make_evidences()[-1])
    )  # fmt: skip


@pytest.fixture(scope="session")
def trial() -> TrialDocument:
    return make_trial()


@pytest.fixture(scope="session")
def gap() -> GapDocument:
    return make_gap()


@pytest.fixture(scope="session")
def evidences() -> tuple[Evidence, ...]:
    return make_evidences()


@pytest.fixture(scope="session")
def hostile() -> tuple[TrialDocument, GapDocument, tuple[Evidence, ...]]:
    return make_hostile_trial(), make_hostile_gap(), make_hostile_evidences()


@pytest.fixture(scope="session")
def all_at() -> Callable[[str], TrialDocument]:
    """Return a trial whose items all have the status asked for."""
    return lambda status: with_statuses(make_trial(), status)


@pytest.fixture(scope="session")
def unknown_gap(gap: GapDocument) -> GapDocument:
    """Return a gap without a single production label."""
    production = Production(state="unknown", rows=400, why="no production row has a label")
    return msgspec.structs.replace(gap, production=production, steps=None, slices=(), answered=None)


@pytest.fixture(scope="session")
def hostile_text() -> str:
    return HOSTILE
