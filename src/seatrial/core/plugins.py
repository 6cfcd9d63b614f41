"""Every registry there is, with our own entries in it: where a new part goes.

An adapter gives a runtime the face of :class:`seatrial.models.subject.Subject`; it is named in
``[model]`` by its registered name (``sklearn = "model.skops"``). A measurement is a function that
returns :class:`seatrial.evidence.documents.Evidence`, run by ``seatrial measure NAME``. A proof
judges one checklist item from evidence. Entries are strings until they are chosen, so that this
page imports nothing.
"""

from __future__ import annotations

from typing import Any

from seatrial.core.registry import Registry

adapters: Registry[Any] = Registry(
    "adapter",
    group="seatrial.adapters",
    builtin={
        "load": "seatrial.models.python:open_model",
        "sklearn": "seatrial.models.sklearn:open_model",
        "onnx": "seatrial.models.onnx:open_model",
        "url": "seatrial.models.url:open_model",
    },
)
"""``open_model(location: str, *, settings: Settings, folder: Path) -> Subject``."""

measurements: Registry[Any] = Registry(
    "measurement",
    group="seatrial.measurements",
    builtin={
        "batching": "seatrial.trials.measurements:batching",
        "variants": "seatrial.trials.measurements:variants",
        "latency": "seatrial.trials.measurements:latency",
        "profile": "seatrial.trials.measurements:profile",
        "start": "seatrial.trials.measurements:start",
        "skew": "seatrial.trials.measurements:skew",
        "consistency": "seatrial.trials.measurements:consistency",
        "calibration": "seatrial.trials.measurements:calibration",
        "staleness": "seatrial.trials.measurements:staleness",
        "overload": "seatrial.trials.measurements:overload",
    },
)
"""``measurement(rig: Rig) -> Evidence``."""

proofs: Registry[Any] = Registry(
    "proof",
    group="seatrial.proofs",
    builtin={
        "batch-profile": "seatrial.trials.proofs.batching:prove_batch_profile",
        "precision-variants": "seatrial.trials.proofs.variants:prove_precision_variants",
        "end-to-end-latency": "seatrial.trials.proofs.latency:prove_end_to_end_latency",
        "latency-budget": "seatrial.trials.proofs.latency:prove_latency_budget",
        "warm-up": "seatrial.trials.proofs.latency:prove_warm_up",
        "production-sample": "seatrial.trials.proofs.production:prove_production_sample",
        "production-evaluation": "seatrial.trials.proofs.production:prove_production_evaluation",
        "confidence": "seatrial.trials.proofs.production:prove_confidence",
    },
)
"""``proof(case: Case) -> ItemResult``, by item id; an item without one stays ``unmeasured``."""

consoles: Registry[Any] = Registry(
    "page of the admin port",
    group="seatrial.consoles",
    builtin={"review": "seatrial.web.review:console"},
)
"""``console(folder, *, log_folder, settings, identify) -> ASGI application``: the keeper serves it
under ``/NAME`` on the admin port, once somebody asks for it."""

failures: Registry[Any] = Registry("planted failure", group="seatrial.failures")
"""``Failure`` entries; filled by :mod:`seatrial.testing.bank`, by failure id."""
