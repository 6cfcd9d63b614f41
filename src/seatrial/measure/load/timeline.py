"""A load second by second, by when its requests were due, and the stretches that stand out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from seatrial.measure.load.arrivals import FloatArray
from seatrial.measure.load.driver import Outcome
from seatrial.measure.load.notes import Labels
from seatrial.measure.load.result import LoadResult

REJECTIONS = (429, 503)
"""Statuses by which a server turns a request away that it could have answered at another time."""

MOMENTS_MAX = 600
"""Longer loads are told in stretches of several seconds."""

EPISODE_SHARE = 0.01
"""Part of the requests of a moment from which on it belongs to an episode."""

GAP_S = 2.0
"""Two episodes of one kind with no more than this between them are one."""


class Moment(Struct, frozen=True, kw_only=True):
    """One second of a load (or ``width_s`` of a long one), by when its requests were due.

    Attributes:
        at_s: Its beginning, from the start of the load.
        width_s: Its length.
        offered: Requests due in it.
        attempts: Requests sent in it, those that are tried again included.
        answered: Of those due, with a 2xx answer inside the deadline.
        good: The same, with those whose ticket was delivered inside the deadline.
        rejected: With 429 or 503.
        errors: With another status, or with none because the connection failed.
        timeouts: With no answer inside the deadline.
        deferred: With a ticket.
        degraded: Answers that say of themselves that they are degraded.
        p50_ms: Median latency of what was answered.
        p99_ms: 99th percentile of what was answered; of fewer than 100 it is the slowest.
        late_p99_ms: How late the generator itself sent.
        statuses: Answers by HTTP status.
        served_by: Answers by their ``X-Served-By``.
    """

    at_s: float
    width_s: float
    offered: int
    attempts: int
    answered: int
    good: int
    rejected: int
    errors: int
    timeouts: int
    deferred: int
    degraded: int
    p50_ms: float | None
    p99_ms: float | None
    late_p99_ms: float | None
    statuses: dict[str, int]
    served_by: dict[str, int]


class Episode(Struct, frozen=True, kw_only=True):
    """A stretch in which something else happened than plain answers.

    Attributes:
        what: ``degraded``, ``deferred``, ``rejected``, ``timeouts`` or ``errors``.
        from_s: When it began, from the start of the load.
        to_s: When it ended.
        requests: How many requests it met.
        share: Part of those due meanwhile.
    """

    what: str
    from_s: float
    to_s: float
    requests: int
    share: float


KINDS = ("degraded", "deferred", "rejected", "timeouts", "errors")


def timeline(result: LoadResult) -> tuple[Moment, ...]:
    """Return the load moment by moment, from the first that counts to the last that was sent."""
    width_s = max(1.0, math.ceil(result.duration_s / MOMENTS_MAX))
    bins = _bins(result.scheduled_s, width_s)
    sent = _bins(result.attempts.sent_s, width_s)
    first = int(min(bins.min(), sent.min() if sent.size else bins.min()))
    count = int(max(bins.max(), sent.max() if sent.size else 0)) - first + 1
    bins, sent = bins - first, sent - first

    def counted(mask: NDArray[np.bool_]) -> list[int]:
        found: list[int] = np.bincount(bins[mask], minlength=count).tolist()
        return found

    answered = result.answered
    p50_ms = _quantiles(bins[answered], result.latency_s[answered] * 1e3, 0.50, count)
    p99_ms = _quantiles(bins[answered], result.latency_s[answered] * 1e3, 0.99, count)
    own = ~result.held & ~np.isnan(result.lateness_s)
    late_ms = _quantiles(bins[own], result.lateness_s[own] * 1e3, 0.99, count)
    columns = {
        "offered": counted(np.ones(result.offered, dtype=bool)),
        "attempts": np.bincount(sent, minlength=count).tolist(),
        "answered": counted(answered),
        "good": counted(result.good),
        "rejected": counted(rejected(result)),
        "errors": counted(failed(result)),
        "timeouts": counted(result.outcomes == Outcome.TIMEOUT),
        "deferred": counted(result.outcomes == Outcome.DEFERRED),
        "degraded": counted(degraded(result)),
    }
    statuses = {str(s): counted(result.statuses == s) for s in np.unique(result.statuses) if s}
    servers = _by_label(result.served_by, counted)
    return tuple(
        Moment(
            at_s=(first + row) * width_s,
            width_s=width_s,
            p50_ms=p50_ms[row],
            p99_ms=p99_ms[row],
            late_p99_ms=late_ms[row],
            statuses={name: n[row] for name, n in statuses.items() if n[row]},
            served_by={name: n[row] for name, n in servers.items() if n[row]},
            **{name: values[row] for name, values in columns.items()},
        )
        for row in range(count)
    )


def rejected(result: LoadResult) -> NDArray[np.bool_]:
    """Return which requests were turned away in the end."""
    return np.asarray(
        (result.outcomes == Outcome.STATUS) & np.isin(result.statuses, REJECTIONS), dtype=bool
    )


def failed(result: LoadResult) -> NDArray[np.bool_]:
    """Return which requests ended in an error that is neither a rejection nor a timeout."""
    fine = (Outcome.ANSWERED, Outcome.DEFERRED, Outcome.TIMEOUT)
    other: NDArray[np.bool_] = ~np.isin(result.outcomes, fine) & ~rejected(result)
    return other


def degraded(result: LoadResult) -> NDArray[np.bool_]:
    """Return which answers say of themselves that they are degraded."""
    return result.degraded.known & result.answered


def episodes(moments: Sequence[Moment]) -> tuple[Episode, ...]:
    """Return the stretches in which requests were degraded, put off, turned away or lost.

    Stretches of one kind that lie close together are one.
    """
    found = [episode for what in KINDS for episode in _episodes_of(what, moments)]
    return tuple(sorted(found, key=lambda episode: (episode.from_s, KINDS.index(episode.what))))


def _episodes_of(what: str, moments: Sequence[Moment]) -> list[Episode]:
    stretches: list[list[Moment]] = []
    for moment in moments:
        count = getattr(moment, what)
        if not count or count < EPISODE_SHARE * moment.offered:
            continue
        if stretches and moment.at_s - _end(stretches[-1]) <= GAP_S:
            stretches[-1].append(moment)
        else:
            stretches.append([moment])
    told = []
    for stretch in stretches:
        from_s, to_s = stretch[0].at_s, _end(stretch)
        requests = sum(getattr(moment, what) for moment in stretch)
        offered = sum(m.offered for m in moments if from_s <= m.at_s < to_s)
        share = requests / max(offered, 1)
        told.append(Episode(what=what, from_s=from_s, to_s=to_s, requests=requests, share=share))
    return told


def _end(stretch: Sequence[Moment]) -> float:
    return stretch[-1].at_s + stretch[-1].width_s


def _bins(moments_s: FloatArray, width_s: float) -> NDArray[np.int64]:
    return np.floor(moments_s / width_s).astype(np.int64)


def _by_label(
    labels: Labels, counted: Callable[[NDArray[np.bool_]], list[int]]
) -> dict[str, list[int]]:
    return {name: counted(labels.having(name)) for name in labels.counts()}


def _quantiles(
    bins: NDArray[np.int64], values: FloatArray, q: float, count: int
) -> list[float | None]:
    """Return the q-quantile of each bin by the rule of :func:`exact_quantile`."""
    order = np.lexsort((values, bins))
    ordered = values[order]
    sizes = np.bincount(bins, minlength=count)
    ends = np.cumsum(sizes)
    ranks = np.clip(np.ceil(q * sizes - 1e-9).astype(np.int64), 1, np.maximum(sizes, 1))
    places = ends - sizes + ranks - 1
    return [
        float(ordered[place]) if size else None
        for place, size in zip(places.tolist(), sizes.tolist(), strict=True)
    ]
