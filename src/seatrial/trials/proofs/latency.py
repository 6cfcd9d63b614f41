"""Week 1: end-to-end-latency and latency-budget; week 9: warm-up."""

from __future__ import annotations

from seatrial.evidence.documents import Evidence
from seatrial.evidence.findings import ItemResult
from seatrial.trials.case import Case, judged, missing, unmeasured
from seatrial.trials.failures.latency import verdict_of

QUANTILES = ("p50_ms", "p95_ms", "p99_ms")
MEMORY_TOLERANCE = 0.15
"""Machines sold as 4 GiB report up to this share less or more."""


def prove_end_to_end_latency(case: Case) -> ItemResult:
    """Judge that latency was measured at several rates, on the machine it will run on."""
    item = "end-to-end-latency"
    evidence = case.evidence.get("latency")
    if evidence is None:
        return missing(case, item, "latency")
    rates = evidence.table("rates")
    figure = f"{_percentiles(evidence)}; holds {_rate(evidence)}"
    if len(rates) < 2 or not evidence.has("p99_ms"):  # noqa: PLR2004  (two rates make a curve)
        return unmeasured(
            item,
            "; ".join(evidence.criticisms) or "one rate alone",
            figure=figure,
            fix="raise [trial] time_budget_s",
        )
    if not case.inside:
        return judged(
            item,
            "warn",
            figure,
            because="through a URL nobody sees on which machine the service runs, and the way to "
            "it is in the figures",
            fix="run it on the target machine: give seatrial the model, or start the trial there",
            evidence=(evidence,),
        )
    elsewhere = _elsewhere(case)
    doubts = [*_doubts(evidence), *([elsewhere] if elsewhere else [])]
    return judged(
        item,
        "warn" if doubts else "pass",
        figure,
        because="; ".join(doubts),
        fix="run the trial on the target machine, and name it in [target]" if elsewhere else "",
        evidence=(evidence,),
    )


def prove_latency_budget(case: Case) -> ItemResult:
    """Judge the measured percentiles against the budgets that are set."""
    item = "latency-budget"
    evidence = case.evidence.get("latency")
    if evidence is None:
        return missing(case, item, "latency")
    budget = case.settings.budget
    limits = {name: getattr(budget, name) for name in QUANTILES if getattr(budget, name)}
    if not limits:
        return unmeasured(
            item,
            "no budget set",
            figure=_percentiles(evidence),
            fix="set [budget] p50_ms, p95_ms, p99_ms",
        )
    verdicts = [verdict_of(evidence, name, limit) for name, limit in limits.items()]
    over = [verdict.figure for verdict in verdicts if verdict.over]
    unsure = [verdict.figure for verdict in verdicts if verdict.over is None]
    figure = f"{_percentiles(evidence)} at {_reference(evidence)}"
    if over:
        return judged(
            item,
            "fail",
            figure,
            because="; ".join(over),
            fix=_tail(evidence),
            evidence=(evidence,),
        )
    if unsure:
        known = all(evidence.value(name).high is not None for name in limits)
        return judged(
            item,
            "warn" if known else "unmeasured",
            figure,
            because="; ".join(unsure),
            fix="measure for longer: raise [trial] time_budget_s",
            evidence=(evidence,),
        )
    errors = _errors(evidence)
    return judged(
        item,
        "warn" if errors else "pass",
        figure,
        because="; ".join(errors) or f"holds {_rate(evidence)}",
        evidence=(evidence,),
    )


def prove_warm_up(case: Case) -> ItemResult:
    """Judge the first request after ready against its budget."""
    item = "warm-up"
    evidence = case.evidence.get("start")
    if evidence is None:
        return missing(case, item, "start")
    first = evidence.value("first_request_ms")
    if first.value is None:
        return unmeasured(item, first.note or "no first request was answered")
    warm = evidence.value("warm_request_ms").value or 0.0
    ready = evidence.value("ready_s").value or 0.0
    figure = f"ready in {ready:.1f} s, first request {first.value:.1f} ms, warm {warm:.1f} ms"
    limit = case.settings.budget.first_request_ms
    if limit is None:
        return unmeasured(item, "no budget set", figure=figure, fix="set [budget] first_request_ms")
    if evidence.cut_short:
        figure += f" ({first.n} cold starts)" if first.n else ""
    worst = first.high if first.high is not None else first.value
    if worst > limit:
        return judged(
            item,
            "fail" if first.value > limit else "warn",
            figure,
            because=f"the budget is {limit:g} ms; up to {worst:.1f} ms was seen",
            fix="warm up with larger and longer inputs before saying ready",
            evidence=(evidence,),
        )
    if evidence.cut_short:
        return judged(
            item,
            "warn",
            figure,
            because="; ".join(evidence.criticisms),
            fix="raise [trial] time_budget_s",
            evidence=(evidence,),
        )
    return judged(item, "pass", figure, because=f"budget {limit:g} ms", evidence=(evidence,))


def _percentiles(evidence: Evidence) -> str:
    parts = []
    for name in QUANTILES:
        value = evidence.value(name).value
        parts.append(f"{name.removesuffix('_ms')} {'unknown' if value is None else f'{value:.1f}'}")
    return ", ".join(parts) + " ms"


def _rate(evidence: Evidence) -> str:
    value = evidence.value("rate_max_per_s")
    return "an unknown rate" if value.value is None else f"{value.value:.0f} requests/s"


def _reference(evidence: Evidence) -> str:
    rate = evidence.settings.get("reference_rate_per_s")
    return f"{rate:.0f} requests/s" if isinstance(rate, (int, float)) else "the reference rate"


def _doubts(evidence: Evidence) -> list[str]:
    """Return what keeps a curve from being the whole answer."""
    doubts = _errors(evidence)
    if not evidence.has("rate_max_per_s"):
        note = evidence.value("rate_max_per_s").note
        doubts.append(f"no rate held{f' ({note})' if note else ''}")
    value = evidence.value("p99_ms")
    if value.high is None:
        doubts.append(f"with n = {value.n} nobody knows how high p99 may lie")
    if evidence.cut_short:
        doubts.append("the time budget cut it short")
    return doubts


def _errors(evidence: Evidence) -> list[str]:
    rate = evidence.value("error_rate").value if evidence.has("error_rate") else None
    return [f"{rate:.2%} of requests failed"] if rate else []


def _tail(evidence: Evidence) -> str:
    stages = sorted(
        evidence.table("stages"), key=lambda row: row.get("share_of_tail") or 0.0, reverse=True
    )
    if not stages:
        return "serve a cheaper variant, or add workers"
    return (
        f"{stages[0].get('share_of_tail') or 0.0:.0%} of the tail is spent in {stages[0]['stage']}"
    )


def _elsewhere(case: Case) -> str:
    target, machine = case.settings.target, case.machine
    if target.cores is None and target.memory_gib is None:
        return "[target] is not set, so nobody knows whether this is the target machine"
    if target.cores is not None and target.cores != machine.cores:
        return f"the target has {target.cores} cores, this machine {machine.cores}"
    wanted = target.memory_gib
    if wanted is not None and abs(machine.memory_gib - wanted) > MEMORY_TOLERANCE * wanted:
        return f"the target has {wanted:g} GiB, this machine {machine.memory_gib:g}"
    return ""
