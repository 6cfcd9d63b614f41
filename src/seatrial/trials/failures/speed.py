"""row-loop and batch-cliff: batches that gain nothing, or lose."""

from __future__ import annotations

from pathlib import Path

from seatrial.core.settings import Settings
from seatrial.evidence.documents import Evidence
from seatrial.evidence.findings import FailureResult

FLAT = 1.6
"""Gain of batches over single rows below which timing is called flat."""

FLAT_SHORTEST = 2.5
"""The same for the shortest row, whose call is mostly what batches save."""

PER_ROW_SHARE = 0.6
"""Part of the time that lines which run per row have to hold."""

CLEARLY_BELOW = 0.75
"""A throughput ratio whose whole interval lies below this is a cliff."""


def judge_loop(evidence: Evidence, settings: Settings) -> FailureResult:  # noqa: ARG001  (the signature of every judge)
    """Say whether the model loops over its rows.

    Flat timing alone is no proof: a model that is busy computing gains nothing either.
    """
    result = FailureResult(id="row-loop", found=None, evidence=(evidence.id,))
    if not evidence.has("speedup"):
        return _with(result, None, "the gain of batches was not measured")
    gain = evidence.value("speedup").value or 0.0
    short = evidence.value("speedup_shortest")
    flat = gain < FLAT and (short.value is None or short.value < FLAT_SHORTEST)
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
    clear = [row for row in cliffs if row["high"] is not None and row["high"] < CLEARLY_BELOW]
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


def _with(result: FailureResult, found: bool | None, figure: str) -> FailureResult:  # noqa: FBT001  (the outcome itself)
    return FailureResult(id=result.id, found=found, figure=figure, evidence=result.evidence)
