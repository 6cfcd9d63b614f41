"""What became of tickets, and whether the times promised with them held."""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from seatrial.measure.load.percentiles import in_ms
from seatrial.measure.load.result import LoadResult
from seatrial.measure.load.tickets import TicketOutcome, kept_promise
from seatrial.stats.quantiles import exact_quantile


class TicketFigures(Struct, frozen=True, kw_only=True):
    """Answers that were promised for later.

    Attributes:
        given: Tickets handed out.
        delivered: Those with a 2xx answer in the end.
        failed: Those with another status.
        lost: Those without any answer within the wait.
        with_eta: Delivered ones that had said in how many seconds.
        eta_right: Of those, which came within half of that time more or less.
        eta_p50_ms: Median of the times promised.
        waited_p50_ms: Median wait from the ticket to the answer, to a quarter of what was promised.
        waited_p99_ms: Its 99th percentile.
    """

    given: int
    delivered: int
    failed: int
    lost: int
    with_eta: int
    eta_right: int
    eta_p50_ms: float | None = None
    waited_p50_ms: float | None = None
    waited_p99_ms: float | None = None


def ticket_figures(result: LoadResult) -> TicketFigures | None:
    """Return what became of the tickets; ``None``: none was handed out."""
    tickets = result.tickets
    given = tickets.outcomes != TicketOutcome.NONE
    if not given.any():
        return None
    waited_s = tickets.waited_s[tickets.delivered]
    eta_s = tickets.eta_s[tickets.delivered]
    told = ~np.isnan(eta_s)
    right = [
        kept_promise(promised, waited)
        for promised, waited in zip(eta_s[told].tolist(), waited_s[told].tolist(), strict=True)
    ]
    promised_s = tickets.eta_s[given & ~np.isnan(tickets.eta_s)]
    return TicketFigures(
        given=int(given.sum()),
        delivered=len(waited_s),
        failed=int((tickets.outcomes == TicketOutcome.FAILED).sum()),
        lost=int((tickets.outcomes == TicketOutcome.LOST).sum()),
        with_eta=len(right),
        eta_right=sum(right),
        eta_p50_ms=in_ms(exact_quantile(promised_s, 0.5) if promised_s.size else None),
        waited_p50_ms=in_ms(exact_quantile(waited_s, 0.50) if waited_s.size else None),
        waited_p99_ms=in_ms(exact_quantile(waited_s, 0.99) if waited_s.size else None),
    )
