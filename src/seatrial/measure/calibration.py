"""Whether the model is right as often as it says, on eval rows and on production rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from seatrial.evidence.documents import Evidence
from seatrial.evidence.recorder import Conditions, Recorder
from seatrial.stats.calibration import BIN_ROWS, Bin, Calibration, calibration
from seatrial.stats.intervals import LEVEL

KIND = "calibration"

ROWS_WANTED = 10 * BIN_ROWS
"""Below this there are fewer than ten bins, and errors within a bin cancel."""


class Scored(Struct, frozen=True):
    """What was said and what came true, row by row.

    Attributes:
        confidences: In [0, 1]; ``None`` where the answer carries none.
        scores: In [0, 1], 1.0 for a right answer; ``None`` where there is no label.
    """

    confidences: Sequence[float | None]
    scores: Sequence[float | None]


def measure_calibration(
    on_eval: Scored, on_production: Scored | None, *, at: Conditions
) -> Evidence:
    """Measure the expected calibration error of answers that were scored already.

    Args:
        on_eval: The eval set.
        on_production: Production rows; those without a label are left out.
        at: Conditions of the trial.

    Raises:
        ValueError: Not as many confidences as scores.
    """
    recorder = Recorder(KIND, at=at)
    bins: list[dict[str, Any]] = []
    for name, scored in (("eval", on_eval), ("production", on_production)):
        bins += _one(recorder, name, scored, np.random.default_rng(at.seed))
    recorder.table("bins", bins)
    return recorder.finish()


def _one(
    recorder: Recorder, name: str, scored: Scored | None, rng: np.random.Generator
) -> list[dict[str, Any]]:
    pairs = _pairs(scored)
    if not pairs:
        note = _why(name, scored)
        recorder.value(f"ece_{name}", None, "share", note=note)
        recorder.value(f"overconfidence_{name}", None, "share", note=note)
        return []
    said, true = (np.array(column) for column in zip(*pairs, strict=True))
    found = calibration(said, true, rng=rng)
    recorder.value(
        f"ece_{name}",
        found.error,
        "share",
        n=found.n,
        low=found.low,
        high=found.high,
        level=LEVEL,
        method=f"{len(found.bins)} equal-mass bins; noise alone would show {found.floor:.3f}",
    )
    recorder.value(
        f"overconfidence_{name}",
        float(said.mean() - true.mean()),
        "share",
        n=found.n,
        method="mean confidence minus accuracy",
    )
    _criticise(recorder, name, found, rows=len(scored.scores) if scored else 0)
    return [_row(name, one) for one in found.bins]


def _pairs(scored: Scored | None) -> list[tuple[float, float]]:
    if scored is None:
        return []
    both = zip(scored.confidences, scored.scores, strict=True)
    return [(said, true) for said, true in both if said is not None and true is not None]


def _why(name: str, scored: Scored | None) -> str:
    if scored is None or not scored.scores:
        return f"there are no {name} rows"
    if all(said is None for said in scored.confidences):
        return "the model gives no confidence"
    return f"no {name} row has both a confidence and a label"


def _criticise(recorder: Recorder, name: str, found: Calibration, *, rows: int) -> None:
    if found.n < ROWS_WANTED:
        recorder.criticise(
            f"{found.n} {name} rows: calibration wants {ROWS_WANTED}, and noise alone would show "
            f"an error of {found.floor:.3f}"
        )
    if found.n < rows:
        recorder.criticise(
            f"{rows - found.n} of {rows} {name} rows have no confidence or no label and were left "
            "out"
        )


def _row(name: str, one: Bin) -> dict[str, Any]:
    return {
        "on": name,
        "low": one.low,
        "high": one.high,
        "n": one.n,
        "confidence": one.confidence,
        "accuracy": one.accuracy,
        "accuracy_low": one.accuracy_low,
        "accuracy_high": one.accuracy_high,
    }
