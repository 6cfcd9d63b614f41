"""One loaded release and variant: its workers, the queue before them, and what its batches cost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from seatrial.core.clock import SYSTEM, Clock
from seatrial.core.settings import Settings
from seatrial.models.subject import Batch
from seatrial.schedule.admission import Admission
from seatrial.schedule.batcher import RowPacking
from seatrial.schedule.breaker import Breaker
from seatrial.schedule.learning import Learner, Undisturbed
from seatrial.schedule.packing import packing, workers_for
from seatrial.schedule.profile import BatchProfile
from seatrial.schedule.quarantine import Quarantine
from seatrial.serve.cache import key_of
from seatrial.serve.call import Call
from seatrial.serve.dispatcher import Dispatcher
from seatrial.serve.examples import Examples
from seatrial.serve.pending import Pending
from seatrial.serve.pool import Pool
from seatrial.serve.salvage import Condemns, Row
from seatrial.serve.sizes import Sizes, size_of

FRONT_S = 1e-4
"""What the front itself spends on a request, to the order of magnitude: it bounds the rate."""

HAND_OVER_S = 1.5e-4
"""What a model call costs beside the model until it was measured: two processes that wake, and the
bytes between them. On a busy machine it is many times that."""

HAND_OVER_SMOOTHING = 0.05
"""Weight of the newest call in the mean."""

HAND_OVER_CLIP = 4.0
"""One call moves the mean as if it took at most this many times as long."""

DRAIN_LOOK_S = 0.02
"""Pause between two looks at a deployment that drains."""


class Deployment:
    """What answers calls: one release, in one variant.

    Args:
        release: Its name and digest.
        variant: Which variant of it.
        settings: Those it was loaded with.
        files: Names of the files that make the release.
        examples: Inputs known to be right for it.
        dispatcher: The queue before its workers.
        pool: Its workers.
        cores: How many workers may compute at one time.
        clock: Where time comes from.
    """

    def __init__(
        self,
        *,
        release: str,
        variant: str,
        settings: Settings,
        files: frozenset[str],
        examples: Examples,
        dispatcher: Dispatcher,
        pool: Pool,
        cores: int,
        clock: Clock = SYSTEM,
    ) -> None:
        self.release = release
        self.variant = variant
        self.settings = settings
        self.files = files
        self.examples = examples
        self.confidence_min = settings.serving.confidence_min
        self.dispatcher = dispatcher
        self.pool = pool
        self.headers = [(b"x-release", release.encode()), (b"x-served-by", served_by(variant))]
        self.single = False
        self.profile: BatchProfile | None = None
        self.admission = Admission(dispatcher.batcher, timeout_s=settings.serving.timeout_ms / 1000)
        self.quarantine = Quarantine()
        self.breaker = Breaker()
        self._cores = cores
        self._clock = clock
        self.size_of: Sizes = size_of(settings.model.input)
        self._learner = Learner()
        self._hand_over_s = HAND_OVER_S
        self._undisturbed = Undisturbed()
        self._fitting = False

    @property
    def rows_max(self) -> int:
        """Most rows of one model call."""
        return 1 if self.single else self.settings.serving.batch_max

    @property
    def ready(self) -> bool:
        """Whether any of its workers answers."""
        return self.pool.ready > 0

    def key_of(self, value: Any) -> bytes:
        """Return what an answer to ``value`` is remembered by."""
        return key_of(self.release, self.variant, value)

    def run(
        self,
        call: Call,
        rows: list[Any],
        *,
        owner: Any,
        now_s: float,
        deadline_s: float,
        sizes: Sequence[int] | int,
        deferred: bool = False,
    ) -> Pending:
        """Hand rows of a call to the model; they come back settled, with their owner."""
        return self.dispatcher.submit(
            rows,
            owner=owner,
            now_s=now_s,
            deadline_s=deadline_s,
            sizes=sizes,
            key=call.key_id or "",
            deferred=deferred,
        )

    def sizes(self, rows: Sequence[Any]) -> Sequence[int] | int:
        """Return the sizes of rows, as far as batches are made by them."""
        if isinstance(self.dispatcher.batcher.packing, RowPacking):
            return 1
        return [self.size_of(value) for value in rows]

    @property
    def wary(self) -> bool:
        """Whether rows have to be looked at: inputs are suspected, or workers keep dying."""
        return bool(self.quarantine) or self.breaker.state != "closed"

    def crashed(self, inputs: Sequence[Any]) -> Condemns | None:
        """Note that a worker did not survive a call with these inputs.

        Returns:
            Says which inputs are quarantined, where one more is since this.
        """
        now_s = self._clock.now_s()
        before = self.quarantine.quarantined(now_s)
        self.quarantine.killed(now_s, {self.key_of(value) for value in inputs})
        self.breaker.failed(now_s)
        found = self.quarantine.quarantined(now_s) > before
        return (lambda value: self.condemns(value, now_s)) if found else None

    def condemns(self, value: Any, now_s: float) -> bool:
        """Say whether an input is quarantined."""
        return self.quarantine.holds(now_s, self.key_of(value))

    def takes_single_rows(self) -> None:
        """The model takes one row a call, whatever it costs."""
        self.single = True
        self.dispatcher.batcher.packing = RowPacking(1)

    def observe(self, inputs: Sequence[Any], batch: Batch) -> None:
        """Learn from what a model call took."""
        sizes = [self.size_of(value) for value in inputs]
        seconds = self._undisturbed.seconds(batch.elapsed_s, batch.cpu_s)
        self._learner.add(len(sizes), max(sizes), sum(sizes), self._hand_over_s + seconds)

    def called(self, rows: Sequence[Row], batch: Batch, round_s: float) -> None:
        """Learn from a call that answered requests; pack by what was learned, when it is due.

        Args:
            rows: Its rows.
            batch: What it took the model.
            round_s: Seconds from here to there and back.
        """
        beside_s = min(max(round_s - batch.elapsed_s, 0.0), HAND_OVER_CLIP * self._hand_over_s)
        self._hand_over_s += HAND_OVER_SMOOTHING * (beside_s - self._hand_over_s)
        inputs = [pending.inputs[row] for pending, row in rows]
        self.observe(inputs, batch)
        self.breaker.succeeded(self._clock.now_s())
        if self.quarantine:
            for value in inputs:
                self.quarantine.answered(self.key_of(value))
        if self._learner.due and not self._fitting and not self.single:
            self._fitting = True
            asyncio.get_running_loop().call_soon(self.learn)

    def adopt(self, profile: BatchProfile) -> None:
        """Believe what was learned before, until live batches say otherwise."""
        self._learner = Learner(profile)
        self._pack_by(profile)

    def learn(self) -> None:
        """Fit what was observed so far, and pack by it."""
        self._fitting = False
        if not self.single:
            self._pack_by(self._learner.fit())

    def workers_wanted(self) -> int:
        """Return how many workers the model's own speed asks for; 1 while it is not known."""
        if self.profile is None:
            return 1
        return workers_for(
            self.profile,
            cores=self._cores,
            front_s=FRONT_S,
            rows_max=self.rows_max,
        )

    async def drained(self) -> None:
        """Return when nothing waits or runs here any more."""
        while self.dispatcher.inflight:
            await asyncio.sleep(DRAIN_LOOK_S)

    async def close(self) -> None:
        """End its workers; what they hold fails."""
        await self.pool.close()

    def _pack_by(self, profile: BatchProfile) -> None:
        self.profile = profile
        self.dispatcher.batcher.packing = packing(
            profile,
            rows_max=self.rows_max,
            workers=max(len(self.pool.seats), 1),
        )


class Router:
    """Says what answers.

    Args:
        current: The deployment that new calls go to.
    """

    def __init__(self, current: Deployment) -> None:
        self.current = current

    def swap(self, following: Deployment) -> Deployment:
        """Let new calls go to another deployment; return the one that answered until now.

        What has been admitted stays where it is: no answer comes from the other one.
        """
        before, self.current = self.current, following
        return before


def served_by(variant: str) -> bytes:
    """Return the ``X-Served-By`` of a variant.

    >>> served_by("original"), served_by("int8")
    (b'model', b'variant:int8')
    """
    return b"model" if variant == "original" else b"variant:" + variant.encode()
