"""The trial: what is measured in which order, and how the 24 items are judged from it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct

from seatrial.core import plugins
from seatrial.core.errors import SeatrialError, SettingsError, UnknownNameError
from seatrial.core.settings import FILE_NAME
from seatrial.evidence.documents import Evidence
from seatrial.evidence.findings import FailureResult, ItemResult, TrialDocument
from seatrial.gap.confidence import confidence_evidence
from seatrial.gap.risks import risk_evidence
from seatrial.trials.case import GIVE_MODEL, Case, judged, unmeasured
from seatrial.trials.failures import judge_failures
from seatrial.trials.items import BY_ID, ITEMS, Item
from seatrial.trials.production import measure_production
from seatrial.trials.progress import Progress
from seatrial.trials.rig import Rig

Result = TypeVar("Result")

ORDER = ("batching", "variants", "start", "latency", "skew", "consistency", "calibration")
"""Measurements of a whole trial; the gap comes before calibration, which reads its answers."""

ON_REQUEST = ("staleness", "overload")
"""Measured where they are asked for: the one needs a second model, the other hurts other users."""

NEEDS: Mapping[str, tuple[str, ...]] = {
    "batch-profile": ("batching",),
    "precision-variants": ("variants",),
    "end-to-end-latency": ("latency",),
    "latency-budget": ("latency",),
    "production-evaluation": ("gap", "skew"),
    "cache-invalidation": ("staleness",),
    "degradation-plan": ("overload",),
    "warm-up": ("start",),
    "confidence": ("calibration",),
}
"""What the proof of an item reads."""

DISPROVED_BY: Mapping[str, tuple[str, ...]] = {
    "cache-invalidation": ("stale-cache",),
    "degradation-plan": ("overload-collapse", "retry-storm"),
}
"""Failures that make an item fail, whatever else it would take for it to pass."""

INSIDE_ONLY: Mapping[str, str] = {
    "variants": "variants are made of the model itself",
    "start": "only what seatrial starts itself can be started cold",
    "skew": "it compares the service with the model in the notebook",
}
"""Measurements that need seatrial to start the model itself, and why."""


class Outcome(Struct, frozen=True):
    """A trial and the evidence that it rests on."""

    trial: TrialDocument
    evidence: tuple[Evidence, ...]


def names(only: str | None) -> tuple[str, ...] | None:
    """Read ``--only``: item ids, comma separated.

    Raises:
        UnknownNameError: There is no such item.
    """
    if not only:
        return None
    chosen = tuple(part.strip() for part in only.split(",") if part.strip())
    for name in chosen:
        if name not in BY_ID:
            raise UnknownNameError.of("item", name, BY_ID)
    return chosen


def run_trial(rig: Rig, *, only: Sequence[str] | None, progress: Progress) -> Outcome:
    """Measure what the wanted items need, and judge all of them.

    Args:
        rig: What to measure with.
        only: Items to judge; ``None`` for all 24.
        progress: Told about each stage.

    Raises:
        UsageError: ``[not_applicable]`` names no item, or gives no reason.
        ModelError: The model cannot answer its own eval set.
        DataError: Its answers and the labels are of different types.
    """
    _check_not_applicable(rig.settings.not_applicable)
    started, started_s = rig.clock.utc(), rig.clock.now_s()
    wanted = _wanted(only, also=bool(rig.settings.endpoint.also))
    evidence: dict[str, Evidence] = {}
    reasons: dict[str, str] = {}
    gap = None
    progress.stage(rig.opening)
    rig.eval_scores  # noqa: B018  (a model that cannot answer its eval set ends the trial here)
    for sentence in rig.left_out:
        progress.note(sentence)
    for kind in (*ORDER, *ON_REQUEST):
        if kind == "calibration" and {"gap", "calibration"} & wanted:
            progress.stage("comparing eval with production, and explaining the difference")
            gap = _attempt(rig, lambda: measure_production(rig), "gap", reasons)
            found = (risk_evidence(gap), confidence_evidence(gap)) if gap else ()
            evidence |= {one.kind: one for one in found if one}
        if kind not in wanted:
            continue
        if not rig.inside and kind in INSIDE_ONLY:
            reasons[kind] = f"cannot tell from a URL alone: {INSIDE_ONLY[kind]}; {GIVE_MODEL}"
            continue
        measured = _measure(rig, kind, progress, reasons)
        if measured is not None:
            evidence[kind] = measured
    case = Case(
        settings=rig.settings,
        release=rig.at.release,
        machine=rig.at.machine,
        inside=rig.inside,
        rows=rig.supplied.counts(),
        evidence=evidence,
        failures={
            found.id: found for found in judge_failures(evidence, rig.settings, reasons=reasons)
        },
        gap=gap,
        reasons=reasons,
    )
    items = tuple(judge(case, item) for item in ITEMS if only is None or item.id in only)
    document = TrialDocument(
        release=case.release,
        machine=case.machine,
        started=started.isoformat(timespec="seconds"),
        duration_s=round(rig.clock.now_s() - started_s, 2),
        items=items,
        failures=tuple(case.failures.values()),
        gap=gap,
        next=_next(items, rig),
    )
    return Outcome(document, tuple(evidence.values()))


def _check_not_applicable(reasons: Mapping[str, str]) -> None:
    for name, reason in reasons.items():
        if name not in BY_ID:
            raise UnknownNameError.of("item in [not_applicable]", name, BY_ID)
        if not reason.strip():
            raise SettingsError(
                f"[not_applicable] {name} is empty; accepted is the reason why it does not apply.",
                hint="The reason is shown in the report.",
            )


def judge(case: Case, item: Item) -> ItemResult:
    """Judge one item: the user's word first, then its proof, else unmeasured."""
    reason = case.settings.not_applicable.get(item.id)
    if reason:
        return judged(item.id, "not_applicable", "", because=reason)
    for name in DISPROVED_BY.get(item.id, ()):
        against = case.failures.get(name)
        if against is not None and against.found:
            return _disproved(item, against, case)
    if not case.inside and item.inside:
        return _outside(item)
    if item.id not in plugins.proofs:
        return unmeasured(item.id, f"no proof of this yet: it takes {item.proven_by}")
    try:
        result: ItemResult = plugins.proofs.get(item.id)(case)
    except SeatrialError as error:  # evidence of somebody else's measurement may lack a figure
        return unmeasured(item.id, f"the evidence cannot be judged: {error}")
    return result


