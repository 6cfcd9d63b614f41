"""What the server is doing: for probes, for people, and whether it takes requests."""

from __future__ import annotations

from typing import Any, Literal

from seatrial.core.errors import ServingError
from seatrial.serve.dispatcher import Dispatcher, shutting_down
from seatrial.serve.pool import Pool

Phase = Literal["starting", "serving", "draining", "stopping"]


class State:
    """The phase of one server and what it knows of its parts.

    Args:
        release: What answers.
        variant: Which variant of it.
        pool: The workers.
        dispatcher: The queue before them.
    """

    def __init__(self, *, release: str, variant: str, pool: Pool, dispatcher: Dispatcher) -> None:
        self.phase: Phase = "starting"
        self.release = release
        self.variant = variant
        self.warm_up = "not done yet"
        self._pool = pool
        self._dispatcher = dispatcher

    def ready(self) -> bool:
        """Say whether traffic may be sent here."""
        return self.phase == "serving" and self._pool.ready > 0

    def admit(self) -> None:
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
        return {
            "state": "ready" if self.ready() else self.phase,
            "release": self.release,
            "variant": self.variant,
            "degraded": False,
            "workers": {"ready": self._pool.ready, "wanted": len(self._pool.seats)},
            "rows_waiting": self._dispatcher.batcher.rows_waiting,
            "expected_wait_s": round(self._dispatcher.batcher.expected_wait_s(), 3),
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
                for seat in self._pool.seats
            ],
        }
