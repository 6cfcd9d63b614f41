"""A load in figures, and what is weak about them."""

from __future__ import annotations

from collections import Counter

import msgspec
import numpy as np
from msgspec import Struct

from seatrial.measure.load.arrivals import FloatArray
from seatrial.measure.load.deferrals import TicketFigures, ticket_figures
from seatrial.measure.load.driver import Outcome
from seatrial.measure.load.groups import (
    CallerFigures,
    Group,
    by_caller,
    by_server,
    by_status,
    jain_index,
)
from seatrial.measure.load.percentiles import Percentile, in_ms, percentiles_of
from seatrial.measure.load.repeats import (
    RetryAfterFigures,
    RetryFigures,
    retry_after_figures,
    retry_figures,
)
from seatrial.measure.load.result import LoadResult
from seatrial.measure.load.timeline import (
    Episode,
    Moment,
    degraded,
    episodes,
    failed,
    rejected,
    timeline,
)
from seatrial.stats.quantiles import exact_quantile

LATE_SHARE = 0.1
"""Part of a latency above which the generator's own lateness is worth a word."""

LATE_MS = 1.0
"""Lateness that no latency figure of a service over HTTP is sensitive to."""

CPU_SHARE_MAX = 0.9
"""Of one core: a generator that takes more has no time left to send on time."""

HELD_SHARE = 0.01
"""Part of the requests that may wait for a connection before it is worth a word."""

BEYOND_P99 = 10
"""Requests wanted beyond p99: with fewer its interval is open or spans several percentiles."""


class GeneratorFigures(Struct, frozen=True, kw_only=True):
    """What the load generator did itself.

    Attributes:
        late_p50_ms: From due to sent, for requests that did not wait for a connection.
        late_p99_ms: The same, 99th percentile.
        held: Requests that waited because every connection was busy.
        unsent: Requests whose deadline passed while they waited so.
        connections: Connections opened.
        cpu_us_per_request: CPU time, warm-up included; ``None`` on a fake clock.
        cpu_share: CPU time as part of one core; ``None`` on a fake clock.
        is_limit: Whether the figures tell of the generator rather than of the service.
    """

    late_p50_ms: float | None
    late_p99_ms: float | None
    held: int
    unsent: int
    connections: int
    cpu_us_per_request: float | None
    cpu_share: float | None = None
    is_limit: bool = False


class LoadSummary(Struct, frozen=True, kw_only=True):
    """What ``seatrial load --json`` prints.

    Attributes:
        url: What was asked.
        plan: What was sent, in words.
        closed: Whether callers waited for their answers before they asked again.
        verdict: What happened, in one sentence.
        offered: Requests due after the warm-up.
        sent: Those that went out.
        answered: Those with a 2xx answer inside the deadline.
        good: The same, with those whose ticket was delivered inside the deadline.
        rejected: Those turned away with 429 or 503.
        timeouts: Those without an answer inside the deadline.
        failed: Those with another status, or whose connection failed.
        deferred: Those with a ticket (202).
        degraded: Answers by what their ``X-Degraded`` says.
        errors: Requests that were not answered, by kind.
        error_rate: Their part of those offered; a ticket that was delivered is no error.
        statuses: How many answers had which HTTP status.
        duration_s: Over which the counted requests were due.
        deadline_s: Longest wait for an answer.
        warmup: Requests before those that count.
        offered_per_s: Due per second.
        achieved_per_s: Answered per second, up to the last fate.
        goodput_per_s: Good answers to what was due per second.
        latency: Percentiles as users felt it: a request without a 2xx answer counts as one that
            took until the deadline or longer; one with a ticket took until it was delivered.
        max_ms: The longest of these.
        by_status: The requests by HTTP status or kind of failure, with percentiles of each.
        by_server: The answers by ``X-Served-By``, with percentiles of each.
        releases: How many answers came from which release (``X-Release``).
        callers: What each caller got.
        fairness: Jain's index of the callers' good shares: 1 is even; ``None`` for one caller.
        retries: What clients that try again did.
        retry_after: What rejections asked clients to do.
        tickets: What became of tickets.
        episodes: When requests were degraded, put off, turned away or lost.
        timeline: The load second by second.
        generator: What the load generator did itself.
        examples: Start of an answer for each status that is not 2xx.
        criticisms: What is weak about these figures.
    """

    url: str
    plan: str
    closed: bool
    verdict: str = ""
    offered: int
    sent: int
    answered: int
    good: int
    rejected: int
    timeouts: int
    failed: int
    deferred: int
    degraded: dict[str, int]
    errors: dict[str, int]
    error_rate: float
    statuses: dict[str, int]
    duration_s: float
    deadline_s: float
    warmup: int
    offered_per_s: float
    achieved_per_s: float
    goodput_per_s: float
    latency: tuple[Percentile, ...]
    max_ms: float
    by_status: tuple[Group, ...]
    by_server: tuple[Group, ...]
    releases: dict[str, int]
    callers: tuple[CallerFigures, ...]
    fairness: float | None
    retries: RetryFigures | None
    retry_after: RetryAfterFigures | None
    tickets: TicketFigures | None
    episodes: tuple[Episode, ...]
    timeline: tuple[Moment, ...]
    generator: GeneratorFigures
    examples: dict[str, str]
    criticisms: tuple[str, ...]

    def percentile(self, name: str) -> Percentile:
        """Return the percentile called ``name`` ("p99")."""
        return next(row for row in self.latency if row.name == name)


