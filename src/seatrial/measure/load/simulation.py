"""The same load on a fake clock, against a server whose every latency is known."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from seatrial.measure.load.arrivals import FloatArray
from seatrial.measure.load.driver import Outcome
from seatrial.measure.load.notes import DEGRADED, RETRY_AFTER, SERVED_BY, Notes
from seatrial.measure.load.plan import LoadPlan
from seatrial.measure.load.result import LoadResult, result_of


@dataclass(frozen=True)
class PlantedAnswer:
    """What a planted server answers.

    Attributes:
        done_s: When; anything beyond the deadline is never seen.
        status: HTTP status; 0 hangs up.
        retry_after_s: Its ``Retry-After``.
        served_by: Its ``X-Served-By``.
        degraded: Its ``X-Degraded``.
    """

    done_s: float
    status: int = 200
    retry_after_s: float | None = None
    served_by: str = ""
    degraded: str = ""


PlantedServer = Callable[[int, float], tuple[float, int] | PlantedAnswer]
"""``(request, sent_s) -> (done_s, status)``, or an answer that says more."""


def simulate_load(server: PlantedServer, *, arrivals_s: FloatArray, **options: Any) -> LoadResult:
    """Drive a planted server with one body and open arrivals; see :func:`simulate_plan`.

    >>> import numpy as np
    >>> result = simulate_load(lambda _, sent: (sent + 0.25, 200), arrivals_s=np.arange(4.0))
    >>> result.latency_s
    array([0.25, 0.25, 0.25, 0.25])
    """
    return simulate_plan(server, LoadPlan(bodies=(b"",), arrivals_s=arrivals_s, **options))


def simulate_plan(server: PlantedServer, plan: LoadPlan) -> LoadResult:
    """Follow a plan against a planted server without sockets and without waiting.

    Time jumps from event to event, so what is reported is exact: a distribution planted in
    ``server`` must come back unchanged. Tickets are not followed.

    Args:
        server: Says when each attempt is answered and with which status.
        plan: What is sent, and when.
    """
    driver, notes = plan.driver(), Notes()
    completions: list[tuple[float, int, int, PlantedAnswer]] = []
    live: dict[int, int] = {}
    turn, now = 0, 0.0
    while True:
        while (sent := driver.take(now)) is not None:
            turn += 1
            live[sent] = turn
            heapq.heappush(completions, _answer(server(sent, now), sent, turn))
        wake = driver.wake_s()
        if wake is None:
            break
        if completions and completions[0][0] <= wake:
            now, request, answered, answer = heapq.heappop(completions)
            # An attempt that was abandoned is answered to nobody.
            if live.get(request) == answered:
                _note(notes, request, answer)
                driver.resolve(
                    request, now, _outcome(answer.status), answer.status, answer.retry_after_s
                )
        else:
            now = wake
            for request in driver.expire(now):
                live.pop(request, None)
    return result_of(driver, plan, target="simulation", notes=notes)


def _answer(
    given: tuple[float, int] | PlantedAnswer, request: int, turn: int
) -> tuple[float, int, int, PlantedAnswer]:
    answer = given if isinstance(given, PlantedAnswer) else PlantedAnswer(*given)
    return answer.done_s, request, turn, answer


def _note(notes: Notes, request: int, answer: PlantedAnswer) -> None:
    notes.forget(request)
    if answer.retry_after_s is not None:
        notes.keep(request, RETRY_AFTER, b"%g" % answer.retry_after_s)
    for name, value in ((SERVED_BY, answer.served_by), (DEGRADED, answer.degraded)):
        if value:
            notes.keep(request, name, value.encode())


def _outcome(status: int) -> Outcome:
    if status == 0:
        return Outcome.DISCONNECTED
    return Outcome.ANSWERED if 200 <= status < 300 else Outcome.STATUS  # noqa: PLR2004  (HTTP)
