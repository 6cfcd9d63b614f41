"""The page that says what overloads did, and whether that is what is wanted."""

from __future__ import annotations

import statistics

from overload_counts import Spike, Step

KEPT = {"w1": 0.6, "w2": 0.9}
"""Part of the peak goodput that is wanted at every multiple."""

REFUSAL_MOST = 0.05
"""Most that a refusal may cost of a served request's CPU, where the model is the limit."""

COLUMNS = (
    "deadline",
    "offered",
    "sent/s (x capacity)",
    "good/s (range)",
    "of peak",
    "with tickets answered",
    "refused/s",
    "tickets/s",
    "lost",
    "p50 s",
    "p99 s",
    "refused p99 ms",
    "cores: front, workers, generator, others",
    "refusal ms",
    "of a served one",
)


def table(steps: list[Step], full_per_s: float) -> str:
    """Return medians over rounds, with the range of the goodput."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|" + " --- |" * len(COLUMNS)]
    for deadline_s in dict.fromkeys(s.deadline_s for s in steps):
        at = by_offer(steps, deadline_s)
        peak = max(_median(rows, "good_per_s") for rows in at.values())
        calm = at[min(at)]
        front_ms, served_ms = _median(calm, "front_ms"), _median(calm, "served_ms")
        for offered, rows in at.items():
            goods = [s.good_per_s for s in rows]
            cost = refusal(rows, front_ms)
            sent = _median(rows, "sent_per_s")
            cores = ", ".join(
                f"{_median(rows, name):.2f}" for name in ("front", "workers", "generator", "others")
            )
            said = "" if cost is None else f"{cost:.3f}"
            share = "" if cost is None else f"{cost / served_ms:.1%}"
            lines.append(
                f"| {deadline_s:g} s | {offered:g}x | {sent:,.0f} ({sent / full_per_s:.2g}x) | "
                f"{statistics.median(goods):,.0f} ({min(goods):,.0f}-{max(goods):,.0f}) | "
                f"{statistics.median(goods) / peak:.0%} | {_useful(rows) / peak:.0%} | "
                f"{_median(rows, 'refused_per_s'):,.0f} | "
                f"{_median(rows, 'tickets_per_s'):,.0f} | {sum(s.lost for s in rows)} | "
                f"{_median(rows, 'p50_s'):.2f} | {_median(rows, 'p99_s'):.2f} | "
                f"{_median(rows, 'refused_p99_ms'):.0f} | {cores} | {said} | {share} |"
            )
    return "\n".join(lines)


def by_offer(steps: list[Step], deadline_s: float) -> dict[float, list[Step]]:
    mine = [s for s in steps if s.deadline_s == deadline_s]
    return {
        offered: [s for s in mine if s.offered == offered]
        for offered in sorted({s.offered for s in mine})
    }


def refusal(rows: list[Step], front_ms: float) -> float | None:
    found = [cost for s in rows if (cost := s.refusal_ms(front_ms)) is not None]
    return statistics.median(found) if found else None


def spike_table(spikes: list[Spike]) -> str:
    columns = (
        "deadline",
        "lasted",
        "sent",
        "good/s before, during",
        "p99 before (usual up to)",
        "p99 during",
        "p99 after the bound (answered)",
        "recovered after",
        "bound",
        "lost",
    )
    lines = [f"| {' | '.join(columns)} |", "|" + " --- |" * len(columns)]
    for one in spikes:
        back = "not seen" if one.recovered_s is None else f"{one.recovered_s:.1f} s"
        lines.append(
            f"| {one.deadline_s:g} s | {one.lasted_s:g} s | {one.times:.2g}x | "
            f"{one.good_before_per_s:,.0f}, {one.good_during_per_s:,.0f} | "
            f"{one.before_p99_s * 1e3:.0f} ms ({one.usual_s * 1e3:.0f} ms) | "
            f"{one.p99_during_s:.2f} s | {one.after_p99_s * 1e3:.0f} ms "
            f"({one.after_answered:.1%}) | {back} | {one.bound_s:g} s | {one.lost} |"
        )
    return "\n".join(lines)


def verdicts(workload: str, steps: list[Step], spikes: list[Spike], full_per_s: float) -> str:
    """Say of each thing that is wanted what was measured."""
    said = []
    for deadline_s in dict.fromkeys(s.deadline_s for s in steps):
        at = by_offer(steps, deadline_s)
        over = {offered: rows for offered, rows in at.items() if offered >= 1}
        peak = max(_median(rows, "good_per_s") for rows in over.values())
        # Of the peak, or of all that was sent where that was less: capacity is measured too.
        shares = {
            offered: _median(rows, "good_per_s") / min(peak, _median(rows, "sent_per_s"))
            for offered, rows in over.items()
        }
        least = min(shares, key=shares.__getitem__)
        kept = shares[least]
        most = max(_median(rows, "sent_per_s") for rows in over.values()) / full_per_s
        name = f"deadline {deadline_s:g} s"
        said.append(
            _verdict(
                kept >= KEPT[workload],
                f"{name}: goodput kept from 1x on: {kept:.0%}, least at {least:g}x "
                f"(wanted {KEPT[workload]:.0%}; {_useful(over[least]) / peak:.0%} with answered "
                f"tickets); really offered: up to {most:.2g}x",
            )
        )
        p99_s = max(_median(rows, "p99_s") for rows in over.values())
        said.append(
            _verdict(p99_s <= deadline_s, f"{name}: p99 of the answered at most {p99_s:.2f} s")
        )
        calm = at[min(at)]
        cost = refusal(over[max(over)], _median(calm, "front_ms"))
        if cost is not None:
            share = cost / _median(calm, "served_ms")
            wanted = f" (wanted < {REFUSAL_MOST:.0%})" if workload == "w2" else ""
            fits = share < REFUSAL_MOST or workload != "w2"
            told = f"{name}: a refusal costs {cost:.3f} ms of CPU, {share:.1%} of a served request"
            said.append(_verdict(fits, told + wanted))
    said.extend(_recovered(one) for one in spikes)
    return "\n".join(said)


def _recovered(one: Spike) -> str:
    name = f"deadline {one.deadline_s:g} s, after a spike of really {one.times:.2g}x"
    if one.before_p99_s >= one.deadline_s / 2:
        # Whoever got a ticket or a refusal counts with the whole deadline.
        return f"- not judged: {name}: before it, half the capacity was too much already"
    back = "not seen" if one.recovered_s is None else f"{one.recovered_s:.1f} s"
    fits = one.recovered_s is not None and one.recovered_s <= one.bound_s
    return _verdict(fits, f"{name}: as before after {back} (wanted {one.bound_s:g} s)")


def _verdict(fits: bool, said: str) -> str:  # noqa: FBT001  (what is said hangs on it)
    return f"- {'kept' if fits else '**missed**'}: {said}"


def _useful(rows: list[Step]) -> float:
    """Return what was answered per second, by tickets too."""
    return _median(rows, "good_per_s") + _median(rows, "settled_per_s")


def _median(steps: list[Step], name: str) -> float:
    return statistics.median(getattr(s, name) for s in steps)
