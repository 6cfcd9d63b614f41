"""What becomes of the rows of a model call that failed, or that its worker did not survive.

Whose fault a failing batch is is found by running its rows again one at a time, so that only the
request that holds the bad row fails. Rows that were with a worker that died are run again alone,
so that none of them takes another with it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from seatrial.core.errors import OutputContractError, QuarantinedError, SeatrialError
from seatrial.models import frames
from seatrial.serve.pending import Pending
from seatrial.serve.worker import Worker

Row = tuple[Pending, int]
"""A request and the place of a row in it."""

Condemns = Callable[[Any], bool]
"""Says whether an input kills workers, so that it is given to none."""

Fate = tuple[Pending, SeatrialError]
"""A request that fails, and why."""

CRASHES_MAX = 2
"""Workers that one request may cost before it is given up: its first run and one more."""


class Job:
    """What one worker does now: the rows of the running call, and calls still to make.

    Attributes:
        worker: Who does it.
        rows: Of the running call.
        sent: Whether the worker has them.
        began_s: When it got them.
        waiting: The rows of the calls still to make.
    """

    __slots__ = ("began_s", "rows", "sent", "waiting", "worker")

    def __init__(self, worker: Worker, rows: list[Row]) -> None:
        self.worker = worker
        self.rows = rows
        self.sent = False
        self.began_s = 0.0
        self.waiting: deque[list[Row]] = deque()

    def all_rows(self) -> list[Row]:
        """Return the rows of the running call and of those still to make."""
        return [*self.rows, *(row for rows in self.waiting for row in rows)]

    def next(self) -> bool:
        """Turn to the next call still to make; say whether there is one."""
        while self.waiting:
            self.rows = [row for row in self.waiting.popleft() if not row[0].settled()]
            if self.rows:
                return True
        return False


class Salvage:
    """Keeps the rows of dead workers until somebody runs them.

    Args:
        on_crash: Told the inputs of a call that its worker did not survive; where that makes any
            of them guilty, it says which inputs are.
        pure: The model may be asked again what a worker died of: asking changes nothing.
    """

    def __init__(
        self, on_crash: Callable[[list[Any]], Condemns | None] | None, *, pure: bool
    ) -> None:
        self._on_crash = on_crash
        self._pure = pure
        self._kept: deque[Row] = deque()

    def __len__(self) -> int:
        """Return how many rows are kept."""
        return len(self._kept)

    def next(self) -> Row | None:
        """Return a kept row that somebody still waits for, and keep it no longer."""
        while self._kept:
            row = self._kept.popleft()
            if not row[0].settled():
                return row
        return None

    def lost(self, job: Job, pending: Iterable[Pending]) -> Iterator[Fate]:
        """Take the rows of a worker that died: who did not kill it lives on.

        Args:
            job: What it did.
            pending: All requests there are, some of which may hold inputs now known to be guilty.

        Yields:
            The requests that fail by it, each to be failed before the next one is asked for.
        """
        condemns = None
        if self._on_crash is not None and job.sent:
            condemns = self._on_crash([pending.inputs[row] for pending, row in job.rows])
        error = job.worker.loss("answering")
        ran = {id(pending): pending for pending, _ in job.rows} if job.sent else {}
        for one in ran.values():
            one.crashes += 1
        for one, row in job.all_rows():
            if one.settled():
                continue
            if id(one) in ran and not (self._pure and one.crashes < CRASHES_MAX):
                yield one, error
            else:
                self._kept.append((one, row))
        if condemns is not None:
            yield from _condemned(list(pending), condemns)


def blamed(job: Job, failed: frames.Failed) -> list[Fate]:
    """Return the requests that fail by a failed call.

    Where several rows could be to blame there are none yet: each is to be run alone.
    """
    # A wrong number of answers is nobody's row: who got whose cannot be known.
    countless = failed.code == OutputContractError.code and "row" not in failed.details
    if len(job.rows) > 1 and not countless:
        job.waiting.extend([row] for row in job.rows)
        return []
    if len(job.rows) > 1:
        return [(pending, failed.error()) for pending, _ in job.rows]
    ((pending, row),) = job.rows
    return [(pending, _of_row(failed.error(), row, len(pending.inputs)))]


def quarantined(row: int) -> QuarantinedError:
    """Build the error for a request whose row kills workers."""
    return QuarantinedError(
        "this input has killed model processes and is not tried again.",
        hint="Look at the worker-lost events of the server; it is tried in an hour.",
        details={"pointer": f"/inputs/{row}", "row": row},
    )


def _condemned(pending: list[Pending], condemns: Condemns) -> Iterator[Fate]:
    """Yield the requests that would cost further workers."""
    for one in pending:
        for row, value in enumerate(one.inputs):
            if condemns(value):
                yield one, quarantined(row)
                break


def _of_row(error: SeatrialError, row: int, rows: int) -> SeatrialError:
    """Name the row by its place in the request rather than in the call that failed."""
    if rows > 1:
        error.message = error.message.replace("row 0 ", f"row {row} ", 1)
        error.details.setdefault("pointer", f"/inputs/{row}")
    error.details["row"] = row
    return error
