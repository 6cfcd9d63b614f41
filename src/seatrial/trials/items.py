"""The 24 checklist items, in the order in which things break."""

from __future__ import annotations

from msgspec import Struct


class Item(Struct, frozen=True, kw_only=True):
    """One line of the checklist.

    Attributes:
        id: Its name in documents and on the command line.
        week: The week after launch in which teams without it find out.
        title: What is asked for.
        proven_by: What has to be measured or caused before it can pass.
        inside: Whether the proof needs access to the inside of the service, so that a URL alone
            cannot give it.
    """

    id: str
    week: int
    title: str
    proven_by: str
    inside: bool = False


ITEMS: tuple[Item, ...] = (
    Item(
        id="batch-profile",
        week=1,
        title="Profile with real batch sizes",
        proven_by="a sweep over 1…256 rows a call: items/s, memory, cliffs, and equality of "
        "each answer alone and in company",
    ),
    Item(
        id="precision-variants",
        week=1,
        title="Quantize and measure the accuracy loss",
        proven_by="each variant's accuracy loss with a paired interval, its latency and its size",
        inside=True,
    ),
    Item(
        id="end-to-end-latency",
        week=1,
        title="Measure latency on the target hardware",
        proven_by="open-loop load over HTTP, timed from the scheduled arrival, on the target "
        "machine",
    ),
    Item(
        id="latency-budget",
        week=1,
        title="Budget p50, p95 and p99",
        proven_by="measured percentiles against [budget], with where the tail's time went",
    ),
    Item(
        id="production-sample",
        week=3,
        title="Collect 1,000 production examples",
        proven_by="a count of what real users sent",
    ),
    Item(
        id="production-evaluation",
        week=3,
        title="Evaluate on production data",
        proven_by="the gap between eval and production, with intervals",
    ),
    Item(
        id="data-quality",
        week=3,
        title="Monitor data quality automatically",
        proven_by="a drill: corrupted traffic raises the right alarm, clean traffic none",
        inside=True,
    ),
    Item(
        id="kill-threshold",
        week=3,
        title="Set an error rate that trips the kill switch",
        proven_by="a drill: an error burst trips it, the alert arrives, no model call follows",
        inside=True,
    ),
    Item(
        id="pinned-dependencies",
        week=5,
        title="Pin all dependencies",
        proven_by="a lock with exact versions and hashes that the running environment matches",
        inside=True,
    ),
    Item(
        id="integration-tests",
        week=5,
        title="Run integration tests in CI",
        proven_by="golden inputs answered alike twice and in other batches; a tampered bundle "
        "is refused",
        inside=True,
    ),
    Item(
        id="memory-per-request",
        week=5,
        title="Profile memory per request",
        proven_by="a soak: bytes per request with interval and time to exhaustion",
        inside=True,
    ),
    Item(
        id="cache-invalidation",
        week=5,
        title="Plan cache invalidation",
        proven_by="a drill: releases swapped under load, no stale answer",
        inside=True,
    ),
    Item(
        id="percentiles",
        week=7,
        title="Watch all percentiles",
        proven_by="a drill: a planted 1 % straggler, p50…p99.9 reported within 1 % of the truth",
        inside=True,
    ),
    Item(
        id="separate-metrics",
        week=7,
        title="Keep production apart from training metrics",
        proven_by="a drill: warm-up, golden, drill and shadow traffic changes no production figure",
        inside=True,
    ),
    Item(
        id="slo-alerts",
        week=7,
        title="Alert on SLO violations",
        proven_by="a drill: the budget burns, the alert reaches a receiver in time",
        inside=True,
    ),
    Item(
        id="review-sample",
        week=7,
        title="Review a representative sample",
        proven_by="a sample drawn with known probabilities from all records",
        inside=True,
    ),
    Item(
        id="warm-up",
        week=9,
        title="Warm up before taking traffic",
        proven_by="a drill: started cold, the first user request stays within its budget",
        inside=True,
    ),
    Item(
        id="confidence",
        week=9,
        title="Give predictions a confidence",
        proven_by="calibration error on eval and production, and a threshold with its promise",
    ),
    Item(
        id="beta-program",
        week=9,
        title="Test on real users",
        proven_by="records of real beta users, compared by an anytime-valid test",
        inside=True,
    ),
    Item(
        id="rollback-plan",
        week=9,
        title="Have a rollback plan",
        proven_by="a drill: a bad release under load is rolled back by itself",
        inside=True,
    ),
    Item(
        id="unit-cost",
        week=11,
        title="Know the cost per prediction",
        proven_by="measured throughput times price, with idle time and failover counted",
    ),
    Item(
        id="unit-margin",
        week=11,
        title="Compare cost with revenue",
        proven_by="margin per prediction and per month, with interval",
    ),
    Item(
        id="growth-plan",
        week=11,
        title="Plan for 10x and 100x",
        proven_by="a simulation on the measured profile: machines, p99, cost",
    ),
    Item(
        id="degradation-plan",
        week=11,
        title="Document the degradation",
        proven_by="a drill: a tenfold spike, and what each caller was told",
        inside=True,
    ),
)

BY_ID = {item.id: item for item in ITEMS}
