"""batch-dependent-output and integer-overflow: why an answer changes in company.

Both change answers; what tells them apart is what the change depends on. A neighbour's *content*
(padding, statistics, a shared scale) acts in the smallest batch there is. A counter that wraps
acts on nothing until there are enough rows, and then on the rows behind a *place*, or on all.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from seatrial.core.settings import Settings
from seatrial.evidence.documents import Evidence
from seatrial.evidence.findings import FailureResult
from seatrial.trials.failures.result import result

Cause = Literal["none", "content", "counter", "unknown"]

SMALL = 3
"""Rows in company, up to which a change cannot come from a counter."""

RIGHT_BEFORE = 2
"""Identical rows answered rightly before the first wrong one, that make its place the cause."""

ARITHMETIC_TOLERANCES = 100.0
"""A change of at most 1 % that depends on the batch size alone is taken for rounding."""

ROWS_SURE = 2
"""Rows without fine scores that have to change: one can be a tie that arithmetic decides."""

TIES_SHARE = 0.25
"""Part of the rows without fine scores that arithmetic may decide, where all ties are exact."""

COUNTER_ERRORS = frozenset(
    {"OverflowError", "IndexError", "FloatingPointError", "non-finite-output", "output-contract"}
)
"""What a wrapped counter raises, or makes of the answers."""

SERVER_ERROR = 500
NOISE_SIGMA = 4.0
"""Standard errors by which answers in company have to change more often than repeated ones."""


class Diagnosis(Struct, frozen=True):
    """Why answers change in company, and the sentence that says it."""

    cause: Cause
    figure: str


def judge_dependence(evidence: Evidence, settings: Settings) -> FailureResult:  # noqa: ARG001  (the signature of every judge)
    """Say whether neighbours change answers."""
    found = diagnose(evidence)
    return result(
        "batch-dependent-output",
        evidence,
        found=None if found.cause == "unknown" else found.cause == "content",
        figure=found.figure if found.cause != "counter" else "the number of rows decides",
        contained_by="[serving] batch_max = 1" if found.cause == "content" else "",
    )


def judge_overflow(evidence: Evidence, settings: Settings) -> FailureResult:
    """Say whether large batches change answers that small ones leave alone."""
    found = diagnose(evidence)
    limit = _threshold(evidence)
    contained = ""
    if found.cause == "counter" and limit is not None:
        kept = "already keeps" if settings.serving.batch_max < limit else "would keep"
        contained = f"[serving] batch_max below {limit} {kept} batches small enough"
    return result(
        "integer-overflow",
        evidence,
        found=None if found.cause == "unknown" else found.cause == "counter",
        figure=found.figure if found.cause != "content" else "neighbours decide, not their number",
        contained_by=contained,
    )


def diagnose(evidence: Evidence) -> Diagnosis:
    """Read from the controls and onsets of ``batching`` evidence why answers change."""
    cells = evidence.table("company")
    compared = sum(cell["compared"] for cell in cells)
    if not compared and not any(cell["refused"] for cell in cells):
        return Diagnosis("unknown", "no answers could be compared in company")
    refused = _refusals(evidence)
    if refused is not None:
        return refused
    if not any(cell["changed"] for cell in cells):
        return Diagnosis("none", f"0 of {compared} answers in company differ from those alone")
    return _changes(evidence, cells)


def _changes(evidence: Evidence, cells: tuple[dict[str, Any], ...]) -> Diagnosis:
    noise = _noise(evidence, cells)
    if noise:
        return Diagnosis("unknown", noise)
    controls = _real(evidence)
    if not controls:
        return Diagnosis("none", "answers differ no more than arithmetic does")
    if _counter(evidence, controls):
        limit = _threshold(evidence)
        return Diagnosis("counter", f"answers change from batch {limit} on; {_worst(cells)}")
    return Diagnosis("content", _worst(cells))


def _real(evidence: Evidence) -> list[dict[str, Any]]:
    """Return the controls that more than arithmetic explains."""
    graded = evidence.value("graded").value == 1.0
    controls = [row for row in evidence.table("controls") if row["reproduced"]]
    by_content = [row for row in controls if row["content"]]
    by_size = [row for row in controls if not row["content"]]
    if graded:
        large = [row for row in by_size if row["tolerances"] > ARITHMETIC_TOLERANCES]
        return by_content + large
    if len({row["row"] for row in by_content}) < ROWS_SURE:
        by_content = []
    changed = evidence.value("changed_answers")
    ties = (changed.value or 0.0) < TIES_SHARE * (changed.n or 1)
    return by_content + ([] if ties else by_size)


def _counter(evidence: Evidence, controls: list[dict[str, Any]]) -> bool:
    """Decide between a counter and content; see the module's docstring."""
    onsets = evidence.table("onsets")
    copies = [row for row in onsets if row["company"] == "copies of itself"]
    by_place = any(row["mixed"] and (row["first_position"] or 0) >= RIGHT_BEFORE for row in copies)
    small = [row for row in controls if row["batch"] <= SMALL]
    if small or any(row["batch"] <= SMALL for row in onsets):
        # A sum of lengths can wrap within a few long rows; then the first row is never wrong.
        behind = all(row["position"] > 0 and row["position_decides"] for row in small)
        return bool(small) and by_place and behind
    if by_place:
        return True
    moved = [row["position_decides"] for row in controls if row["position_decides"] is not None]
    if moved and sum(moved) * 2 > len(moved):
        return True
    if not copies:
        return False
    # The same number of rows for every row, while neighbours matter: statistics that are used
    # from some batch size on. A sum that wraps begins elsewhere for every row.
    together = len({row["batch"] for row in copies}) == 1 and len(copies) > 1
    by_content = any(row["content"] for row in controls)
    return not (together and by_content)


