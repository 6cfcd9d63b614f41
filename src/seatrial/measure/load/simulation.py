"""The same load on a fake clock, against a server whose every latency is known."""

from __future__ import annotations

import heapq
from collections.abc import Callable

from seatrial.measure.load.arrivals import FloatArray
from seatrial.measure.load.driver import Driver, Outcome
from seatrial.measure.load.result import LoadResult, result_of

PlantedServer = Callable[[int, float], tuple[float, int]]
"""``(request, sent_s) -> (done_s, status)``: when it answers, and what; status 0 hangs up."""


def simulate_load(
    server: PlantedServer,
    *,
    arrivals_s: FloatArray,
    warmup_s: float = 0.0,
    deadline_s: float = 10.0,
    connections_max: int = 256,
) -> LoadResult:
    """Drive a planted server without sockets and without waiting.

    Time jumps from event to event, so what is reported is exact: a distribution planted in
    ``server`` must come back unchanged.

    Args:
        server: Says when each request is answered and with which status.
        arrivals_s: When each request is due.
        warmup_s: Requests due before this do not count.
        deadline_s: Longest wait for one answer.
        connections_max: Requests in flight at once.

    >>> import numpy as np
    >>> result = simulate_load(lambda _, sent: (sent + 0.25, 200), arrivals_s=np.arange(4.0))
    >>> result.latency_s
    array([0.25, 0.25, 0.25, 0.25])
    """
    driver = Driver(arrivals_s, deadline_s=deadline_s, connections_max=connections_max)
    completions: list[tuple[float, int, int]] = []
    while (wake := driver.wake_s()) is not None:
        if completions and completions[0][0] <= wake:
            now, request, status = heapq.heappop(completions)
            driver.resolve(request, now, _outcome(status), status)
        else:
            now = wake
            driver.expire(now)
        while (sent := driver.take(now)) is not None:
            done, status = server(sent, now)
            heapq.heappush(completions, (done, sent, status))
    return result_of(
        driver,
        target="simulation",
        bodies=1,
        warmup_s=warmup_s,
        duration_s=_span(arrivals_s, warmup_s),
    )


def _outcome(status: int) -> Outcome:
    if status == 0:
        return Outcome.DISCONNECTED
    return Outcome.ANSWERED if 200 <= status < 300 else Outcome.STATUS  # noqa: PLR2004  (HTTP)


def _span(arrivals_s: FloatArray, warmup_s: float) -> float:
    return max(float(arrivals_s[-1]) - warmup_s, 0.0) if len(arrivals_s) else 0.0
