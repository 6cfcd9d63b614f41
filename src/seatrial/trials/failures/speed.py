"""row-loop and batch-cliff: batches that gain nothing, or lose."""

from __future__ import annotations

from pathlib import Path

from seatrial.core.settings import Settings
from seatrial.evidence.documents import Evidence
from seatrial.evidence.findings import FailureResult

FLAT = 4.0
"""Gain of batches of 32 over single rows below which timing is called flat: a loop still saves
what is done once per call, and that may be three quarters of a short one."""

LOOP_MIN_US = 2.0
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
    result = FailureResult(id="row-loop", found=None, evidence=(evidence.id,))
    if not evidence.has("speedup"):
        return _with(result, None, "the gain of batches was not measured")
    gain = evidence.value("speedup").value or 0.0
    short = evidence.value("speedup_shortest")
    flat = gain < FLAT and (short.value is None or short.value < FLAT)
    if not flat:
        best = max(gain, short.value or 0.0)
        return _with(result, False, f"batches answer up to {best:.1f}x as many rows")
    share = evidence.value("per_row_share")
    if share.value is None:
        return _with(
            result,
            None,
            f"cannot tell from outside: batches gain {gain:.2f}x, as they do for a loop over rows "
            "and for a model that is busy computing",
        )
    lines = evidence.table("trace")
    if share.value < PER_ROW_SHARE or not lines:
        return _with(
            result, False, f"batches gain {gain:.2f}x, but {share.value:.0%} of the time is per row"
        )
    rate = evidence.value("items_per_s_max").value or 0.0
    spent_us = 1e6 * share.value / rate if rate else 0.0
    if spent_us < LOOP_MIN_US:
        return _with(result, False, f"runs row by row, but takes {spent_us:.1f} us a row")
    line = lines[0]
    where = f"{Path(line['file']).name}:{line['line']}"
    return _with(
        result,
        True,
        f"{share.value:.0%} of the time runs row by row in {where} ({line['code']}); batches gain "
        f"{gain:.2f}x",
    )


def judge_cliff(evidence: Evidence, settings: Settings) -> FailureResult:
    """Say whether a larger batch is clearly slower per row than the one before it."""
    result = FailureResult(id="batch-cliff", found=None, evidence=(evidence.id,))
    sweep = evidence.table("sweep")
    if len(sweep) < 2:  # noqa: PLR2004  (a cliff lies between two sizes)
        return _with(result, None, "fewer than two batch sizes were measured")
    cliffs = evidence.table("cliffs")
    rates = {row["batch"]: row["items_per_s"] for row in sweep}
    clear = [
        row
        for row in cliffs
        if row["high"] is not None
        and row["high"] < CLEARLY_BELOW
        and not _made_good(rates, row["batch_before"], row["batch"])
    ]
    if clear:
        worst = min(clear, key=lambda row: row["ratio"])
        before = worst["batch_before"]
        kept = settings.serving.batch_max <= before
        found = _with(
            result,
            True,
            f"batch {worst['batch']} answers {worst['ratio']:.2f}x the rows a second of batch "
            f"{before} ({worst['low']:.2f} to {worst['high']:.2f})",
        )
        return FailureResult(
            id=found.id,
            found=True,
            figure=found.figure,
            contained_by=f"[serving] batch_max {'is' if kept else '='} {before} or less",
            evidence=found.evidence,
        )
    unknown = [row for row in cliffs if row["high"] is None]
    if unknown:
        return _with(result, None, f"a fall at batch {unknown[0]['batch']} was not measured again")
    return _with(result, False, f"no size up to {sweep[-1]['batch']} is slower than the one before")


def _made_good(rates: dict[int, float], before: int, batch: int) -> bool:
    """Say whether still larger batches answer faster than before the fall: then nothing is lost.

    A model that is quick with a single row, and slower with two, is the usual case.
    """
    later = [rate for size, rate in rates.items() if size > batch]
    return max(later, default=0.0) >= rates.get(before, float("inf"))


def _with(result: FailureResult, found: bool | None, figure: str) -> FailureResult:  # noqa: FBT001  (the outcome itself)
    return FailureResult(id=result.id, found=found, figure=figure, evidence=result.evidence)
