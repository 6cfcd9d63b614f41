"""row-loop and batch-cliff: batches that gain nothing, or lose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seatrial.core.settings import Settings
from seatrial.evidence.documents import Evidence
from seatrial.evidence.findings import FailureResult
from seatrial.trials.failures.result import result

FLAT = 3.0
"""Gain of batches of 32 over single rows below which timing is called flat: a loop still saves
what is done once per call, and that may be two thirds of a short one."""

LOOP_MIN_US = 1.0
"""Microseconds a row below which a loop is not worth removing."""

PER_ROW_SHARE = 0.5
"""Part of the time that lines which run per row have to hold."""

CLEARLY_BELOW = 0.7
"""A throughput ratio whose whole interval lies below this is a cliff. Twice the time per row is
0.5; leaving the processor's cache, as a healthy model does at some size, seldom goes below 0.75."""


def judge_loop(evidence: Evidence, settings: Settings) -> FailureResult:  # noqa: ARG001  (the signature of every judge)
    """Say whether the model loops over its rows.

    Flat timing alone is no proof: a model that is busy computing gains nothing either.
    """
    found, figure = _loop(evidence)
    return result("row-loop", evidence, found=found, figure=figure)


def _loop(evidence: Evidence) -> tuple[bool | None, str]:
    if not evidence.has("speedup"):
        return None, "the gain of batches was not measured"
    gain = evidence.value("speedup").value or 0.0
    short = evidence.value("speedup_shortest").value
    share = evidence.value("per_row_share").value
    if share is None:
        return None, (
            f"cannot tell from outside: batches gain {gain:.1f}x, and a loop over rows looks like "
            "a model that is busy computing"
        )
    if gain >= FLAT or (short is not None and short >= FLAT):
        return False, f"batches answer up to {max(gain, short or 0.0):.1f}x as many rows"
    lines = evidence.table("trace")
    if share < PER_ROW_SHARE or not lines:
        return False, f"batches gain {gain:.2f}x, but {share:.0%} of the time is per row"
    rate = evidence.value("items_per_s_max").value or 0.0
    spent_us = 1e6 * share / rate if rate else 0.0
    if spent_us < LOOP_MIN_US:
        return False, f"runs row by row, but takes {spent_us:.1f} us a row"
    where = f"{Path(lines[0]['file']).name}:{lines[0]['line']}"
    return True, (
        f"{share:.0%} of the time runs row by row in {where} ({lines[0]['code']}); batches gain "
        f"{gain:.2f}x"
    )


def judge_cliff(evidence: Evidence, settings: Settings) -> FailureResult:
    """Say whether a larger batch is clearly slower per row than the one before it."""
    name = "batch-cliff"
    sweep = evidence.table("sweep")
    if len(sweep) < 2:  # noqa: PLR2004  (a cliff lies between two sizes)
        return result(name, evidence, found=None, figure="fewer than two sizes were measured")
    cliffs = evidence.table("cliffs")
    worst = _worst(cliffs, {row["batch"]: row["items_per_s"] for row in sweep})
    if worst is not None:
        before = worst["batch_before"]
        kept = settings.serving.batch_max <= before
        return result(
            name,
            evidence,
            found=True,
            figure=f"batch {worst['batch']} answers {worst['ratio']:.2f}x the rows a second of "
            f"batch {before} ({worst['low']:.2f} to {worst['high']:.2f})",
            contained_by=f"[serving] batch_max {'is' if kept else '='} {before} or less",
        )
    unknown = [row["batch"] for row in cliffs if row["high"] is None]
    if unknown:
        why = f"a fall at batch {unknown[0]} was not measured again"
        return result(name, evidence, found=None, figure=why)
    figure = f"no size up to {sweep[-1]['batch']} is clearly slower than the one before"
    return result(name, evidence, found=False, figure=figure)


def _worst(cliffs: tuple[dict[str, Any], ...], rates: dict[int, float]) -> dict[str, Any] | None:
    clear = [
        row
        for row in cliffs
        if row["high"] is not None
        and row["high"] < CLEARLY_BELOW
        and not _made_good(rates, row["batch_before"], row["batch"])
    ]
    return min(clear, key=lambda row: row["ratio"]) if clear else None


def _made_good(rates: dict[int, float], before: int, batch: int) -> bool:
    """Say whether still larger batches answer faster than before the fall: then nothing is lost.

    A model that is quick with a single row, and slower with two, is the usual case.
    """
    later = [rate for size, rate in rates.items() if size > batch]
    return max(later, default=0.0) >= rates.get(before, float("inf"))