def summarise(result: LoadResult) -> LoadSummary:
    """Turn a load into figures.

    >>> from seatrial.measure.load.arrivals import constant
    >>> from seatrial.measure.load.simulation import simulate_load
    >>> load = simulate_load(lambda _, t: (t + 0.25, 200), arrivals_s=constant(4, duration_s=5))
    >>> summarise(load).percentile("p50").value_ms
    250.0
    """
    from seatrial.measure.load.verdict import verdict

    outcomes = Counter(result.outcomes[~result.tickets.delivered].tolist())
    outcomes.pop(Outcome.ANSWERED, None)
    statuses = Counter(result.statuses.tolist())
    moments = timeline(result)
    callers = by_caller(result)
    good, delivered = int(result.good.sum()), int(result.tickets.delivered.sum())
    answered = int(result.answered.sum())
    span_s = result.duration_s
    summary = LoadSummary(
        url=result.target,
        plan=result.told,
        closed=result.closed,
        offered=result.offered,
        sent=int((~np.isnan(result.lateness_s)).sum()),
        answered=answered,
        good=good,
        rejected=int(rejected(result).sum()),
        timeouts=int((result.outcomes == Outcome.TIMEOUT).sum()),
        failed=int(failed(result).sum()),
        deferred=int((result.outcomes == Outcome.DEFERRED).sum()),
        degraded=_degraded(result),
        errors={Outcome(kind).name.lower(): count for kind, count in sorted(outcomes.items())},
        error_rate=1.0 - (answered + delivered) / result.offered,
        statuses={str(status): count for status, count in sorted(statuses.items()) if status},
        duration_s=round(result.duration_s, 6),
        deadline_s=result.deadline_s,
        warmup=result.warmup,
        offered_per_s=result.offered_per_s,
        achieved_per_s=result.achieved_per_s,
        goodput_per_s=good / span_s if span_s > 0 else result.achieved_per_s,
        latency=percentiles(result),
        max_ms=float(result.felt_s.max()) * 1e3,
        by_status=by_status(result),
        by_server=by_server(result),
        releases=result.releases.counts(),
        callers=callers,
        fairness=jain_index(np.array([c.good_share for c in callers])) if callers[1:] else None,
        retries=retry_figures(result),
        retry_after=retry_after_figures(result),
        tickets=ticket_figures(result),
        episodes=episodes(moments),
        timeline=moments,
        generator=_generator(result),
        examples={str(status): text for status, text in sorted(result.examples.items())},
        criticisms=criticisms(result),
    )
    return msgspec.structs.replace(summary, verdict=verdict(summary))


