"""What an overload did, counted: answered, refused, put aside, lost; by whose processor time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from blast import Shots

ANSWERED, TICKET, TURNED = 200, 202, (429, 503)

WINDOW_S = 5.0
"""Requests of so long are judged together after a spike: the p99 of some hundred requests is one of
the largest few, that of half a second of them would be the largest."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One load on one server; CPU in cores, costs in ms of CPU.

    Attributes:
        offered: Multiple of the capacity; 0.5 is where nobody is refused.
        sent_per_s: What the generator brought out.
        good_per_s: Answers inside the deadline.
        refused_per_s: 429 and 503.
        tickets_per_s: 202.
        settled_per_s: Tickets that got their answers.
        lost: Neither answered in time nor refused: timeouts and broken connections.
        p99_s: Of the answered, against ``deadline_s``.
        all_good_per_s: As ``good_per_s``, over the time for which CPU was counted; so the others.
    """

    workload: str
    deadline_s: float
    round: int
    offered: float
    offered_per_s: float
    seconds: float
    sent_per_s: float
    good_per_s: float
    refused_per_s: float
    tickets_per_s: float
    lost: int
    p50_s: float
    p99_s: float
    max_s: float
    refused_p99_ms: float
    front: float
    workers: float
    keeper: float
    generator: float
    settled_per_s: float
    others: float
    all_good_per_s: float
    all_refused_per_s: float
    all_tickets_per_s: float

    @property
    def front_ms(self) -> float:
        """The front's CPU per answered request (only where none is refused)."""
        return self.front / max(self.all_good_per_s, 1e-9) * 1e3

    @property
    def served_ms(self) -> float:
        """Front and workers per answered request."""
        return (self.front + self.workers) / max(self.all_good_per_s, 1e-9) * 1e3

    def refusal_ms(self, front_ms: float) -> float | None:
        """What the front spent on each that it turned away, given what an answer costs it."""
        turned = self.all_refused_per_s + self.all_tickets_per_s
        if turned < max(0.1 * self.all_good_per_s, 1.0):
            return None
        return (self.front * 1e3 - front_ms * self.all_good_per_s) / turned


@dataclass(frozen=True, kw_only=True)
class Spike:
    """A load that is ten times as large for a while; times in seconds.

    Attributes:
        times: What was really sent meanwhile, in times the capacity.
        usual_s: Up to here a p99 is as before.
        after_p99_s: Of all that was due once twice the longest wait had passed.
        after_answered: Part of those that was answered in time.
        recovered_s: When the p99 was as before for good; ``None``: not while we watched.
        bound_s: When it was to be: twice the longest wait in the queue.
    """

    workload: str
    deadline_s: float
    lasted_s: float
    times: float
    before_p99_s: float
    usual_s: float
    good_before_per_s: float
    good_during_per_s: float
    p99_during_s: float
    after_p99_s: float
    after_answered: float
    recovered_s: float | None
    bound_s: float
    lost: int


def outcomes(shots: Shots, deadline_s: float) -> dict[str, np.ndarray]:
    """Say which requests were answered in time, refused, put aside, or neither."""
    good = (shots.statuses == ANSWERED) & (shots.own_s <= deadline_s)
    refused, tickets = np.isin(shots.statuses, TURNED), shots.statuses == TICKET
    sent = ~np.isnan(shots.sent_s)
    return {
        "good": good,
        "refused": refused,
        "tickets": tickets,
        "lost": sent & ~(good | refused | tickets),
        "sent": sent,
    }


def rates(
    shots: Shots, *, since_s: float, seconds: float, deadline_s: float
) -> dict[str, float | int]:
    """Count what happened in a part of the load: answers by when they came, the rest by sending."""
    became = outcomes(shots, deadline_s)
    ended_s = np.where(became["good"], shots.done_s, shots.sent_s)
    counted = (ended_s >= since_s) & (ended_s < since_s + seconds)
    per_s = {name: float((mask & counted).sum()) / seconds for name, mask in became.items()}
    sent = (shots.sent_s >= since_s) & (shots.sent_s < since_s + seconds)
    own_s = shots.own_s[(shots.statuses == ANSWERED) & counted]
    turned_s = shots.own_s[became["refused"] & counted]
    return {
        "sent_per_s": float(sent.sum()) / seconds,
        "good_per_s": per_s["good"],
        "refused_per_s": per_s["refused"],
        "tickets_per_s": per_s["tickets"],
        "lost": int((became["lost"] & counted).sum()),
        "p50_s": quantile(own_s, 0.5),
        "p99_s": quantile(own_s, 0.99),
        "max_s": quantile(own_s, 1.0),
        "refused_p99_ms": quantile(turned_s, 0.99) * 1e3,
    }


def costs(
    shots: Shots, cores: dict[str, float], *, lasted_s: float, deadline_s: float
) -> dict[str, float]:
    """Return cores by role, and how often each fate was met in the same time: all of the load."""
    became = outcomes(shots, deadline_s)
    named = {name: cores.get(name, 0.0) for name in ("front", "workers", "keeper")}
    return (
        named
        | {name: cores[name] for name in ("generator", "others")}
        | {
            f"all_{name}_per_s": float(became[name].sum()) / lasted_s
            for name in ("good", "refused", "tickets")
        }
    )


def quantile(values: np.ndarray, q: float) -> float:
    return float(np.quantile(values, q)) if values.size else float("nan")


def p99s(since_s: np.ndarray, felt_s: np.ndarray) -> list[float]:
    """Return the p99 of every whole window, one each half second."""
    starts = np.arange(0.0, float(since_s.max()) - WINDOW_S + 0.25, 0.5)
    return [
        quantile(felt_s[(since_s >= start) & (since_s < start + WINDOW_S)], 0.99)
        for start in starts
    ]


def recovery(since_s: np.ndarray, felt_s: np.ndarray, *, usual_s: float) -> float | None:
    """Return from when on the p99 of every window is usual; ``None``: not while we watched."""
    unusual = [not p99_s <= usual_s for p99_s in p99s(since_s, felt_s)]
    if not any(unusual):
        return 0.0
    last = len(unusual) - 1 - unusual[::-1].index(True)
    return None if last == len(unusual) - 1 else (last + 1) / 2
