"""What is done for a request that the server has no room for: the rungs of degradation.

The order is configured: a cheaper variant answers; or the request is put aside and a ticket says
when it will be answered; or it is refused and told when to come again. Every answer names its rung,
and the public sees which rungs are in use.

Serving the variant relieves the model, so the pressure that led there vanishes while nothing has
improved. To not flap, the variant goes on answering everybody for ``HOLD_S`` after the pressure has
gone; where it comes back within that time, the next hold is twice as long.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

from msgspec import Struct

from seatrial.schedule.admission import Admitted, Verdict

HOLD_S = 5.0
"""Calm that ends the use of a variant, and how long the public state names a rung after its use."""

HOLD_MAX_S = 120.0
"""Longest hold, after returns that were too early."""

CALM = 0.5
"""Pressure below which it is calm: half of what a request may wait."""

ETA_MAX_S = 600.0
"""Longest wait that a ticket is given for; beyond it a refusal is more honest."""

Rung = Literal["variant", "queue", "reject"]


class Serve(Struct, frozen=True):
    """Decision: the request is answered now, by the variant or by the model itself."""

    variant: bool = False


class Defer(Struct, frozen=True):
    """Decision: the request is put aside; its answer is expected after that time."""

    eta_s: float


class Refuse(Struct, frozen=True):
    """Decision: the request is refused; see :class:`~.admission.Refused`."""

    reason: str
    retry_after_s: float
    expected_wait_s: float


Step = Serve | Defer | Refuse

SERVE, SERVE_VARIANT = Serve(), Serve(variant=True)


class State(Struct, frozen=True):
    """What the public is told.

    Attributes:
        text: ``ok``, or ``degraded: `` and the lowest rung in use.
        since_s: Since when, on the caller's clock.
    """

    text: str
    since_s: float


class Ladder:
    """Chooses the rung for each request.

    Args:
        rungs: The configured order; after the last one a request is refused.
        now_s: The time.

    >>> from seatrial.schedule.admission import Refused
    >>> ladder = Ladder(["queue", "reject"], now_s=0.0)
    >>> full = Refused("wait", 2.0, 9.0)
    >>> ladder.step(1.0, lambda: full, eta=lambda: 30.0)
    Defer(eta_s=30.0)
    >>> ladder.step(1.0, lambda: full, eta=lambda: 3000.0)
    Refuse(reason='wait', retry_after_s=2.0, expected_wait_s=9.0)
    >>> ladder.state(2.0)
    State(text='degraded: reject', since_s=1.0)
    """

    def __init__(self, rungs: Sequence[Rung], *, now_s: float) -> None:
        self._rungs = tuple(rungs)
        self._used_s: dict[Rung, float] = {}
        self._state = State("ok", now_s)
        self._relieved = False
        self._calm_s = self._returned_s = -math.inf
        self._hold_s = HOLD_S

    @property
    def relieved(self) -> bool:
        """Whether the variant answers everybody at present."""
        return self._relieved

    def step(
        self,
        now_s: float,
        model: Callable[[], Verdict],
        *,
        variant: Callable[[], Verdict] | None = None,
        eta: Callable[[], float] | None = None,
        pressure: Callable[[], float] | None = None,
    ) -> Step:
        """Say what becomes of a request.

        Args:
            now_s: The time.
            model: Asks whether the model has room.
            variant: Asks whether the variant has; ``None`` where there is none, or where the
                caller wants none.
            eta: Estimates when the request would be answered if it were put aside; ``None`` where
                it cannot be.
            pressure: How full the one is that answers at present, 1 is full; asked while the
                variant answers everybody.
        """
        relieved = variant is not None and self._relieved and self._persists(now_s, pressure)
        verdict = variant() if relieved and variant is not None else model()
        if isinstance(verdict, Admitted):
            return SERVE_VARIANT if relieved else SERVE
        other = None if relieved else variant
        for rung in self._rungs:
            if rung == "reject":
                break
            step = self._try(now_s, rung, other, eta)
            if step is not None:
                self._used_s[rung] = now_s
                self._tell(now_s)
                return step
        self._used_s["reject"] = now_s
        self._tell(now_s)
        return Refuse(verdict.reason, verdict.retry_after_s, verdict.expected_wait_s)

    def state(self, now_s: float) -> State:
        """Return what the public is told at this time."""
        self._tell(now_s)
        return self._state

    def _try(
        self,
        now_s: float,
        rung: Rung,
        variant: Callable[[], Verdict] | None,
        eta: Callable[[], float] | None,
    ) -> Step | None:
        if rung == "variant" and variant is not None and isinstance(variant(), Admitted):
            self._relieve(now_s)
            return SERVE_VARIANT
        if rung == "queue" and eta is not None and (eta_s := eta()) <= ETA_MAX_S:
            return Defer(eta_s)
        return None

    def _relieve(self, now_s: float) -> None:
        early = now_s - self._returned_s < self._hold_s
        self._hold_s = min(self._hold_s * 2, HOLD_MAX_S) if early else HOLD_S
        self._relieved = True
        self._calm_s = now_s

    def _persists(self, now_s: float, pressure: Callable[[], float] | None) -> bool:
        """Whether the variant still answers everybody: until it has been calm for long enough."""
        if pressure is not None and pressure() >= CALM:
            self._calm_s = now_s
        self._relieved = now_s - self._calm_s < self._hold_s
        if self._relieved:
            self._used_s["variant"] = now_s
        else:
            self._returned_s = now_s
        return self._relieved

    def _tell(self, now_s: float) -> None:
        used = [rung for rung, used_s in self._used_s.items() if now_s - used_s < HOLD_S]
        order = [*self._rungs, "reject"]
        text = f"degraded: {max(used, key=order.index)}" if used else "ok"
        if text != self._state.text:
            self._state = State(text, now_s)
