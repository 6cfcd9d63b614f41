"""The first screen, decided as text: can I ship, what would break first, what do I do next.

Nothing here rounds up: an item that was not measured is never counted as passed, and a verdict
is "yes" only where nothing failed, nothing was found and nothing is left to measure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import Struct

from seatrial.evidence.documents import Evidence
from seatrial.evidence.findings import FailureResult, ItemResult, TrialDocument
from seatrial.evidence.gap import GapDocument, Step
from seatrial.report.gravity import gravity
from seatrial.report.limits import limits_of
from seatrial.report.wording import (
    counted,
    interval,
    known,
    number,
    percent,
    plural,
    points,
)

Verdict = Literal["yes", "no", "not known"]

LONGEST = 180
"""Characters of one answer on the first screen; the checklist has the rest."""

CHECKLIST_ITEMS = 24
"""A trial that looked at fewer of them cannot say yes."""


class Trouble(Struct, frozen=True, kw_only=True):
    """One thing that goes wrong, with what to do about it."""

    id: str
    figure: str
    because: str = ""
    fix: str = ""


class Headline(Struct, frozen=True, kw_only=True):
    """What the first screen says.

    Attributes:
        verdict: The answer to "can I ship?".
        ship: The sentence behind the verdict, counts aloud.
        counts: How many items have each status.
        users: What users get against what the eval set promised.
        breaks: What would break first.
        breaks_because: The figure or reason behind it.
        next: The most valuable thing to do.
        next_because: Why that comes first.
        command: The next command to type; may be empty.
    """

    verdict: Verdict
    ship: str
    counts: str
    users: str
    breaks: str
    breaks_because: str
    next: str
    next_because: str
    command: str


def headline(
    trial: TrialDocument, gap: GapDocument | None = None, evidences: Sequence[Evidence] = ()
) -> Headline:
    """Decide the first screen.

    Args:
        trial: The judged checklist.
        gap: The gap; default: the one inside the trial.
        evidences: The measurements behind it, for the limits that lie nearest.

    Returns:
        Plain text throughout: renderers escape and colour it.
    """
    gap = gap if gap is not None else trial.gap
    verdict, ship = _verdict(trial)
    first = next(troubles(trial), None)
    breaks, breaks_because = _breaks(trial, gap, evidences, first)
    todo, todo_because = _next(trial, first)
    return Headline(
        verdict=verdict,
        ship=ship,
        counts=counted(trial.counts()),
        users=users_get(gap),
        breaks=_short(breaks),
        breaks_because=_short(breaks_because),
        next=_short(todo),
        next_because=_short(todo_because),
        command=_short(trial.next),
    )


def troubles(trial: TrialDocument) -> Iterator[Trouble]:
    """Yield what was found to be wrong, the gravest first: found failures and failing items."""
    failing = [item for item in trial.items if item.status == "fail"]
    found = [failure for failure in trial.failures if failure.found]
    everything: list[ItemResult | FailureResult] = [*found, *failing]
    for result in sorted(everything, key=lambda result: gravity(result.id)):
        if isinstance(result, ItemResult):
            yield Trouble(
                id=result.id, figure=result.figure, because=result.because, fix=result.fix
            )
        else:
            item = _item_of(result, trial.items)
            yield Trouble(
                id=result.id,
                figure=result.figure,
                because=f"contained by: {result.contained_by}" if result.contained_by else "",
                fix=item.fix if item else "",
            )


def users_get(gap: GapDocument | None) -> str:
    """Say what users get against what the eval set promised."""
    if gap is None:
        return "What users get is not known: no production rows were compared."
    promised = f"The eval set says {percent(gap.eval.accuracy)}"
    production = gap.production
    if not known(production.accuracy) or production.state == "unknown":
        why = f": {production.why}" if production.why else ""
        return f"{promised}; what users get is not known{why}".rstrip(".") + "."
    verb = "get" if production.state == "measured" else "get, by estimate,"
    span = interval(production.low, production.high, scale=100)
    return f"{promised}; users {verb} {percent(production.accuracy)}{f' ({span})' if span else ''}."


def worst_step(gap: GapDocument | None) -> Step | None:
    """Return the step of the ledger that costs most; ``None`` where no known factor costs."""
    losses = [step for step in (gap.steps if gap else None) or () if step.kind != "remainder"]
    worst = min(losses, key=lambda step: step.points, default=None)
    return worst if worst is not None and worst.points < 0 else None


def _verdict(trial: TrialDocument) -> tuple[Verdict, str]:
    counts, total = trial.counts(), len(trial.items)
    found = sum(failure.found is True for failure in trial.failures)
    left = counts["unmeasured"] + max(0, CHECKLIST_ITEMS - total)
    checklist = max(total, CHECKLIST_ITEMS)
    if counts["fail"]:
        verb = "fails" if counts["fail"] == 1 else "fail"
        rest = f", and {left} {_are(left)} not measured" if left else ""
        return "no", f"{counts['fail']} of {plural(checklist, 'item')} {verb}{rest}."
    if found:
        return "not known", (
            f"No item fails, but {plural(found, 'known failure')} {_was(found)} found"
            f"{f', and {left} of {checklist} items {_are(left)} not measured' if left else ''}."
        )
    if left == checklist:
        return "not known", f"None of {checklist} items was measured."
    if left:
        return "not known", (
            f"Nothing that was measured fails, but {left} of {checklist} items "
            f"{_are(left)} not measured: that is not a pass."
        )
    return "yes", _clear(counts, checklist)


def _clear(counts: dict[str, int], checklist: int) -> str:
    parts = [f"Nothing fails: {counts['pass']} of {checklist} items pass"]
    if counts["warn"]:
        parts.append(f"{counts['warn']} {'carries' if counts['warn'] == 1 else 'carry'} a warning")
    if counts["not_applicable"]:
        parts.append(
            f"{counts['not_applicable']} {_are(counts['not_applicable'])} set aside by you"
        )
    return f"{', '.join(parts)}."


def _breaks(
    trial: TrialDocument,
    gap: GapDocument | None,
    evidences: Sequence[Evidence],
    first: Trouble | None,
) -> tuple[str, str]:
    if first is not None:
        worst = worst_step(gap) if first.id == "production-evaluation" else None
        because = f"{worst.id} costs most: {points(worst.points)} points" if worst else ""
        return f"{first.id}: {first.figure}".rstrip(": "), because or first.because
    for limit in (_lost_accuracy(gap), _rate_limit(evidences), _warning(trial), _tight(evidences)):
        if limit is not None:
            return limit
    return "Not known.", "Nothing that was measured lies near a limit that is set."


def _lost_accuracy(gap: GapDocument | None) -> tuple[str, str] | None:
    """Return the accuracy lost, where production lies surely below eval."""
    if gap is None or gap.production.high is None or gap.drop_points is None:
        return None
    if not gap.production.high < gap.eval.low:
        return None
    worst = worst_step(gap)
    because = f"{worst.id} costs most: {points(worst.points)} points" if worst else ""
    return f"Accuracy: {points(gap.drop_points)} points from eval to production.", because


def _rate_limit(evidences: Sequence[Evidence]) -> tuple[str, str] | None:
    """Return the first rate that did not hold: over budget, or a queue that grew."""
    for evidence in evidences:
        broken = [row for row in evidence.table("rates") if row.get("within_budget") is False]
        if broken:
            row = min(broken, key=lambda row: float(row.get("rate_per_s") or 0.0))
            held = evidence.value("rate_max_per_s") if evidence.has("rate_max_per_s") else None
            rate = number(row.get("rate_per_s"), "requests/s")
            return (
                f"Latency: at {rate}, p99 is {number(row.get('p99_ms'), 'ms')}.",
                f"{_holds(evidence)} up to {number(held.value, 'requests/s')}" if held else "",
            )
    return None


def _holds(evidence: Evidence) -> str:
    return "within budget" if limits_of(evidence) else "keeps up, no budget set,"


def _warning(trial: TrialDocument) -> tuple[str, str] | None:
    warned = [item for item in trial.items if item.status == "warn"]
    if not warned:
        return None
    item = min(warned, key=lambda item: gravity(item.id))
    reason, figure = (item.because, item.figure) if item.because else (item.figure, "")
    return f"{item.id}: {reason}".rstrip(": "), figure


def _tight(evidences: Sequence[Evidence]) -> tuple[str, str] | None:
    """Return the budget of which most is used."""
    used = [
        (value.value / limit, value.name, value.value, limit, value.unit)
        for evidence in evidences
        for name, limit in limits_of(evidence).items()
        for value in evidence.values
        if value.name == name and limit > 0 and value.value is not None and known(value.value)
    ]
    if not used:
        return None
    share, name, value, limit, unit = max(used)
    return (
        f"{name.removesuffix('_ms')}: {100 * share:.0f} % of its budget is used.",
        f"{number(value, unit)} of {number(limit, unit)}",
    )


def _next(trial: TrialDocument, first: Trouble | None) -> tuple[str, str]:
    if first is not None:
        fix = next((trouble.fix for trouble in troubles(trial) if trouble.fix), "")
        cause = next((trouble.id for trouble in troubles(trial) if trouble.fix), first.id)
        return _sentence(fix) or f"Read what was found about {first.id}.", f"for {cause}"
    open_items = [item for item in trial.items if item.status == "unmeasured" and item.fix]
    if open_items:
        item = open_items[0]
        because = f"{item.id} is not measured"
        return _sentence(item.fix), f"{because}: {item.because}" if item.because else because
    warned = [item for item in trial.items if item.status == "warn" and item.fix]
    if warned:
        item = min(warned, key=lambda item: gravity(item.id))
        return _sentence(item.fix), f"for {item.id}"
    left = trial.counts()["unmeasured"]
    if left:
        return "Measure what is left.", f"{plural(left, 'item')} {_are(left)} not measured"
    return "Serve it, and keep watching.", "nothing on the checklist is open"


def _item_of(failure: FailureResult, items: Sequence[ItemResult]) -> ItemResult | None:
    """Return the item that rests on the same evidence and says what to do."""
    shared = [item for item in items if item.fix and set(item.evidence) & set(failure.evidence)]
    return min(shared, key=lambda item: item.status != "fail", default=None)


def _sentence(text: str) -> str:
    if not text or text.startswith("seatrial "):
        return text and f"Run: {text}"
    return f"{text[0].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?', ')')) else '.'}"


def _short(text: str) -> str:
    """Cut what would push the other answers off the first screen."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"
