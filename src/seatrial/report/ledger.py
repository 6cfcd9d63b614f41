"""The ledger as lines of text, from eval to production, the same in every renderer."""

from __future__ import annotations

from msgspec import Struct

from seatrial.evidence.gap import Estimate, GapDocument
from seatrial.report.wording import UNKNOWN, interval, known, percent, plural, points, share_of_drop


class Line(Struct, frozen=True, kw_only=True):
    """One line; ``total`` marks the accuracies, the others are steps between them."""

    name: str
    figure: str
    interval: str = ""
    share: str = ""
    kind: str = ""
    why: str = ""
    total: bool = False


def ledger(gap: GapDocument) -> tuple[Line, ...]:
    """Return eval, the steps, and production with what was served in between.

    Factors of which nothing is known stand before the remainder, which holds what they cost.
    """
    steps = _steps(gap)
    unknown = [Line(name=one.id, figure=UNKNOWN, kind=UNKNOWN, why=one.why) for one in gap.unknown]
    last = len(steps) - 1 if steps and steps[-1].kind == "remainder" else len(steps)
    steps[last:last] = unknown
    return (_level("eval", gap.eval), *steps, _production(gap))


def _steps(gap: GapDocument) -> list[Line]:
    lines = []
    for step in gap.steps or ():
        lines.append(
            Line(
                name=step.id,
                figure=points(step.points),
                interval=interval(step.low, step.high),
                share=share_of_drop(step, gap),
                kind=step.kind,
                why=step.why,
            )
        )
        if step.id == "serving" and gap.served is not None:
            lines.append(_level("eval, as served", gap.served))
    if not lines and gap.served is not None:
        lines.append(_level("eval, as served", gap.served))
    return lines


def _level(name: str, estimate: Estimate) -> Line:
    rests = f"n = {estimate.n:,}"
    return Line(
        name=name,
        figure=percent(estimate.accuracy),
        interval=interval(estimate.low, estimate.high, scale=100),
        why=f"{rests}, {estimate.method}" if estimate.method else rests,
        total=True,
    )


def _production(gap: GapDocument) -> Line:
    production = gap.production
    if production.state == "unknown" or not known(production.accuracy):
        return Line(name="production", figure=UNKNOWN, why=production.why, total=True)
    parts = [
        f"n = {production.n:,}",
        f"of {plural(production.rows, 'row')}" if production.rows > production.n else "",
        production.method,
    ]
    return Line(
        name="production",
        figure=percent(production.accuracy),
        interval=interval(production.low, production.high, scale=100),
        kind=production.state if production.state == "estimated" else "",
        why=", ".join(part for part in parts if part),
        total=True,
    )
