"""The shell around the batcher: it obeys decisions, hands rows to workers and answers to requests.

It decides nothing but whose fault a failing batch is: its rows are run again one at a time, so
that only the request that holds the bad row fails.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from typing import Any

from seatrial.core.clock import SYSTEM, Clock
from seatrial.core.errors import (
    DeadlineExceededError,
    InputError,
    OutputContractError,
    OverloadedError,
    SeatrialError,
    ServingError,
)
from seatrial.models import frames
from seatrial.models.answers import Answer
from seatrial.schedule.batcher import Batcher, Decision, Expired, Kill, Rejected, Run
from seatrial.serve.pending import Pending
from seatrial.serve.worker import Reply, Worker

Row = tuple[Pending, int]
"""A request and the place of a row in it."""


class _Job:
    """What one worker does now: the rows of the running call, and calls still to make."""

    __slots__ = ("rows", "waiting", "worker")

    def __init__(self, worker: Worker, rows: list[Row]) -> None:
        self.worker = worker
        self.rows = rows
        self.waiting: deque[list[Row]] = deque()


class Dispatcher:
    """Carries requests to workers and their answers back.

    Args:
        batcher: Decides.
        clock: Where time comes from.
        on_batch: Told the rows and seconds of every model call, for the metrics.
    """

    def __init__(
        self,
        batcher: Batcher,
        *,
        clock: Clock = SYSTEM,
        on_batch: Callable[[int, float], None] | None = None,
    ) -> None:
        self.batcher = batcher
        self._clock = clock
        self._on_batch = on_batch
        self._loop = asyncio.get_running_loop()
        self._workers: dict[int, Worker] = {}
        self._jobs: dict[int, _Job] = {}
        self._pending: dict[int, Pending] = {}
        self._numbered = 0
        self._timer: asyncio.TimerHandle | None = None
        self._wakes_at_s = math.inf

    @property
    def inflight(self) -> int:
        """Requests that wait or run."""
        return len(self._pending)

    def submit(self, inputs: list[Any], *, deadline_s: float, size: int = 1) -> Pending:
        """Take a request in; its ``done`` tells when it is answered or has failed.

        Args:
            inputs: Its rows, at least one.
            deadline_s: When it expires, on the dispatcher's clock.
            size: Size of its largest row.
        """
        now_s = self._clock.now_s()
        self._numbered += 1
        pending = Pending(
            self._numbered,
            inputs,
            now_s=now_s,
            deadline_s=deadline_s,
            done=self._loop.create_future(),
        )
        self._pending[pending.number] = pending
        self._obey(
            self.batcher.arrive(
                now_s, pending.number, rows=len(inputs), deadline_s=deadline_s, size=size
            )
        )
        return pending

    def fail(self, pending: Pending, error: SeatrialError) -> None:
        """End a request without an answer: its rows that wait are dropped."""
        if not pending.settled():
            pending.error = error
            self._finish(pending)

    def fail_all(self, error: SeatrialError) -> None:
        """End every request that waits or runs."""
        for pending in list(self._pending.values()):
            self.fail(pending, error)

    def add(self, worker: Worker) -> None:
        """Take a warm worker into service."""
        self._workers[worker.number] = worker
        self._obey(self.batcher.idle(self._clock.now_s(), worker.number))

    def remove(self, worker: Worker) -> None:
        """Take a dead worker out of service; the requests it held fail."""
        self._workers.pop(worker.number, None)
        job = self._jobs.pop(worker.number, None)
        self._obey(self.batcher.lost(self._clock.now_s(), worker.number))
        if job is not None:
            error = worker.loss("answering")
            for pending, _ in [*job.rows, *(row for rows in job.waiting for row in rows)]:
                self.fail(pending, error)

    def _obey(self, decisions: list[Decision]) -> None:
        for decision in decisions:
            if isinstance(decision, Run):
                self._run(decision)
            elif isinstance(decision, Expired):
                self._expire(decision)
            elif isinstance(decision, Rejected):
                self._reject(decision)
            elif isinstance(decision, Kill) and decision.worker in self._workers:
                self._workers[decision.worker].end()
        self._arm()

    def _run(self, run: Run) -> None:
        rows = [
            (self._pending[part.request], row)
            for part in run.parts
            for row in range(part.start, part.stop)
        ]
        job = _Job(self._workers[run.worker], rows)
        self._jobs[run.worker] = job
        self._call(job)

    def _call(self, job: _Job) -> None:
        now_s = self._clock.now_s()
        for pending, _ in job.rows:
            if pending.started_s is None:
                pending.started_s = now_s
            pending.batch_size = max(pending.batch_size or 0, len(job.rows))
        try:
            job.worker.run(
                [pending.inputs[row] for pending, row in job.rows],
                lambda reply: self._heard(job, reply),
            )
        except InputError as error:
            # Later, so that a batch of such rows does not recurse.
            self._loop.call_soon(self._heard, job, frames.Failed.of(error, ask=0))

    def _heard(self, job: _Job, reply: Reply) -> None:
        now_s = self._clock.now_s()
        # First, so that after a suspension nothing is answered past its deadline.
        self._obey(self.batcher.tick(now_s))
        if isinstance(reply, frames.Told) and reply.batch is not None:
            if self._on_batch is not None:
                self._on_batch(len(job.rows), reply.batch.elapsed_s)
            for (pending, row), answer in zip(job.rows, reply.batch.answers, strict=True):
                self._settle(pending, row, answer, now_s)
        elif isinstance(reply, frames.Failed):
            self._blame(job, reply)
        self._next(job)

    def _blame(self, job: _Job, failed: frames.Failed) -> None:
        # A wrong number of answers is nobody's row: who got whose cannot be known.
        countless = failed.code == OutputContractError.code and "row" not in failed.details
        if len(job.rows) > 1 and not countless:
            job.waiting.extend([row] for row in job.rows)
            return
        for pending, row in job.rows:
            error = failed.error()
            if len(job.rows) == 1:
                error = _of_row(error, row, len(pending.inputs))
            self.fail(pending, error)

    def _next(self, job: _Job) -> None:
        while job.waiting:
            job.rows = [row for row in job.waiting.popleft() if not row[0].settled()]
            if job.rows:
                self._call(job)
                return
        if self._jobs.pop(job.worker.number, None) is not None:
            self._obey(self.batcher.idle(self._clock.now_s(), job.worker.number))

    def _settle(self, pending: Pending, row: int, answer: Answer, now_s: float) -> None:
        if pending.error is not None:
            return
        pending.answers[row] = answer
        pending.left -= 1
        pending.ended_s = now_s
        if pending.left == 0:
            self._finish(pending)

    def _finish(self, pending: Pending) -> None:
        self.batcher.done(pending.number)
        self._pending.pop(pending.number, None)
        if not pending.done.done():
            pending.done.set_result(None)

    def _expire(self, expired: Expired) -> None:
        pending = self._pending.get(expired.request)
        if pending is not None:
            waited_ms = (pending.deadline_s - pending.submitted_s) * 1000
            where = "the model was still running" if expired.started else "it was still waiting"
            error = DeadlineExceededError(
                f"no answer within {waited_ms:.0f} ms: {where}.",
                hint="Allow more in X-Request-Timeout-Ms, or send fewer rows.",
            )
            self.fail(pending, error)

    def _reject(self, rejected: Rejected) -> None:
        error = OverloadedError(
            f"{self.batcher.rows_waiting} rows are waiting already; the server takes no more.",
            hint=f"Try again in {rejected.retry_after_s} s.",
            details={"retry_after_s": rejected.retry_after_s},
        )
        self.fail(self._pending[rejected.request], error)

    def _arm(self) -> None:
        wakes_at_s = self.batcher.wakes_at_s()
        if wakes_at_s < self._wakes_at_s:
            if self._timer is not None:
                self._timer.cancel()
            self._wakes_at_s = wakes_at_s
            delay_s = max(wakes_at_s - self._clock.now_s(), 0.0)
            self._timer = self._loop.call_later(delay_s, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._wakes_at_s = math.inf
        self._obey(self.batcher.tick(self._clock.now_s()))


def shutting_down() -> ServingError:
    """Build the error for requests that a stopping server cannot finish."""
    return ServingError(
        "the server is shutting down.",
        hint="Try again: another server answers, or this one does when it is back.",
        details={"retry_after_s": 1},
    )


def _of_row(error: SeatrialError, row: int, rows: int) -> SeatrialError:
    """Name the row by its place in the request rather than in the call that failed."""
    if rows > 1:
        error.message = error.message.replace("row 0 ", f"row {row} ", 1)
        error.details.setdefault("pointer", f"/inputs/{row}")
    error.details["row"] = row
    return error
