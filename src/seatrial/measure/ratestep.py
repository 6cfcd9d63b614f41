"""One rate that was tried, and whether the service held it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Struct

from seatrial.measure.load.result import LoadResult
from seatrial.measure.load.summary import LoadSummary, summarise
from seatrial.stats.quantiles import exact_quantile

ERRORS_MAX = 0.01
"""Share of failed requests above which a rate does not hold, whatever the latency."""

BEHIND_SHARE = 0.1
"""Of a step's duration: requests due last that wait longer show a queue that grows."""

BEHIND_MIN_S = 0.1
"""What a pause of the machine costs at the end of a short step."""

CERTAINLY = 3.0
"""Times more than allowed: no pause explains that."""

BEHIND_LATENCIES = 4.0
"""The same in unloaded latencies, so that a slow model is not taken for a growing queue."""


class Limits(Struct, frozen=True, kw_only=True):
    """Latency budget; what is ``None`` is not looked at."""

    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None

    def given(self) -> dict[str, float]:
        """Return the limits that are set, in ms, by percentile."""
        return {
            name.removesuffix("_ms"): limit
            for name, limit in msgspec.structs.asdict(self).items()
            if limit is not None
        }


@dataclass(frozen=True)
class Step:
    """One rate that was tried."""

    rate_per_s: float
    summary: LoadSummary
    lag: float
    over: tuple[str, ...]

    @classmethod
    def of(cls, result: LoadResult, rate_per_s: float, unloaded_s: float, limits: Limits) -> Step:
        """Judge one rate against the limits."""
        summary = summarise(result)
        over = [
            name
            for name, limit in limits.given().items()
            if (summary.percentile(name).value_ms or 0.0) > limit
        ]
        if summary.error_rate > ERRORS_MAX:
            over.append("errors")
        return cls(rate_per_s, summary, lag=lag(result, unloaded_s=unloaded_s), over=tuple(over))

    @property
    def keeps_up(self) -> bool:
        """Whether no queue grew."""
        return self.lag <= 1.0

    @property
    def certain(self) -> bool:
        """Whether the same rate, tried again, would certainly not hold."""
        return self.lag > CERTAINLY

    @property
    def holds(self) -> bool:
        """Whether the service keeps up at this rate, within the limits."""
        return self.keeps_up and not self.over

    def row(self) -> dict[str, Any]:
        """Return the row of the table ``rates``."""
        figures = {row.name.replace(".", "") + "_ms": row.value_ms for row in self.summary.latency}
        intervals = {
            f"{row.name.replace('.', '')}_{end}_ms": getattr(row, f"{end}_ms")
            for row in self.summary.latency
            for end in ("low", "high")
        }
        timeouts = self.summary.errors.get("timeout", 0)
        return {
            "rate_per_s": self.rate_per_s,
            "offered": self.summary.offered,
            "answered": self.summary.answered,
            "errors": self.summary.offered - self.summary.answered - timeouts,
            "timeouts": timeouts,
            "achieved_per_s": self.summary.achieved_per_s,
            "duration_s": self.summary.duration_s,
            "deadline_s": self.summary.deadline_s,
            **figures,
            "max_ms": self.summary.max_ms,
            **intervals,
            "keeps_up": self.keeps_up,
            "within_budget": self.holds,
            "over": ", ".join(self.over),
            "late_p99_ms": self.summary.generator.late_p99_ms,
        }


def lag(result: LoadResult, *, unloaded_s: float) -> float:
    """Return how long the requests due last waited, in waits that only a growing queue explains.

    A rate of r times the capacity makes the wait grow by 1 - 1/r per second, so that the median
    of the last fifth exceeds a tenth of the duration (1.0 here) once r is about 1.1.

    Args:
        result: A load at a steady rate.
        unloaded_s: Latency of single requests.
    """
    last = result.felt_s[-math.ceil(len(result.felt_s) / 5) :]
    allowed_s = max(BEHIND_SHARE * result.duration_s, BEHIND_MIN_S) + BEHIND_LATENCIES * unloaded_s
    return exact_quantile(last, 0.5) / allowed_s
