"""What the server is doing: for probes, for people, and whether it takes requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from seatrial.core.clock import SYSTEM, Clock
from seatrial.core.errors import ServingError
from seatrial.serve.call import Call
from seatrial.serve.dispatcher import shutting_down
from seatrial.serve.fleet import Fleet

Phase = Literal["starting", "serving", "draining", "stopping"]


class State:
    """The phase of one server and what it knows of its parts.

    Args:
        fleet: What answers.
        killed: Says whether an operator has switched answering off.
        clock: Where time comes from.
    """

    def __init__(self, fleet: Fleet, *, killed: Callable[[], bool], clock: Clock = SYSTEM) -> None:
        self._killed = killed
        self._clock = clock
        self.phase: Phase = "starting"
        self._fleet = fleet

    @property
    def release(self) -> str:
        """What answers now."""
        return self._fleet.current.release

    def ready(self) -> bool:
        """Say whether traffic may be sent here."""
        return not self.unready()

    def unready(self) -> str:
        """Say why traffic may not be sent here; nothing where it may."""
        if self.phase != "serving":
            return f"the server is {self.phase}"
        if self._killed():
            return "answering is switched off"
        return "" if self._fleet.current.ready else "no worker is ready"

    def admit(self, call: Call) -> None:
        """Let a request in. While workers are being replaced it may wait for them.

        Our own, which warm the path, come before all others.

        Raises:
            ServingError: The server has not started, or is stopping.
        """
        if self.phase == "starting" and call.origin != "warmup":
            raise ServingError(
                "the server is starting: no worker is ready yet.",
                hint="Wait until /readyz answers 200.",
                details={"retry_after_s": 1},
            )
        if self.phase == "stopping":
            raise shutting_down()

    def public(self) -> dict[str, Any]:
        """Return what anybody may know."""
        deployment = self._fleet.current
        batcher = deployment.dispatcher.batcher
        now_s = self._clock.now_s()
        degraded = self._fleet.entry.state(now_s)
        return {
            "state": "ready" if self.ready() else "killed" if self._killed() else self.phase,
            "release": deployment.release,
            "variant": deployment.variant,
            "degraded": degraded.text != "ok",
            "degradation": degraded.text,
            "degraded_for_s": round(now_s - degraded.since_s, 1) if degraded.text != "ok" else 0.0,
            "workers": {"ready": deployment.pool.ready, "wanted": len(deployment.pool.seats)},
            "rows_waiting": batcher.rows_waiting,
            "expected_wait_s": round(batcher.expected_wait_s(), 3),
        }

    def verbose(self) -> dict[str, Any]:
        """Return every check behind readiness."""
        return {
            "ready": self.ready(),
            "phase": self.phase,
            "release": self.release,
            "warm_up": self._fleet.warmed,
            "reload": self._fleet.swap_problem or "fine",
            "workers": [
                {
                    "state": seat.state,
                    "pid": seat.worker.pid if seat.worker else None,
                    "rss_bytes": seat.worker.rss_bytes if seat.worker else None,
                    "starts": seat.starts,
                    "last_error": seat.error.message if seat.error else None,
                }
                for seat in self._fleet.current.pool.seats
            ],
        }
