"""What hurts users most: the order in which the first screen names what is wrong."""

from __future__ import annotations

WRONG_ANSWERS = (
    "batch-dependent-output",
    "integer-overflow",
    "serving-skew",
    "stale-cache",
    "nondeterminism",
    "inconsistent-answers",
    "confident-wrong",
    "wrong-language-answer",
    "unsupported-number",
    "integration-tests",
    "cache-invalidation",
)
"""They look right, whatever the eval set says."""

WORSE_FOR_USERS = (
    "language-shift",
    "domain-shift",
    "length-shift",
    "format-shift",
    "adversarial-inputs",
    "variant-loss",
    "overconfidence",
    "incomplete-answer",
    "output-length-drift",
    "survivorship",
    "production-evaluation",
    "precision-variants",
    "confidence",
)
"""Right on eval, wrong in production."""

NO_ANSWER = (
    "overload-collapse",
    "memory-leak",
    "memory-pressure",
    "error-spike",
    "retry-storm",
    "dependency-change",
    "unpinned-dependency",
    "pinned-dependencies",
    "memory-per-request",
    "kill-threshold",
    "rollback-plan",
    "degradation-plan",
)
"""The service falls over, or cannot be brought back."""

LATE_ANSWER = (
    "latency-budget",
    "tail-latency",
    "hidden-tail",
    "batch-cliff",
    "row-loop",
    "cold-start",
    "batch-profile",
    "end-to-end-latency",
    "percentiles",
    "warm-up",
)
"""Right, and too slow."""

GRAVITY = (WRONG_ANSWERS, WORSE_FOR_USERS, NO_ANSWER, LATE_ANSWER)
"""Ids of items and failures, what hurts users most first; an id not listed comes after them."""


def gravity(name: str) -> int:
    """Return the tier of an item or a failure; 0 is the gravest.

    >>> gravity("stale-cache") < gravity("confidence") < gravity("warm-up") < gravity("unit-cost")
    True
    """
    tiers = (tier for tier, names in enumerate(GRAVITY) if name in names)
    return next(tiers, len(GRAVITY))