def _refusals(evidence: Evidence) -> Diagnosis | None:
    """Judge batches that were refused although each of their rows was answered alone."""
    cells = [cell for cell in evidence.table("company") if cell["refused"]]
    changed = any(cell["changed"] for cell in evidence.table("company"))
    if not cells or changed:
        return None
    copies = [cell for cell in cells if cell["company"] == "copies of itself"]
    smallest = min(cells, key=lambda cell: cell["batch"])
    limit = _threshold(evidence) or smallest["batch"]
    answered = [
        cell
        for cell in evidence.table("company")
        if cell["company"] == "copies of itself" and cell["batch"] >= smallest["batch"]
    ]
    if smallest["batch"] <= SMALL and answered and not copies:
        return Diagnosis(
            "content",
            f"rows that are answered alone are refused together at batch {smallest['batch']}: "
            f"{smallest['raised']}",
        )
    raised = {row["raised"] for row in evidence.table("onsets") if row["raised"]}
    failed = any(row["status"] == SERVER_ERROR for row in evidence.table("onsets"))
    if limit > SMALL and (raised & COUNTER_ERRORS or failed):
        return Diagnosis("counter", f"fails from batch {limit} on: {smallest['raised']}")
    return Diagnosis("none", f"batches from {limit} on are refused: {smallest['raised']}")


def _noise(evidence: Evidence, cells: tuple[dict[str, Any], ...]) -> str:
    """Say why nondeterminism hides the answer; empty where it does not."""
    repeat = evidence.value("repeat_changed")
    if not repeat.value or not repeat.n:
        return ""
    alone = repeat.value / repeat.n
    compared = sum(cell["compared"] for cell in cells)
    company = sum(cell["changed"] for cell in cells) / compared
    error = (alone * (1 - alone) / repeat.n + company * (1 - company) / compared) ** 0.5
    if company - alone > NOISE_SIGMA * error and company > 2 * alone:
        return ""
    return (
        f"{repeat.value:.0f} of {repeat.n} answers differ when the same is asked again, so an "
        "effect of company cannot be told apart"
    )


def _threshold(evidence: Evidence) -> int | None:
    batches = [row["batch"] for row in evidence.table("onsets")]
    return min(batches) if batches else None


def _worst(cells: tuple[dict[str, Any], ...]) -> str:
    worst = max(cells, key=lambda cell: cell["changed"] / max(cell["compared"], 1))
    return (
        f"{worst['changed']} of {worst['compared']} answers change at batch {worst['batch']} "
        f"({worst['company']}): {worst['example']}"
    )