def percentiles(result: LoadResult) -> tuple[Percentile, ...]:
    """Return the percentiles of latency as users felt it, errors and timeouts included."""
    unanswered = 1.0 - float((result.answered | result.tickets.delivered).mean())
    why = f"at least: {unanswered:.2%} of the requests got no answer within the deadline"
    return tuple(
        msgspec.structs.replace(row, why=why)
        if row.value_ms is not None and row.value_ms >= result.deadline_s * 1e3 and unanswered
        else row
        for row in percentiles_of(result.felt_s)
    )


def criticisms(result: LoadResult) -> tuple[str, ...]:
    """Say what is weak about the figures of a load."""
    said = []
    late, felt_ms = _own_lateness(result), result.felt_s * 1e3
    if late.size:
        late_ms = exact_quantile(late, 0.99) * 1e3
        p99_ms = exact_quantile(felt_ms, 0.99)
        if late_ms > LATE_MS and late_ms > LATE_SHARE * p99_ms:
            said.append(
                f"the load generator itself was late (p99 {late_ms:.1f} ms of {p99_ms:.1f} ms): "
                "the tail is partly about this machine, not about the service"
            )
    share = _cpu_share(result)
    if share is not None and share > CPU_SHARE_MAX:
        said.append(
            f"the load generator used {share:.0%} of a core: it was the limit, and the service "
            "may be faster"
        )
    if result.offered < BEYOND_P99 * 100:
        said.append(
            f"{result.offered:,} requests: p99 rests on the slowest {result.offered // 100}; "
            f"{BEYOND_P99 * 100:,} are wanted"
        )
    if result.closed:
        said.append(
            "a closed loop: callers wait with the service, so its latencies are not what users "
            "who come on their own would feel"
        )
    never_sent = np.isnan(result.lateness_s)
    held = int((result.held & ~never_sent).sum())
    if held > HELD_SHARE * result.offered:
        said.append(
            f"{held:,} requests waited for one of {result.connections:,} connections: the service "
            "never saw more than that at once"
        )
    unsent = int(never_sent.sum())
    if unsent:
        said.append(
            f"{unsent:,} requests were never sent: every connection was busy until their deadline"
        )
    return tuple(said)


def _degraded(result: LoadResult) -> dict[str, int]:
    labels = result.degraded
    counts = {name: int((labels.having(name) & degraded(result)).sum()) for name in labels.counts()}
    return {name: count for name, count in counts.items() if count}


def _generator(result: LoadResult) -> GeneratorFigures:
    late = _own_lateness(result)
    cpu_us = result.cpu_s * 1e6 / (result.offered + result.warmup)
    share = _cpu_share(result)
    late_p50_s = exact_quantile(late, 0.5) if late.size else None
    return GeneratorFigures(
        late_p50_ms=in_ms(late_p50_s),
        late_p99_ms=in_ms(exact_quantile(late, 0.99) if late.size else None),
        held=int(result.held.sum()),
        unsent=int(np.isnan(result.lateness_s).sum()),
        connections=result.connections,
        cpu_us_per_request=None if np.isnan(cpu_us) else cpu_us,
        cpu_share=share,
        is_limit=(share or 0.0) > CPU_SHARE_MAX or _always_late(result, late_p50_s or 0.0),
    )


def _always_late(result: LoadResult, late_p50_s: float) -> bool:
    """Say whether half of all latencies are in good part the generator's own."""
    return late_p50_s * 1e3 > LATE_MS and late_p50_s > exact_quantile(result.felt_s, 0.5) / 2


def _cpu_share(result: LoadResult) -> float | None:
    if not result.wall_s > 0 or np.isnan(result.cpu_s):
        return None
    return result.cpu_s / result.wall_s


def _own_lateness(result: LoadResult) -> FloatArray:
    """Lateness of what was sent without waiting for a connection, which is the server's doing."""
    return result.lateness_s[~result.held & ~np.isnan(result.lateness_s)]