def _disproved(item: Item, failure: FailureResult, case: Case) -> ItemResult:
    rests = tuple(one for one in case.evidence.values() if one.id in failure.evidence)
    fix = failure.contained_by
    return judged(item.id, "fail", failure.figure, because=failure.id, fix=fix, evidence=rests)


def _outside(item: Item) -> ItemResult:
    needed = f"a URL alone cannot show it: it takes {item.proven_by}"
    if item.id in plugins.proofs:
        return unmeasured(item.id, needed, fix=GIVE_MODEL)
    return unmeasured(item.id, f"{needed}; there is no proof of this yet")


def _measure(rig: Rig, kind: str, progress: Progress, reasons: dict[str, str]) -> Evidence | None:
    progress.stage(f"measuring {kind}")
    measurement = plugins.measurements.get(kind)
    measured: Evidence | None = _attempt(rig, lambda: measurement(rig), kind, reasons)
    for sentence in measured.criticisms if measured else (reasons.get(kind, ""),):
        if sentence:
            progress.note(sentence)
    return measured


def _attempt(
    rig: Rig, work: Callable[[], Result], kind: str, reasons: dict[str, str]
) -> Result | None:
    """Do the work; an error of ours becomes the reason why there is no result.

    Where the server has died of it, the next work gets another one.
    """
    try:
        return work()
    except SeatrialError as error:
        reasons[kind] = f"measuring it failed: {rig.bury_server() or error}"
        return None


def _wanted(only: Sequence[str] | None, *, also: bool) -> set[str]:
    if only is None:
        return {*ORDER, "gap", "staleness"} if also else {*ORDER, "gap"}
    wanted = {kind for item in only for kind in NEEDS.get(item, ())}
    return wanted if also else wanted - {"staleness"}


def _next(items: Sequence[ItemResult], rig: Rig) -> str:
    """Return the command to type next: try again what failed, else serve or load it."""
    failed = ",".join(item.id for item in items if item.status == "fail")
    folder, model = shlex.quote(str(rig.folder)), rig.settings.model
    if rig.inside or (rig.folder / FILE_NAME).is_file():
        return f"seatrial trial {folder} --only {failed}" if failed else f"seatrial serve {folder}"
    place = f"{shlex.quote(model.location)} --data {shlex.quote(rig.settings.eval.data)}"
    for name in ("body", "answer"):
        template = getattr(rig.settings.endpoint, name)
        place += (
            f" --{name} {shlex.quote(template)}" if template and (failed or name == "body") else ""
        )
    return f"seatrial trial --url {place} --only {failed}" if failed else f"seatrial load {place}"
