"""How figures and statuses are said, in one place, so that no two renderers differ."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, TypeGuard

from seatrial.core import digests
from seatrial.evidence.findings import Status
from seatrial.evidence.gap import GapDocument, Step

STATUSES: Final[tuple[Status, ...]] = ("fail", "warn", "unmeasured", "pass", "not_applicable")
"""In the order in which a reader needs them."""

WORDS: Final[Mapping[Status, str]] = {
    "pass": "pass",
    "warn": "warning",
    "fail": "fail",
    "unmeasured": "not measured",
    "not_applicable": "not applicable",
}
SYMBOLS: Final[Mapping[Status, str]] = {
    "pass": "✓",
    "warn": "!",
    "fail": "✗",
    "unmeasured": "?",
    "not_applicable": "-",
}
TODO: Final[Mapping[Status, str]] = {
    "pass": "Advice",
    "warn": "Fix",
    "fail": "Fix",
    "unmeasured": "To measure it",
    "not_applicable": "Note",
}
"""What the text in ``fix`` is for an item of that status."""

UNKNOWN = "unknown"
THOUSAND = 1000
"""From here on figures get separators instead of decimals."""

SMALLEST_DROP_POINTS = 0.5
"""Below this, a share of the drop is a share of noise and is not given."""


def known(value: object) -> TypeGuard[float]:
    """Say whether a figure is there and finite."""
    return isinstance(value, (int, float)) and math.isfinite(value)


def percent(value: float | None, *, digits: int = 1) -> str:
    """Say a fraction as a percentage.

    >>> percent(0.8134), percent(None), percent(float("nan"))
    ('81.3 %', 'unknown', 'unknown')
    """
    if not known(value):
        return UNKNOWN
    return f"{100.0 * value:.{digits}f} %"


def points(value: float | None, *, digits: int = 1) -> str:
    """Say percentage points with their sign.

    >>> points(-9.13), points(0.04), points(-0.04), points(None)
    ('-9.1', '0.0', '0.0', 'unknown')
    """
    if not known(value):
        return UNKNOWN
    shown = f"{value:+.{digits}f}"
    return shown[1:] if float(f"{value:.{digits}f}") == 0.0 else shown


def number(value: float | None, unit: str = "") -> str:
    """Say a figure with three significant digits (more where it is a large count) and its unit.

    >>> number(41234.6, "items/s"), number(0.01234), number(64.0, "rows"), number(None, "ms")
    ('41,235 items/s', '0.0123', '64 rows', 'unknown')
    """
    if not known(value):
        return UNKNOWN
    whole = float(value).is_integer() or abs(value) >= THOUSAND
    shown = f"{value:,.0f}" if whole else f"{value:.3g}"
    return f"{shown} {unit}".rstrip()


def interval(low: float | None, high: float | None, *, scale: float = 1.0, digits: int = 1) -> str:
    """Say an interval, empty where there is none.

    >>> interval(0.795, 0.831, scale=100), interval(-1.9, -0.5), interval(None, 1.0)
    ('79.5 to 83.1', '-1.9 to -0.5', '')
    """
    if not (known(low) and known(high)):
        return ""
    return f"{scale * low:.{digits}f} to {scale * high:.{digits}f}"


def share_of_drop(step: Step, gap: GapDocument) -> str:
    """Say which share of the drop a step makes up; empty where the drop is too small to share.

    A step that goes against the drop has no share of it.
    """
    drop = gap.drop_points
    if not known(drop) or abs(drop) < SMALLEST_DROP_POINTS:
        return ""
    share = step.points / drop
    return f"{100.0 * abs(share):.0f} %" if share >= 0 else ""


def abbreviated(release: str) -> str:
    """Say a release with the first digits of its digest.

    >>> abbreviated("tickets@3f2a9c0d4b7e81a6f5c2")
    'tickets@3f2a9c0d4b7e'
    """
    name, at, digest = release.rpartition("@")
    return f"{name}{at}{digests.abbreviated(digest)}" if at else release


def instant(started: str) -> str:
    """Say a moment; what is not ISO 8601 is returned as it is.

    >>> instant("2025-03-04T09:26:53+00:00"), instant("yesterday")
    ('4 March 2025, 09:26 UTC', 'yesterday')
    """
    try:
        moment = datetime.fromisoformat(started).astimezone(UTC)
    except ValueError:
        return started
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def plural(count: int, one: str, many: str = "") -> str:
    """Say how many of something.

    >>> plural(1, "item"), plural(1200, "row"), plural(2, "query", "queries")
    ('1 item', '1,200 rows', '2 queries')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def counted(counts: Mapping[str, int]) -> str:
    """Say how many items have each status; the statuses that nobody has are left out.

    >>> counted({"pass": 6, "warn": 0, "fail": 2, "unmeasured": 16, "not_applicable": 0})
    '2 fail, 16 not measured, 6 pass'
    """
    words = {**WORDS, "warn": "with a warning"}
    return ", ".join(
        f"{counts[status]} {words[status]}" for status in STATUSES if counts.get(status)
    )
