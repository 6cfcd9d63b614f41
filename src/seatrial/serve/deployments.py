"""Makes deployments of one folder, and remembers what is known of their speed."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from seatrial.core.clock import Clock
from seatrial.core.errors import EnvironmentMismatchError, SeatrialError
from seatrial.core.settings import Settings
from seatrial.evidence import machine
from seatrial.models.hostprocess import HostProcess
from seatrial.models.identity import release_of
from seatrial.models.subject import Batch
from seatrial.releases import profile as profiles
from seatrial.schedule.batcher import Batcher, RowPacking
from seatrial.schedule.profile import BatchProfile
from seatrial.serve.deployment import Deployment
from seatrial.serve.dispatcher import Dispatcher, Settled
from seatrial.serve.events import Events
from seatrial.serve.examples import Examples
from seatrial.serve.metrics import Metrics
from seatrial.serve.plan import Plan
from seatrial.serve.pool import Pool
from seatrial.serve.salvage import Condemns, Row
from seatrial.serve.worker import Worker

KILL_GRACE_S = 0.5
"""How long past the last deadline of its batch a model may run before it counts as hung."""

MIB = 2**20

WarmUp = Callable[[Worker, Deployment], Awaitable[str]]
"""Warms a worker of a deployment; returns what to say of it."""


class Deployments:
    """Makes what answers.

    Args:
        plan: What the server shall be.
        on_settled: Told of calls that are answered or have failed.
        warm_up: Run on every worker before it gets calls.
        metrics: Counts.
        events: Told of losses.
        clock: Where time comes from.

    Attributes:
        warmed: How the last worker was warmed, in words.
        closing: Workers are ended on purpose from now on.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        on_settled: Settled,
        warm_up: WarmUp,
        metrics: Metrics,
        events: Events,
        clock: Clock,
    ) -> None:
        self._plan = plan
        self._on_settled = on_settled
        self._warm_up = warm_up
        self._metrics = metrics
        self._events = events
        self._clock = clock
        self.warmed = "not done yet"
        self.closing = False

    def make(
        self,
        settings: Settings,
        release: str,
        variant: str,
        *,
        files: frozenset[str],
        examples: Examples | None = None,
        launched: Sequence[HostProcess] = (),
    ) -> Deployment:
        """Make one; nothing of it runs yet, but for processes that are ``launched``.

        Args:
            settings: Its settings.
            release: Its release.
            variant: What its workers load.
            files: The files that make the release, to which its workers are held.
            examples: Those of the release, where it has a deployment already.
            launched: Processes that load it already.
        """
        serving = settings.serving
        batcher = Batcher(
            RowPacking(serving.batch_max), queue_rows=serving.queue_rows, grace_s=KILL_GRACE_S
        )

        def called(rows: list[Row], batch: Batch, round_s: float) -> None:
            self._metrics.batch(len(rows), batch.elapsed_s)
            deployment.called(rows, batch, round_s)

        def crashed(inputs: list[Any]) -> Condemns | None:
            return deployment.crashed(inputs)

        async def warm_up(worker: Worker) -> None:
            if not worker.hello.takes_batches:
                deployment.takes_single_rows()
            self.warmed = await self._warm_up(worker, deployment)

        dispatcher = Dispatcher(
            batcher,
            on_settled=self._on_settled,
            clock=self._clock,
            on_batch=called,
            on_crash=crashed,
            pure=settings.model.pure,
        )
        auto = serving.workers == "auto" and settings.model.adapter != "url"
        pool = Pool(
            folder=self._plan.folder,
            settings=settings,
            variant=variant,
            count=1 if auto else self._plan.workers,
            dispatcher=dispatcher,
            verify=functools.partial(self._verify, settings, release, files),
            warm_up=warm_up,
            on_loss=self._lost,
            on_recycled=self._recycled,
            launched=launched,
            clock=self._clock,
        )
        deployment = Deployment(
            release=release,
            variant=variant,
            settings=settings,
            files=files,
            examples=examples or Examples(self._plan.folder, settings, events=self._events),
            dispatcher=dispatcher,
            pool=pool,
            cores=self._plan.workers,
        )
        return deployment

    async def _verify(self, settings: Settings, release: str, files: frozenset[str]) -> None:
        """Hold what a worker has just loaded to the digest in its name."""
        found = await asyncio.to_thread(release_of, settings, self._plan.folder, only=files)
        if found != release:
            raise EnvironmentMismatchError(
                f"the files of {release} have changed since it was first loaded; they are {found} "
                "now.",
                hint="Order a reload to answer with them, or put the old ones back; a model that "
                "writes beside itself should write to hidden files.",
            )

    @functools.cached_property
    def _machine(self) -> str:
        return profiles.machine_digest(machine.describe())

    def recall(self, deployment: Deployment) -> BatchProfile | None:
        """Return what is known of the speed of a deployment on this machine."""
        found = profiles.recall(
            self._plan.folder,
            release=deployment.release,
            variant=deployment.variant,
            machine=self._machine,
        )
        return None if found is None else found.cost

    def keep(self, deployment: Deployment, cost: BatchProfile) -> None:
        """Remember what was learned of it, for the next server."""
        with contextlib.suppress(OSError):  # the next server learns it again
            profiles.keep(
                self._plan.folder,
                profiles.ReleaseProfile(
                    release=deployment.release,
                    variant=deployment.variant,
                    machine=self._machine,
                    cost=cost,
                    workers=len(deployment.pool.seats),
                ),
            )

    def _recycled(self, grown_bytes: int) -> None:
        self._events.say("worker-recycled", {"rss_mib": grown_bytes // MIB})

    def _lost(self, error: SeatrialError) -> None:
        self._metrics.loss(error.code)
        if not self.closing:
            self._events.say("worker-lost", {"code": error.code, "message": error.message})
