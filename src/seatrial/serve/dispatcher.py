"""The shell around the batcher: it obeys decisions, hands rows to workers and settles requests.

It decides nothing but whose fault a failing batch is: its rows are run again one at a time, so
that only the request that holds the bad row fails. All requests that one event settles are handed
on together, so that they can be recorded with one write.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from seatrial.core.clock import SYSTEM, Clock
from seatrial.core.errors import (
    DeadlineExceededError,
    InputError,
    OutputContractError,
    OverloadedError,
    QuarantinedError,
    SeatrialError,
    ServingError,
)
from seatrial.models import frames
from seatrial.models.subject import Batch
from seatrial.schedule.batcher import Batcher, Decision, Expired, Kill, Rejected, Run
from seatrial.serve.pending import Pending
from seatrial.serve.worker import Reply, Worker

Row = tuple[Pending, int]
"""A request and the place of a row in it."""

Settled = Callable[[Sequence[Pending]], None]
"""Told of the requests that one event settled."""

Condemns = Callable[[Any], bool]
"""Says whether an input kills workers, so that it is given to none."""

CRASHES_MAX = 2
"""Workers that one request may cost before it is given up: its first run and one more."""


LAST_LOOK_S = 0.05
"""How long the end of a worker that seems to hang is put off: where it was we who were stopped, its
reply has come meanwhile and is read first."""


class _Job:
    """What one worker does now: the rows of the running call, and calls still to make."""

    __slots__ = ("began_s", "rows", "sent", "waiting", "worker")

    def __init__(self, worker: Worker, rows: list[Row]) -> None:
        self.worker = worker
        self.rows = rows
        self.sent = False
        self.began_s = 0.0
        self.waiting: deque[list[Row]] = deque()

    def all_rows(self) -> list[Row]:
        return [*self.rows, *(row for rows in self.waiting for row in rows)]


class Dispatcher:
    """Carries requests to workers and their answers back.

    Args:
        batcher: Decides.
        on_settled: Told of the requests that one event settled, together.
        clock: Where time comes from.
        on_batch: Told the rows of every model call that answered, what it took the model, and the
            seconds from here to there and back.
        on_crash: Told the inputs of a call that its worker did not survive; where that makes any
            of them guilty, it says which inputs are.
        pure: The model may be asked again what a worker died of: asking changes nothing.
    """

    def __init__(
        self,
        batcher: Batcher,
        *,
        on_settled: Settled,
        clock: Clock = SYSTEM,
        on_batch: Callable[[list[Row], Batch, float], None] | None = None,
        on_crash: Callable[[list[Any]], Condemns | None] | None = None,
        pure: bool = False,
    ) -> None:
        self.batcher = batcher
        self._on_settled = on_settled
        self._clock = clock
        self._on_batch = on_batch
        self._on_crash = on_crash
        self._pure = pure
        self._loop = asyncio.get_running_loop()
        self._workers: dict[int, Worker] = {}
        self._leaving: dict[int, asyncio.Future[None]] = {}
        self._jobs: dict[int, _Job] = {}
        self._again: deque[Row] = deque()
        self._pending: dict[int, Pending] = {}
        self._settled: list[Pending] = []
        self._numbered = 0
        self._timer: asyncio.TimerHandle | None = None
        self._wakes_at_s = math.inf

    @property
    def inflight(self) -> int:
        """Requests that wait or run."""
        return len(self._pending)

    @property
    def deferred(self) -> int:
        """Requests among them that a ticket waits for."""
        return sum(pending.deferred for pending in self._pending.values())

    def submit(
        self,
        inputs: list[Any],
        *,
        owner: Any,
        now_s: float,
        deadline_s: float,
        sizes: Sequence[int] | int = 1,
        key: str = "",
        deferred: bool = False,
    ) -> Pending:
        """Take rows in; ``on_settled`` is told when they are answered or have failed.

        Args:
            inputs: The rows, at least one.
            owner: Kept with them for whoever is told.
            now_s: The time.
            deadline_s: When they expire.
            sizes: Their sizes, or that of each.
            key: Whose share of the server they use.
            deferred: Nobody holds a connection open for them.
        """
        self._numbered = number = self._numbered + 1
        pending = Pending(
            number, inputs, owner=owner, now_s=now_s, deadline_s=deadline_s, deferred=deferred
        )
        self._pending[number] = pending
        self._obey(
            self.batcher.arrive(
                now_s,
                number,
                rows=len(inputs),
                deadline_s=deadline_s,
                sizes=sizes,
                key=key,
                deferred=deferred,
            )
        )
        self._hand_on()
        return pending

    def fail(self, pending: Pending, error: SeatrialError) -> None:
        """End a request without an answer: its rows that wait are dropped."""
        self._fail(pending, error)
        self._hand_on()

    def fail_all(self, error: SeatrialError) -> None:
        """End every request that waits or runs."""
        for pending in list(self._pending.values()):
            self._fail(pending, error)
        self._hand_on()

    def add(self, worker: Worker) -> None:
        """Take a warm worker into service."""
        self._workers[worker.number] = worker
        self._offer(worker)
        self._hand_on()

    async def retire(self, worker: Worker) -> None:
        """Take a worker out of service between two batches; return when it holds nothing."""
        if worker.number not in self._workers:
            return
        if worker.number in self._jobs:
            left = self._leaving[worker.number] = self._loop.create_future()
            await left
        if self._workers.pop(worker.number, None) is not None:
            self._obey(self.batcher.lost(self._clock.now_s(), worker.number))
            self._hand_on()

    def remove(self, worker: Worker) -> None:
        """Take a dead worker out of service; what it held is run again or fails."""
        self._workers.pop(worker.number, None)
        job = self._jobs.pop(worker.number, None)
        self._obey(self.batcher.lost(self._clock.now_s(), worker.number))
        if job is not None:
            self._salvage(job)
        self._release(worker)
        self._hand_on()

    def _salvage(self, job: _Job) -> None:
        """Decide what becomes of the rows of a worker that died: who did not kill it lives on."""
        condemns = None
        if self._on_crash is not None and job.sent:
            condemns = self._on_crash([pending.inputs[row] for pending, row in job.rows])
        error = job.worker.loss("answering")
        ran = {id(pending): pending for pending, _ in job.rows} if job.sent else {}
        for pending in ran.values():
            pending.crashes += 1
        for pending, row in job.all_rows():
            if pending.settled():
                continue
            if id(pending) in ran and not (self._pure and pending.crashes < CRASHES_MAX):
                self._fail(pending, error)
            else:
                self._again.append((pending, row))
        if condemns is not None:
            self._shut_out(condemns)
        for worker in list(self._workers.values()):
            if worker.number not in self._jobs and self._again:
                self._offer(worker)

    def _shut_out(self, condemns: Condemns) -> None:
        """Fail the requests that would cost further workers."""
        for pending in list(self._pending.values()):
            for row, value in enumerate(pending.inputs):
                if condemns(value):
                    self._fail(pending, quarantined(row))
                    break

    def _obey(self, decisions: list[Decision]) -> None:
        for decision in decisions:
            kind = type(decision)
            if kind is Run:
                self._run(decision)  # type: ignore[arg-type]  # its type was compared
            elif kind is Expired:
                self._expire(decision)  # type: ignore[arg-type]  # its type was compared
            elif kind is Rejected:
                self._reject(decision)  # type: ignore[arg-type]  # its type was compared
            elif isinstance(decision, Kill) and decision.worker in self._jobs:
                job = self._jobs[decision.worker]
                self._loop.call_later(LAST_LOOK_S, self._give_up, job, job.rows)
        self._arm()

    def _give_up(self, job: _Job, rows: list[Row]) -> None:
        """End a worker that hangs, if it still does."""
        if self._jobs.get(job.worker.number) is job and job.rows is rows:
            job.worker.end()

    def _run(self, run: Run) -> None:
        pending = self._pending
        rows = [
            (pending[part.request], row)
            for part in run.parts
            for row in range(part.start, part.stop)
        ]
        job = _Job(self._workers[run.worker], rows)
        self._jobs[run.worker] = job
        self._call(job)

    def _call(self, job: _Job) -> None:
        job.sent = not job.worker.ended
        if not job.sent:
            return  # it will be removed in a moment, and its rows go to another
        now_s = self._clock.now_s()
        job.began_s = now_s
        size = len(job.rows)
        for pending, _ in job.rows:
            if pending.started_s is None:
                pending.started_s = now_s
            if pending.batch_size is None or pending.batch_size < size:
                pending.batch_size = size
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
        rows, began_s = job.rows, job.began_s
        if isinstance(reply, frames.Failed):
            self._blame(job, reply)
            self._next(job, now_s)
        elif isinstance(reply, frames.Told) and reply.batch is not None:
            # The worker gets its next rows before these are settled: it need not wait for that.
            self._next(job, now_s)
            if self._on_batch is not None:
                self._on_batch(rows, reply.batch, now_s - began_s)
            self._take(rows, reply.batch.answers, now_s)
        self._hand_on()

    def _take(self, rows: list[Row], answers: list[Any], now_s: float) -> None:
        for (pending, row), answer in zip(rows, answers, strict=True):
            if pending.error is not None:
                continue
            pending.answers[row] = answer
            pending.left -= 1
            if pending.left == 0:
                pending.ended_s = now_s
                self._finish(pending)

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
            self._fail(pending, error)

    def _next(self, job: _Job, now_s: float) -> None:
        while job.waiting:
            job.rows = [row for row in job.waiting.popleft() if not row[0].settled()]
            if job.rows:
                self._call(job)
                return
        if self._jobs.pop(job.worker.number, None) is not None:
            self._offer(job.worker, now_s)

    def _offer(self, worker: Worker, now_s: float | None = None) -> None:
        """Give a worker that holds nothing its next rows; those of a dead one come first."""
        if worker.number in self._leaving:
            self._release(worker)
            return
        while self._again:
            row = self._again.popleft()
            if not row[0].settled():
                # Alone: should it kill this one too, it takes nobody with it.
                job = self._jobs[worker.number] = _Job(worker, [row])
                now_s = self._clock.now_s() if now_s is None else now_s
                self.batcher.hold(now_s, worker.number, deadline_s=row[0].deadline_s)
                self._call(job)
                return
        now_s = self._clock.now_s() if now_s is None else now_s
        self._obey(self.batcher.idle(now_s, worker.number))

    def _release(self, worker: Worker) -> None:
        left = self._leaving.pop(worker.number, None)
        if left is not None and not left.done():
            left.set_result(None)

    def _fail(self, pending: Pending, error: SeatrialError) -> None:
        if not pending.settled():
            pending.error = error
            self._finish(pending)

    def _finish(self, pending: Pending) -> None:
        self.batcher.done(pending.number)
        del self._pending[pending.number]
        self._settled.append(pending)

    def _hand_on(self) -> None:
        if self._settled:
            settled, self._settled = self._settled, []
            self._on_settled(settled)

    def _expire(self, expired: Expired) -> None:
        pending = self._pending.get(expired.request)
        if pending is not None:
            waited_ms = (pending.deadline_s - pending.submitted_s) * 1000
            where = "the model was still running" if expired.started else "it was still waiting"
            error = DeadlineExceededError(
                f"no answer within {waited_ms:.0f} ms: {where}.",
                hint="Allow more in X-Request-Timeout-Ms, or send fewer rows.",
            )
            self._fail(pending, error)

    def _reject(self, rejected: Rejected) -> None:
        error = OverloadedError(
            f"{self.batcher.rows_waiting} rows are waiting already; the server takes no more.",
            hint=f"Try again in {rejected.retry_after_s} s.",
            details={"retry_after_s": rejected.retry_after_s},
        )
        self._fail(self._pending[rejected.request], error)

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
        self._hand_on()


def shutting_down() -> ServingError:
    """Build the error for requests that a stopping server cannot finish."""
    return ServingError(
        "the server is shutting down.",
        hint="Try again: another server answers, or this one does when it is back.",
        details={"retry_after_s": 1},
    )


def quarantined(row: int) -> QuarantinedError:
    """Build the error for a request whose row kills workers."""
    return QuarantinedError(
        "this input has killed model processes and is not tried again.",
        hint="Look at the worker-lost events of the server; it is tried in an hour.",
        details={"pointer": f"/inputs/{row}", "row": row},
    )


def _of_row(error: SeatrialError, row: int, rows: int) -> SeatrialError:
    """Name the row by its place in the request rather than in the call that failed."""
    if rows > 1:
        error.message = error.message.replace("row 0 ", f"row {row} ", 1)
        error.details.setdefault("pointer", f"/inputs/{row}")
    error.details["row"] = row
    return error
