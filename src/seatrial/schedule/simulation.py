"""What a simulation is about: what is asked, what that costs, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

ANSWERED, REJECTED, EXPIRED = 200, 503, 504


class Costs(Struct, frozen=True, kw_only=True):
    """What a request costs beside the model, in CPU seconds; measured, or zero.

    Attributes:
        read_s: The front, from the bytes of a request to its place in the queue.
        answer_s: The front, from an answer to the bytes of its response, log record included.
        refuse_s: The front, to write a refusal.
        batch_s: The front, for each batch: handing it over and hearing its reply.
        call_s: A worker, for each batch beside the model.
        row_s: A worker, for each row beside the model.
        send_s: The load generator, for each request sent.
        hear_s: The load generator, for each response.
        wake_s: From work arriving at an idle process to its first instruction; no CPU is used.
    """

    read_s: float = 0.0
    answer_s: float = 0.0
    refuse_s: float = 0.0
    batch_s: float = 0.0
    call_s: float = 0.0
    row_s: float = 0.0
    send_s: float = 0.0
    hear_s: float = 0.0
    wake_s: float = 0.0


@dataclass(frozen=True)
class Traffic:
    """What is asked.

    Attributes:
        sizes: Size of the largest row of each request. Shape (n,).
        arrivals_s: When each is due, ascending; ``None``: as soon as a connection is free.
            Shape (n,).
        rows: Rows of each request; default: one. Shape (n,).
        timeout_s: Deadline of each, from its place in the queue.
        connections: Requests in flight at once; the rest wait at the generator.
    """

    sizes: FloatArray
    arrivals_s: FloatArray | None = None
    rows: IntArray | None = None
    timeout_s: float = 10.0
    connections: int = 1 << 30


@dataclass(frozen=True)
class Simulated:
    """What became of each request, and who computed for how long.

    Attributes:
        latency_s: From the due time, in a closed loop from the sending, to the answer. Shape (n,).
        status: HTTP status of each. Shape (n,).
        heard_s: When each response was complete. Shape (n,).
        wait_s: From its place in the queue to its start; NaN where it never started. Shape (n,).
        front_s: Seconds that the front computed.
        generator_s: Seconds that the generator computed.
        workers_s: Seconds that each worker computed.
        batch_rows: How many batches had so many rows.
    """

    latency_s: FloatArray
    status: IntArray
    heard_s: FloatArray
    wait_s: FloatArray
    front_s: float
    generator_s: float
    workers_s: tuple[float, ...]
    batch_rows: dict[int, int]

    @property
    def answered(self) -> NDArray[np.bool_]:
        """Which requests were answered. Shape (n,)."""
        return np.equal(self.status, ANSWERED)

    @property
    def rate_per_s(self) -> float:
        """Answers per second, from the start to the last response."""
        return float(self.answered.sum()) / max(float(self.heard_s.max(initial=0.0)), 1e-12)
