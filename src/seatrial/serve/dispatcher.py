"""The shell around the batcher: it obeys decisions, hands rows to workers and settles requests.

All requests that one event settles are handed on together, so that they can be recorded with one
write.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from typing import Any

from seatrial.core.clock import SYSTEM, Clock
from seatrial.core.errors import (
    InputError,
    OverloadedError,
    SeatrialError,
    ServingError,
)
from seatrial.models import frames
from seatrial.models.subject import Batch
from seatrial.schedule.batcher import Batcher, Decision, Expired, Kill, Rejected, Run
from seatrial.serve.pending import Pending
from seatrial.serve.salvage import Condemns, Job, Row, Salvage, blamed
from seatrial.serve.worker import Reply, Worker

Settled = Callable[[Sequence[Pending]], None]
"""Told of the requests that one event settled."""

LAST_LOOK_S = 0.05
"""How long the end of a worker that seems to hang is put off: where it was we who were stopped, its
reply has come meanwhile and is read first."""


class Dispatcher:
    """Carries requests to workers and their answers back.

    Args:
        batcher: Decides.
        on_settled: Told of the requests that one event settled, together.
        clock: Where time comes from.
        on_batch: Told the rows of every model call that answered, what it took the model, and the
            seconds from here to there and back.
        on_crash: See :class:`~seatrial.serve.salvage.Salvage`, as for the next.
        pure: The model may be asked again what a worker died of.
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
        self._salvaged = Salvage(on_crash, pure=pure)
        self._loop = asyncio.get_running_loop()
        self._workers: dict[int, Worker] = {}
        self._leaving: dict[int, asyncio.Future[None]] = {}
        self._jobs: dict[int, Job] = {}
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

    def listen(self) -> None:
        """Hear workers that are done, before the loop comes to them."""
        for job in list(self._jobs.values()):
            job.worker.listen()

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

    def _salvage(self, job: Job) -> None:
        """Fail what fails with a worker that died, and have the others run what is left."""
        for pending, error in self._salvaged.lost(job, self._pending.values()):
            self._fail(pending, error)
        for worker in list(self._workers.values()):
            if worker.number not in self._jobs and self._salvaged:
                self._offer(worker)

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

    def _give_up(self, job: Job, rows: list[Row]) -> None:
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
        job = Job(self._workers[run.worker], rows)
        self._jobs[run.worker] = job
        self._call(job)

    def _call(self, job: Job) -> None:
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

    def _heard(self, job: Job, reply: Reply) -> None:
        now_s = self._clock.now_s()
        # First, so that after a suspension nothing is answered past its deadline.
        self._obey(self.batcher.tick(now_s))
        rows, began_s = job.rows, job.began_s
        if isinstance(reply, frames.Failed):
            for pending, error in blamed(job, reply):
                self._fail(pending, error)
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

    def _next(self, job: Job, now_s: float) -> None:
        if job.next():
            self._call(job)
        elif self._jobs.pop(job.worker.number, None) is not None:
            self._offer(job.worker, now_s)

    def _offer(self, worker: Worker, now_s: float | None = None) -> None:
        """Give a worker that holds nothing its next rows; those of a dead one come first."""
        if worker.number in self._leaving:
            self._release(worker)
            return
        now_s = self._clock.now_s() if now_s is None else now_s
        if self._salvaged and (row := self._salvaged.next()) is not None:
            job = self._jobs[worker.number] = Job(worker, [row])
            self.batcher.hold(now_s, worker.number, deadline_s=row[0].deadline_s)
            self._call(job)
            return
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
            why = "the model was still running" if expired.started else "it was still waiting"
            self._fail(pending, pending.late(why))

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
