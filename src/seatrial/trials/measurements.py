"""Each measurement, given what it needs from the rig."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.core.errors import UsageError
from seatrial.evidence.documents import Evidence
from seatrial.measure.batching import measure_batching
from seatrial.measure.calibration import Scored, measure_calibration
from seatrial.measure.consistency import measure_consistency
from seatrial.measure.latency import measure_latency
from seatrial.measure.overload import measure_overload
from seatrial.measure.profile import measure_profile
from seatrial.measure.ratestep import Limits
from seatrial.measure.skew import measure_skew
from seatrial.measure.staleness import freshened, measure_staleness
from seatrial.measure.start import measure_start
from seatrial.measure.variants.building import build_variants, discard
from seatrial.measure.variants.comparison import Labelled, NotMade, measure_variants
from seatrial.models.answers import Answer
from seatrial.models.process import ModelProcess
from seatrial.models.subject import Subject
from seatrial.models.variant import size_bytes
from seatrial.releases.profile import ReleaseProfile, keep, machine_digest
from seatrial.serve.sizes import size_of
from seatrial.stats.scores import row_scores
from seatrial.trials.production import told_apart
from seatrial.trials.proofs.variants import worth_serving
from seatrial.trials.rig import Rig

SHARES = {
    "batching": 0.35,
    "variants": 0.3,
    "start": 0.25,
    "latency": 0.6,
    "skew": 0.5,
    "consistency": 0.3,
    "staleness": 0.5,
    "overload": 0.9,
    "profile": 0.5,
}
"""Of the time that is left when a measurement begins, in the order in which they run."""

INPUTS_MAX = 512
"""Inputs that speed and equality are measured with: every batch of 256 has different company."""

BODIES_MAX = 2_000
"""Request bodies kept ready: more would cost memory and show no cache that these do not."""


def batching(rig: Rig) -> Evidence:
    """Sweep batch sizes, and compare each answer alone with itself in company."""
    return measure_batching(
        rig.original,
        real_inputs(rig, INPUTS_MAX),
        at=rig.at,
        budget=rig.budget.share(SHARES["batching"]),
        memory_gib=rig.settings.target.memory_gib,
    )


def profile(rig: Rig) -> Evidence:
    """Measure what batches cost and how many workers answer most, and keep it for the server."""
    if not rig.inside:
        raise UsageError(
            "a model behind a URL has no batch profile: its batches are made where it is served.",
            hint="Run: seatrial measure latency",
        )
    variant, cores = rig.settings.serving.variant, rig.at.machine.cores

    def start(threads: int) -> ModelProcess:
        return ModelProcess(rig.folder, settings=rig.settings, variant=variant, threads=threads)

    found = measure_profile(
        start,
        real_inputs(rig, INPUTS_MAX),
        at=rig.at,
        budget=rig.budget.share(SHARES["profile"]),
        rows_max=rig.settings.serving.batch_max,
        cores=cores,
        size=size_of(rig.settings.model.input),
    )
    kept = ReleaseProfile(
        release=rig.at.release,
        variant=variant,
        machine=machine_digest(rig.at.machine),
        cost=found.cost,
        workers=found.workers,
        threads=found.threads,
        crowding=found.crowding,
    )
    keep(rig.folder, kept)
    return found.evidence


def variants(rig: Rig) -> Evidence:
    """Make and compare cheaper versions of the model; keep those that are worth serving."""
    rows, production = rig.rows.eval, rig.rows.production
    versions: dict[str, Subject | NotMade] = dict(rig.original.variants())
    built = build_variants(rig.folder, rig.settings)
    for one in built:
        versions[one.name] = NotMade(one.why, one.failed) if one.why else rig.version(one.name)
    evidence = measure_variants(
        rig.original,
        versions,
        Labelled(rows.inputs, rows.labels or [], rig.settings.eval.metric, rig.score),
        at=rig.at,
        budget=rig.budget.share(SHARES["variants"]),
        production=production.inputs if production else (),
        sizes_bytes={one.name: size_bytes(rig.folder, one.name) for one in built if not one.why},
        must_equal=[one.name for one in built if one.must_equal],
    )
    discard(rig.folder, but={rig.settings.serving.variant, *worth_serving(evidence, rig.settings)})
    return evidence


def latency(rig: Rig) -> Evidence:
    """Load the service at several rates."""
    budget = rig.settings.budget
    return measure_latency(
        rig.outside.url,
        rig.bodies(real_inputs(rig, BODIES_MAX)),
        at=rig.at,
        budget=rig.budget.share(SHARES["latency"]),
        limits=Limits(p50_ms=budget.p50_ms, p95_ms=budget.p95_ms, p99_ms=budget.p99_ms),
        headers=rig.outside.headers,
    )


def start(rig: Rig) -> Evidence:
    """Start servers cold and time their first requests."""
    return measure_start(
        rig.fresh_server,
        rig.bodies(real_inputs(rig, INPUTS_MAX)),
        at=rig.at,
        budget=rig.budget.share(SHARES["start"]),
    )


def skew(rig: Rig) -> Evidence:
    """Answer the same rows in process and through the serving path."""
    return measure_skew(
        rig.variant,
        rig.outside,
        real_inputs(rig, INPUTS_MAX),
        at=rig.at,
        budget=rig.budget.share(SHARES["skew"]),
    )


def consistency(rig: Rig) -> Evidence:
    """Ask the served variant the same rows twice, in company and lightly reworded."""
    inputs, labels = _questions(rig)

    def same(outputs: list[Any], references: list[Any]) -> NDArray[np.float64]:
        return row_scores(outputs, references, metric=rig.settings.eval.metric, custom=rig.score)

    return measure_consistency(
        rig.variant,
        inputs,
        at=rig.at,
        labels=labels,
        same=same,
        budget=rig.budget.share(SHARES["consistency"]),
    )


def _questions(rig: Rig) -> tuple[list[Any], list[Any]]:
    """Return eval and production inputs with their labels, ``None`` where nobody said."""
    evals, production = rig.supplied.eval, rig.supplied.production
    inputs, labels = list(evals.inputs), list(evals.labels or [None] * len(evals))
    if production is not None:
        inputs += production.inputs
        labels += production.labels or [None] * len(production)
    return inputs, labels


def staleness(rig: Rig) -> Evidence:
    """Ask two models of one service the same rows, to find a cache that mixes them up."""
    if not rig.settings.endpoint.also:
        raise UsageError(
            "no other model of the same service is named; accepted is --also URL.",
            hint="A cache that ignores the model shows only where two models are asked.",
        )
    # Rows that were asked before, in this trial or an earlier one, may lie in the cache already.
    chance = np.random.default_rng()
    rows = [freshened(value, chance) for value in real_inputs(rig, INPUTS_MAX)]
    with rig.also() as other:
        return measure_staleness(
            rig.outside, other, rows, at=rig.at, budget=rig.budget.share(SHARES["staleness"])
        )


def overload(rig: Rig) -> Evidence:
    """Offer the service several times what it can do, and a spike whose clients try again."""
    return measure_overload(
        rig.outside.url,
        rig.bodies(real_inputs(rig, BODIES_MAX)),
        at=rig.at,
        budget=rig.budget.share(SHARES["overload"]),
        headers=rig.outside.headers,
    )


def calibration(rig: Rig) -> Evidence:
    """Compare confidence with correctness on the eval set and on labelled production rows."""
    rows, production = rig.rows.eval, rig.rows.production
    on_production = None
    if production is not None and production.labels is not None:
        recorded = rig.rows.recorded
        answers = (
            recorded.answers if recorded else told_apart(rig.served_production, rig.settings)[0]
        )
        on_production = _scored(rig, answers, production.labels)
    on_eval = _scored(rig, rig.eval_answers, rows.labels or [])
    return measure_calibration(on_eval, on_production, at=rig.at)


def _scored(rig: Rig, answers: Sequence[Answer | None], labels: Sequence[Any]) -> Scored:
    scores = rig.scores(answers, labels)
    return Scored(
        confidences=[None if answer is None else answer.confidence for answer in answers],
        scores=[
            None if answer is None or np.isnan(score) else float(score)
            for answer, score in zip(answers, scores, strict=True)
        ],
    )


def real_inputs(rig: Rig, most: int) -> list[Any]:
    """Return real inputs, production rows and eval rows alike, drawn with the seed of the trial.

    Latency and batches have to see the lengths that users send, not those of an eval set.
    """
    production = rig.supplied.production
    inputs: Sequence[Any] = [*(production.inputs if production else ()), *rig.supplied.eval.inputs]
    if len(inputs) <= most:
        return list(inputs)
    chosen = np.random.default_rng(rig.at.seed).choice(len(inputs), size=most, replace=False)
    return [inputs[at] for at in np.sort(chosen)]
