"""Week 1: batch-profile."""

from __future__ import annotations

from seatrial.evidence.findings import FailureResult, ItemResult
from seatrial.trials.case import GIVE_MODEL, Case, judged, missing, unmeasured

FATAL = ("batch-dependent-output", "integer-overflow")
"""Failures that change answers: no profile can be read from a model that has one."""

COSTLY = ("row-loop", "batch-cliff", "memory-pressure")
"""Failures that waste time or memory but leave answers alone."""

FIXES = {
    "batch-dependent-output": "mask padding and use running statistics, or serve one row a call "
    "([serving] batch_max = 1)",
    "integer-overflow": "use 64-bit offsets, or keep [serving] batch_max below the size at which "
    "answers change",
    "row-loop": "replace the loop over rows by one call on the whole batch",
    "batch-cliff": "keep [serving] batch_max below the cliff",
    "memory-pressure": "keep [serving] batch_max below the size that fills the memory",
}
REQUIRED_MAX = 128
"""The sweep has to reach this many rows before the item can pass."""


def prove_batch_profile(case: Case) -> ItemResult:
    """Judge the sweep and the equality of answers alone and in company."""
    item = "batch-profile"
    evidence = case.evidence.get("batching")
    if evidence is None:
        return missing(case, item, "batching")
    found = [case.failures[name] for name in (*FATAL, *COSTLY) if _found(case, name)]
    fatal = [failure for failure in found if failure.id in FATAL]
    if found:
        worst = (fatal or found)[0]
        return judged(
            item,
            "fail" if fatal else "warn",
            worst.figure,
            because="; ".join(failure.id for failure in found),
            fix=FIXES[worst.id],
            evidence=(evidence,),
        )
    sizes = [int(row["batch"]) for row in evidence.table("sweep")]
    if not sizes:
        best = evidence.value("items_per_s_max").note if evidence.has("items_per_s_max") else ""
        why = best or "; ".join(evidence.criticisms)
        return unmeasured(
            item,
            why or "no batch was answered",
            figure=_equality(case),
            fix='if the service takes lists too, say how: --body with "$inputs" (endpoint.body)',
        )
    if max(sizes) < REQUIRED_MAX:
        return unmeasured(
            item,
            f"the sweep ended at {max(sizes)} rows a call; the item asks for {REQUIRED_MAX}",
            figure=_profile(case),
            fix="raise [trial] time_budget_s",
        )
    blind = [name for name in (*FATAL, *COSTLY) if not _answered(case, name)]
    return judged(
        item,
        "warn" if blind else "pass",
        _profile(case),
        because="; ".join([_equality(case), *(_why(case, name) for name in blind)]),
        fix=GIVE_MODEL if blind and not case.inside else "",
        evidence=(evidence,),
    )


def _found(case: Case, name: str) -> bool:
    failure = case.failures.get(name)
    return failure is not None and failure.found is True


def _answered(case: Case, name: str) -> bool:
    failure = case.failures.get(name)
    return failure is not None and failure.found is not None


def _why(case: Case, name: str) -> str:
    failure: FailureResult | None = case.failures.get(name)
    return f"{name}: {failure.figure if failure else 'not looked for'}"


def _profile(case: Case) -> str:
    evidence = case.evidence["batching"]
    best = evidence.value("batch_best").value or 0.0
    rate = evidence.value("items_per_s_max").value or 0.0
    gain = evidence.value("speedup").value or 0.0
    return f"{rate:,.0f} items/s at batch {best:.0f}, {gain:.1f}x of one at a time"


def _equality(case: Case) -> str:
    evidence = case.evidence["batching"]
    changed = evidence.value("changed_answers")
    if changed.value is None:
        return "answers in company could not be compared"
    return f"{changed.value:.0f} of {changed.n} answers changed in company"
