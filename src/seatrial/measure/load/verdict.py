"""What happened in a load, in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seatrial.measure.load.summary import LoadSummary

ALL = 0.9995
"""From here on what was answered is called all."""

STORM = 1.5
"""Attempts per request from which on retries are worth a word."""


def verdict(summary: LoadSummary) -> str:
    """Say what the requests met, the worst first; the figures are those of the summary."""
    share = summary.good / summary.offered
    if summary.generator.is_limit:
        start = "The load generator was the limit, so this is a lower bound: "
    else:
        start = ""
    if summary.closed:
        start += f"at most {_rate(summary.goodput_per_s)} with every caller waiting: "
    whole = "all" if share >= ALL else f"{share:.1%}"
    met = f"{whole} of {summary.offered:,} requests were answered well"
    parts = [met, *_latency(summary), *_losses(summary), *_gentler(summary), *_storm(summary)]
    sentence = start + "; ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]}."


def _latency(summary: LoadSummary) -> list[str]:
    answers = next((group for group in summary.by_status if group.name == "200"), None)
    if answers is None:
        return []
    known = {row.name: row.value_ms for row in answers.latency}
    return [f"answers took {_ms(known['p50'])} in the median and {_ms(known['p99'])} at p99"]


def _losses(summary: LoadSummary) -> list[str]:
    said = []
    for what, count, word in (
        ("rejected", summary.rejected, "turned away"),
        ("timeouts", summary.timeouts, "without an answer in time"),
        ("errors", summary.failed, "failed"),
    ):
        if count:
            share = _share(count, summary)
            said.append(f"{count:,} ({share}) {word}{_when(summary, what)}")
    asked = summary.retry_after
    if asked is not None and asked.given < asked.rejections:
        said.append(f"{asked.rejections - asked.given:,} rejections without Retry-After")
    return said


def _gentler(summary: LoadSummary) -> list[str]:
    said = []
    worse = sum(summary.degraded.values())
    if worse:
        which = ", ".join(f"{name}: {count:,}" for name, count in summary.degraded.items())
        share = _share(worse, summary)
        said.append(f"{worse:,} ({share}) degraded ({which}){_when(summary, 'degraded')}")
    tickets = summary.tickets
    if tickets is not None:
        when = _when(summary, "deferred")
        delivered = _of(tickets.delivered, tickets.given)
        held = f" and {_of(tickets.eta_right, tickets.with_eta)} when promised"
        said.append(
            f"{tickets.given:,} got a ticket{when}, {delivered} delivered"
            f"{held if tickets.with_eta else ''}"
        )
    return said


def _storm(summary: LoadSummary) -> list[str]:
    retries = summary.retries
    if retries is None or retries.attempts_per_request < STORM:
        return []
    return [f"retries made it {retries.attempts_per_request:.1f} times the load"]


def _when(summary: LoadSummary, what: str) -> str:
    mine = [episode for episode in summary.episodes if episode.what == what]
    if not mine or summary.duration_s < 3 * summary.timeline[0].width_s:
        return ""
    longest = max(mine, key=lambda episode: episode.requests)
    more = f" and {len(mine) - 1} more times" if mine[1:] else ""
    return f" from second {longest.from_s:g} to {longest.to_s:g}{more}"


def _of(part: int, whole: int) -> str:
    return "all" if part == whole else f"{part:,} of {whole:,}"


def _share(count: int, summary: LoadSummary) -> str:
    share = count / summary.offered
    return "<0.1%" if share < 0.001 else f"{share:.1%}"  # noqa: PLR2004  (what one decimal shows)


def _rate(per_s: float) -> str:
    return f"{per_s:,.0f}/s" if per_s >= 10 else f"{per_s:.2g}/s"  # noqa: PLR2004  (two digits)


def _ms(value: float | None) -> str:
    if value is None:
        return "an unknown time"
    return f"{value / 1e3:.2g} s" if value >= 1e3 else f"{value:.3g} ms"  # noqa: PLR2004  (ms in a s)
