"""How fast a model answers, found out with a few rows before all of them are asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from seatrial.core.clock import Clock
from seatrial.core.errors import InputError, ModelError, WorkerLostError
from seatrial.records.tables import Rows

BATCH = 64
"""Most rows a call while rows are answered, as a notebook would."""

CALL_S = 2.0
"""Longest call that is planned: far below the time limits of a worker, a server and a client."""

ROWS_MIN = 100
"""Rows that are asked whatever the time budget says: fewer measure nothing."""


class Pace(Struct, frozen=True):
    """How long a row takes."""

    row_s: float = 0.0

    @property
    def batch(self) -> int:
        """Rows a call, so that it stays short.

        >>> Pace(0.001).batch, Pace(0.5).batch, Pace(9.0).batch
        (64, 4, 1)
        """
        if self.row_s * BATCH <= CALL_S:
            return BATCH
        return max(1, int(CALL_S / self.row_s))

    def rows_in(self, seconds: float) -> float:
        """Return how many rows can be asked in that time.

        >>> Pace(0.5).rows_in(10.0)
        20.0
        """
        return seconds / self.row_s if self.row_s else float("inf")


def pace_of(ask: Callable[[list[Any]], object], inputs: Sequence[Any], *, clock: Clock) -> Pace:
    """Time two single rows, then a batch that is as large as their time allows.

    A row that cannot be answered stops the clock; whoever asks all rows names it.
    """
    pace = Pace()
    try:
        for count in (1, 1, None):
            part = list(inputs[: pace.batch if count is None else count])
            started_s = clock.now_s()
            ask(part)
            pace = Pace((clock.now_s() - started_s) / len(part))
    except (InputError, ModelError, WorkerLostError):
        return pace
    return pace


def thinned(rows: Rows, count: int, *, seed: int) -> Rows:
    """Return ``count`` of the rows, drawn without replacement, in their order."""
    if count >= len(rows):
        return rows
    keep = np.sort(np.random.default_rng(seed).choice(len(rows), size=count, replace=False))
    return Rows(
        [rows.inputs[at] for at in keep],
        None if rows.labels is None else [rows.labels[at] for at in keep],
        {name: [values[at] for at in keep] for name, values in rows.columns.items()},
        None if rows.probabilities is None else [rows.probabilities[at] for at in keep],
    )
