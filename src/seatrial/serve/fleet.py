"""Everything that answers: the deployment of now, the one that follows it, and the memory before.

A swap starts and warms the new release first, lets new calls go there, and ends the old one when
what it had admitted is answered. A release whose files have changed since it was loaded is never
loaded again under its old name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from seatrial.core import settings as settings_table
from seatrial.core.clock import SYSTEM, Clock
from seatrial.core.errors import SeatrialError, SettingsError
from seatrial.core.settings import Settings
from seatrial.models.identity import determining_files, release_of
from seatrial.serve.background import Background
from seatrial.serve.cache import URL_TTL_S, AnswerCache
from seatrial.serve.call import Call
from seatrial.serve.deployment import Deployment, Router
from seatrial.serve.deployments import Deployments, WarmUp
from seatrial.serve.entry import Entry
from seatrial.serve.events import Events
from seatrial.serve.memory import Led, Memory
from seatrial.serve.metrics import Metrics
from seatrial.serve.pending import Pending
from seatrial.serve.plan import Plan

MIB = 2**20

LISTEN_S = 0.002
"""While callers arrive without a pause, workers that are done are heard so often: the loop hears a
thousand callers first, and workers would wait for their next rows meanwhile."""


class Fleet:
    """All that answers on one server.

    Args:
        plan: What the server shall be.
        on_settled: Told of calls that are answered or have failed.
        warm_up: Run on every worker before it gets calls.
        on_started: Run on every deployment before it gets calls.
        metrics: Counts.
        events: Told of losses and swaps.
        entry: Lets rows in.
        clock: Where time comes from.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        on_settled: Callable[[Sequence[Pending]], None],
        warm_up: WarmUp,
        on_started: Callable[[Deployment], Awaitable[None]],
        metrics: Metrics,
        events: Events,
        entry: Entry,
        clock: Clock = SYSTEM,
    ) -> None:
        self._plan = plan
        self._on_settled = on_settled
        self._on_started = on_started
        self._events = events
        self._clock = clock
        self._swapping = asyncio.Lock()
        self._leaving: set[Deployment] = set()
        self._listened_s = 0.0
        self._background = Background()
        self._deployments = Deployments(
            plan,
            on_settled=self._settled,
            warm_up=warm_up,
            metrics=metrics,
            events=events,
            clock=clock,
        )
        self.entry = entry
        self.memory = self._memory(plan.settings)
        self.swap_problem = ""
        first = self._deployments.make(
            plan.settings,
            plan.release,
            plan.settings.serving.variant,
            files=plan.files,
            launched=plan.launched,
        )
        self.router = Router(first)

    @property
    def current(self) -> Deployment:
        """What answers new calls."""
        return self.router.current

    @property
    def warmed(self) -> str:
        """How the last worker was warmed, in words."""
        return self._deployments.warmed

    @property
    def inflight(self) -> int:
        """Requests that wait or run, those of a release on its way out included."""
        return sum(at.dispatcher.inflight for at in self._all())

    def submit(self, call: Call, *, now_s: float, deadline_s: float) -> None:
        """Have a call answered; it comes back settled."""
        deployment = call.deployment = self.router.current
        if now_s - self._listened_s > LISTEN_S:
            self._listened_s = now_s
            for at in self._all():
                at.dispatcher.listen()
        if self.memory is not None and self._remembers(call):
            self.memory.submit(call, deployment, now_s=now_s, deadline_s=deadline_s)
        else:
            call.pending = self.entry.run(
                call, call.rows, owner=call, now_s=now_s, deadline_s=deadline_s
            )

    def abandon(self, call: Call, error: SeatrialError) -> None:
        """End a call before it is answered."""
        if self.memory is not None and call.caches is not None:
            self.memory.abandon(call, error)
        elif call.pending is not None:
            call.deployment.dispatcher.fail(call.pending, error)

    def _remembers(self, call: Call) -> bool:
        routes = self._plan.settings.serving.cache_routes
        return not routes or call.door.route in routes

    async def start(self) -> None:
        """Start what answers first, with as many workers as its speed asks for.

        Raises:
            SeatrialError: No worker could be started; the first one's reason.
        """
        await self._start(self.current)
        self._background.start(self._start_cheaper())

    async def reload(self) -> None:
        """Answer with what the folder holds now; where that cannot be loaded, nothing changes."""
        async with self._swapping:
            try:
                following = await self._following()
            except SeatrialError as error:
                self.swap_problem = error.message
                self._events.say("reload-failed", {"code": error.code, "message": error.message})
                return
            self.swap_problem = ""
            if following is None:
                self._events.say("reload-unchanged", {"release": self.current.release})
                return
            before = self.router.swap(following)
            self._events.say("swapped", {"from": before.release, "to": following.release})
            self._background.start(self._start_cheaper())
        await self._let_go(before)

    def fail_all(self, error: SeatrialError) -> None:
        """End every call that waits or runs."""
        for deployment in self._all():
            deployment.dispatcher.fail_all(error)

    def _all(self) -> list[Deployment]:
        cheaper = [] if self.entry.cheaper is None else [self.entry.cheaper]
        return [self.current, *cheaper, *self._leaving]

    async def close(self) -> None:
        """End all workers."""
        self._deployments.closing = True
        await self._background.close()
        await asyncio.gather(*(at.close() for at in self._all()))

    async def _following(self) -> Deployment | None:
        folder = self._plan.folder
        settings = settings_table.load(folder, flags=self._plan.flags)
        self._check(settings)
        files = frozenset(await asyncio.to_thread(determining_files, settings, folder))
        release = await asyncio.to_thread(release_of, settings, folder, only=files)
        variant = settings.serving.variant
        if (release, variant) == (self.current.release, self.current.variant):
            return None
        following = self._deployments.make(settings, release, variant, files=files)
        try:
            await self._start(following)
        except BaseException:
            await following.close()
            raise
        return following

    def _check(self, settings: Settings) -> None:
        """Refuse what this server was not made for.

        Raises:
            SettingsError: The model has another name, or takes another kind of input.
        """
        was, now = self._plan.settings.model, settings.model
        for what in ("name", "input"):
            if getattr(was, what) != getattr(now, what):
                raise SettingsError(
                    f"model.{what} is {getattr(now, what)!r} now; this server answers for "
                    f"{getattr(was, what)!r}.",
                    hint="End it and start another one: what callers send would no longer fit.",
                )

    async def adjust(self) -> None:
        """Give what answers now as many workers as its speed asks for by what it learned."""
        deployment = self.current
        if deployment.settings.serving.workers == "auto":
            await deployment.pool.grow(deployment.workers_wanted())

    async def _start_cheaper(self) -> None:
        """Have the cheaper variant of what answers now stand by; nothing waits for it."""
        before, self.entry.cheaper = self.entry.cheaper, None
        if before is not None:
            await self._let_go(before)
        settings, release = self.current.settings, self.current.release
        name = settings.serving.cheaper_variant
        if not name or "variant" not in settings.serving.degrade:
            return
        cheaper = self._deployments.make(
            settings, release, name, files=self.current.files, examples=self.current.examples
        )
        self._leaving.add(cheaper)
        try:
            await self._start(cheaper)
        except SeatrialError as error:
            self._events.say("no-variant", {"variant": name, "message": error.message})
            await self._let_go(cheaper)
            return
        if release == self.current.release:
            self.entry.cheaper = cheaper
            self._leaving.discard(cheaper)
        else:
            await self._let_go(cheaper)

    async def _let_go(self, deployment: Deployment) -> None:
        self._leaving.add(deployment)
        try:
            await deployment.drained()
        finally:
            await deployment.close()
            self._leaving.discard(deployment)

    async def _start(self, deployment: Deployment) -> None:
        """Start its workers: as many as its speed asks for, if that is for the server to choose."""
        chosen = deployment.settings.serving.workers != "auto"
        starting = asyncio.ensure_future(deployment.pool.start())
        try:
            known = await asyncio.to_thread(self._deployments.recall, deployment)
            if known is not None:
                deployment.adopt(known)
                if not chosen:
                    await deployment.pool.grow(deployment.workers_wanted())
        finally:
            await starting
        if known is None and not chosen:
            await deployment.pool.grow(deployment.workers_wanted())
        if known is None and deployment.profile is not None:
            await asyncio.to_thread(self._deployments.keep, deployment, deployment.profile)
        await self._on_started(deployment)

    def _memory(self, settings: Settings) -> Memory | None:
        size_bytes = int(settings.serving.cache_mib * MIB)
        if not size_bytes:
            return None
        ttl_s = settings.serving.cache_ttl_s
        if ttl_s is None and settings.model.adapter == "url":
            ttl_s = URL_TTL_S
        cache = AnswerCache(size_bytes, ttl_s=ttl_s)
        return Memory(cache, entry=self.entry, on_settled=self._on_settled, clock=self._clock)

    def _settled(self, settled: Sequence[Pending]) -> None:
        if self.memory is None:
            self._on_settled(settled)
            return
        own = [pending for pending in settled if type(pending.owner) is not Led]
        for pending in settled:
            if type(pending.owner) is Led:
                self.memory.landed(pending)
        if own:
            self._on_settled(own)
