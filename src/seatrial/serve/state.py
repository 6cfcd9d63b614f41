"""What the server is doing: for probes, for people, and whether it takes requests."""

from __future__ import annotations

from typing import Any, Literal

from seatrial.core.errors import ServingError
from seatrial.serve.call import Call
from seatrial.serve.deployment import Router
from seatrial.serve.dispatcher import shutting_down

Phase = Literal["starting", "serving", "draining", "stopping"]


class State:
    """The phase of one server and what it knows of its parts.

    Args:
        router: Says what answers.
    """

    def __init__(self, router: Router) -> None:
        self.phase: Phase = "starting"
        self.warm_up = "not done yet"
        self._router = router

    @property
    def release(self) -> str:
        """What answers now."""
        return self._router.current.release

    def ready(self) -> bool:
        """Say whether traffic may be sent here."""
        return self.phase == "serving" and self._router.current.ready

    def admit(self, call: Call) -> None:  # noqa: ARG002  (of a gate)
        """Let a request in. While workers are being replaced it may wait for them.

        Raises:
            ServingError: The server has not started, or is stopping.
        """
        if self.phase == "starting":
            raise ServingError(
                "the server is starting: no worker is ready yet.",
                hint="Wait until /readyz answers 200.",
                details={"retry_after_s": 1},
            )
        if self.phase == "stopping":
            raise shutting_down()

    def public(self) -> dict[str, Any]:
        """Return what anybody may know."""
        deployment = self._router.current
        batcher = deployment.dispatcher.batcher
        return {
            "state": "ready" if self.ready() else self.phase,
            "release": deployment.release,
            "variant": deployment.variant,
            "degraded": False,
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
            "warm_up": self.warm_up,
            "workers": [
                {
                    "state": seat.state,
                    "pid": seat.worker.pid if seat.worker else None,
                    "rss_bytes": seat.worker.rss_bytes if seat.worker else None,
                    "starts": seat.starts,
                    "last_error": seat.error.message if seat.error else None,
                }
                for seat in self._router.current.pool.seats
            ],
        }
