"""The bank of planted failures: pairs of small models, one sick and one healthy, by failure id.

Every entry is registered in :data:`seatrial.core.plugins.failures`; one suite walks the registry
with drawn parameters, so that an entry added later is tested the same day. To add one, write a
module here that ends in a :class:`~seatrial.testing.bank.entry.Failure` and name it in
``BUILTIN`` (or register it from elsewhere, under the entry-point group ``seatrial.failures``).
Detectors get a callable, or the URL of a service that hosts it, and nothing else.

An entry may name any kind of evidence that has a measurement and a judge in
:data:`seatrial.trials.failures.JUDGES`; entries that need a server rather than a model
(``latency-budget``, ``serving-skew``) say so with ``through``.
"""

from __future__ import annotations

from seatrial.core import plugins
from seatrial.testing.bank.entry import Failure, Parameters

__all__ = ["BUILTIN", "Failure", "Parameters", "entries", "register"]

BUILTIN = {
    "row-loop": "seatrial.testing.bank.loops:ROW_LOOP",
    "batch-cliff": "seatrial.testing.bank.cliffs:BATCH_CLIFF",
    "batch-dependent-output": "seatrial.testing.bank.dependence:BATCH_DEPENDENT_OUTPUT",
    "integer-overflow": "seatrial.testing.bank.overflow:INTEGER_OVERFLOW",
    "memory-pressure": "seatrial.testing.bank.memory:MEMORY_PRESSURE",
    "variant-loss": "seatrial.testing.bank.variants:VARIANT_LOSS",
    "latency-budget": "seatrial.testing.bank.latency:LATENCY_BUDGET",
    "serving-skew": "seatrial.testing.bank.skew:SERVING_SKEW",
    "inconsistent-answers": "seatrial.testing.bank.wording:INCONSISTENT_ANSWERS",
    "language-shift": "seatrial.testing.bank.shifts:LANGUAGE_SHIFT",
    "domain-shift": "seatrial.testing.bank.shifts:DOMAIN_SHIFT",
    "length-shift": "seatrial.testing.bank.shifts:LENGTH_SHIFT",
    "format-shift": "seatrial.testing.bank.shifts:FORMAT_SHIFT",
    "adversarial-inputs": "seatrial.testing.bank.shifts:ADVERSARIAL_INPUTS",
    "confident-wrong": "seatrial.testing.bank.sureness:CONFIDENT_WRONG",
    "overconfidence": "seatrial.testing.bank.sureness:OVERCONFIDENCE",
    "survivorship": "seatrial.testing.bank.sureness:SURVIVORSHIP",
    "stale-cache": "seatrial.testing.bank.staleness:STALE_CACHE",
    "overload-collapse": "seatrial.testing.bank.overload:OVERLOAD_COLLAPSE",
    "retry-storm": "seatrial.testing.bank.overload:RETRY_STORM",
}


def register() -> None:
    """Put our own entries into the registry; those that are there already stay."""
    for name, reference in BUILTIN.items():
        if name not in plugins.failures:
            plugins.failures.register(name, reference)


def entries() -> list[Failure]:
    """Return every registered entry, ours and anybody else's, by id."""
    register()
    return [plugins.failures.get(name) for name in plugins.failures]
