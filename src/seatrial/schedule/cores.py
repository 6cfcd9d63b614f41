"""Processes that share the cores of one machine, on paper: who is done when."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

Handler = Callable[[Any], None]


class Actor:
    """A process with one thread: it does its jobs in order.

    Args:
        memory_bound: Whether it slows down while others of its kind compute.

    Attributes:
        used_s: CPU seconds it has had.
    """

    __slots__ = ("argument", "handler", "left_s", "memory_bound", "queue", "used_s", "wakes_at_s")

    def __init__(self, *, memory_bound: bool = False) -> None:
        self.memory_bound = memory_bound
        self.used_s = 0.0
        self.queue: deque[tuple[float, Handler, Any]] = deque()
        self.handler: Handler | None = None
        self.argument: Any = None
        self.left_s = 0.0
        self.wakes_at_s = 0.0


class Cores:
    """Lets actors compute; while more compute than there are cores, all get equal shares.

    Args:
        count: Cores; may be infinite.
        crowding: Speed of a memory-bound actor while ``k`` of them compute, at place ``k - 1``;
            the last counts for more.
        wake_s: Time from a job given to an idle actor until it computes; it takes no core.

    Attributes:
        now_s: The time.

    >>> cores, done = Cores(1.0), []
    >>> for name in ("a", "b"):
    ...     cores.give(Actor(), 1.0, lambda name: done.append((name, cores.now_s)), name)
    >>> while cores.next_s() < math.inf:
    ...     cores.advance(cores.next_s())
    >>> done
    [('a', 2.0), ('b', 2.0)]
    """

    def __init__(
        self, count: float, *, crowding: Sequence[float] = (1.0,), wake_s: float = 0.0
    ) -> None:
        self.now_s = 0.0
        self._count = count
        self._crowding = tuple(crowding)
        self._wake_s = wake_s
        self._active: list[Actor] = []
        self._speed = self._bound_speed = 1.0
        self._first: Actor | None = None
        self._next_s = math.inf
        self._stale = False

    def give(
        self,
        actor: Actor,
        seconds: float,
        handler: Handler,
        argument: Any,
        *,
        after_s: float | None = None,
    ) -> None:
        """Give a job; ``handler(argument)`` is called when it is done.

        Args:
            actor: Who does it, after the jobs it has.
            seconds: CPU it takes.
            handler: Called at the end.
            argument: Passed on.
            after_s: Time before it begins where the actor is idle; default: ``wake_s``.
        """
        if actor.handler is not None:
            actor.queue.append((seconds, handler, argument))
            return
        delay_s = self._wake_s if after_s is None else after_s
        if seconds <= 0.0 and delay_s <= 0.0:
            handler(argument)
            return
        actor.handler, actor.argument, actor.left_s = handler, argument, seconds
        actor.wakes_at_s = self.now_s + delay_s
        self._active.append(actor)
        self._stale = True

    def drop(self, actor: Actor) -> None:
        """Take every job from an actor; nobody is told."""
        actor.queue.clear()
        if actor.handler is not None:
            actor.handler = None
            self._active.remove(actor)
            self._stale = True

    def next_s(self) -> float:
        """Return when the next actor wakes or is done; infinity if none computes."""
        if self._stale:
            self._look_ahead()
        return self._next_s

    def advance(self, until_s: float) -> None:
        """Let time pass, no further than :meth:`next_s`; whoever is done then is told."""
        if self._stale:
            self._look_ahead()
        now_s = self.now_s
        passed_s = until_s - now_s
        if passed_s > 0.0:
            for actor in self._active:
                if actor.wakes_at_s <= now_s:
                    speed = self._bound_speed if actor.memory_bound else self._speed
                    actor.left_s -= passed_s * speed
                    actor.used_s += passed_s * speed
            self.now_s = until_s
        first = self._first
        if first is not None and until_s >= self._next_s:
            self._stale = True
            if first.wakes_at_s <= now_s:
                self._complete(first)

    def _look_ahead(self) -> None:
        now_s = self.now_s
        computing = bound = 0
        for actor in self._active:
            if actor.wakes_at_s <= now_s:
                computing += 1
                bound += actor.memory_bound
        self._speed = self._count / computing if computing > self._count else 1.0
        crowded = self._crowding[min(bound, len(self._crowding)) - 1] if bound else 1.0
        self._bound_speed = self._speed * crowded
        self._first, self._next_s = None, math.inf
        for actor in self._active:
            at_s = actor.wakes_at_s
            if at_s <= now_s:
                speed = self._bound_speed if actor.memory_bound else self._speed
                at_s = now_s + actor.left_s / speed
            if at_s < self._next_s:
                self._first, self._next_s = actor, at_s
        self._stale = False

    def _complete(self, actor: Actor) -> None:
        handler, argument = actor.handler, actor.argument
        if actor.queue:
            actor.left_s, actor.handler, actor.argument = actor.queue.popleft()
        else:
            actor.handler = None
            self._active.remove(actor)
        if handler is not None:
            handler(argument)
