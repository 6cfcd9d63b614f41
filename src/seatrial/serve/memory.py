"""Calls answered from memory, or together with an identical one that is under way.

Stands between a call and its deployment. A row whose answer is remembered is not run; a row that
is being run for somebody else waits for that; only the rest goes to the model. When the caller of
a running row goes, the row goes on for those who joined it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from seatrial.core.clock import SYSTEM, Clock
from seatrial.core.errors import SeatrialError
from seatrial.models.answers import Answer
from seatrial.serve.cache import AnswerCache, Flights, is_shared, wish_of
from seatrial.serve.call import Call
from seatrial.serve.deployment import Deployment
from seatrial.serve.entry import Entry
from seatrial.serve.pending import Pending

Asker = tuple[Call, int]
"""A row of a call."""


class Led(Struct, gc=False):
    """Rows that one call has run, for itself and for whoever joins them.

    Attributes:
        call: Whose rows they are.
        keys: What each is remembered by.
        places: Where each stands in the call.
        keep: Whether the answers may be kept.
    """

    call: Call
    keys: list[bytes]
    places: list[int]
    keep: bool


class Memory:
    """Remembers answers of one server, over all its releases.

    Args:
        cache: What is remembered.
        entry: Lets rows in that have to be run.
        on_settled: Told of calls that are answered or have failed.
        clock: Where time comes from.
    """

    def __init__(
        self,
        cache: AnswerCache,
        *,
        entry: Entry,
        on_settled: Callable[[Sequence[Pending]], None],
        clock: Clock = SYSTEM,
    ) -> None:
        self.cache = cache
        self.flights: Flights[Asker] = Flights()
        self._entry = entry
        self._on_settled = on_settled
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._running: dict[Call, Pending] = {}
        self._alarms: dict[Call, asyncio.TimerHandle] = {}

    def submit(
        self, call: Call, deployment: Deployment, *, now_s: float, deadline_s: float
    ) -> None:
        """Take a call in: answer what is remembered, join what is under way, run the rest."""
        wish = wish_of(call.request.headers.get(b"cache-control"))
        outer = call.pending = Pending(0, call.rows, owner=call, now_s=now_s, deadline_s=deadline_s)
        caches = call.caches = ["miss"] * len(call.rows)
        keys, places = [], []
        for place, value in enumerate(call.rows):
            key = deployment.key_of(value)
            if wish.read:
                answer = self.cache.get(key, now_s=now_s)
                if answer is not None:
                    caches[place] = "hit"
                    outer.answers[place] = answer
                    outer.left -= 1
                    continue
                if not self.flights.join(key, (call, place)):
                    caches[place] = "joined"
                    continue
            keys.append(key)
            places.append(place)
        if outer.left == 0:
            outer.started_s = outer.ended_s = now_s
            self._on_settled([outer])
            return
        if "joined" in caches:
            delay_s = max(deadline_s - self._clock.now_s(), 0.0)
            self._alarms[call] = self._loop.call_later(delay_s, self._expire, call)
        if keys:
            self._run(Led(call, keys, places, wish.write), now_s=now_s)

    def landed(self, inner: Pending) -> None:
        """Rows that were run for a call, and for all who joined it, are settled."""
        led: Led = inner.owner
        if self._running.get(led.call) is inner:
            del self._running[led.call]
        finished: list[Pending] = []
        if inner.error is None:
            now_s = self._clock.now_s()
            for key, place, answer in zip(led.keys, led.places, inner.answers, strict=True):
                assert answer is not None  # noqa: S101  (settled without an error)
                if led.keep:
                    self.cache.put(key, answer, now_s=now_s)
                own = led.call.degraded is not None
                askers = ([] if own else self.flights.land(key)) or [(led.call, place)]
                for asker in askers:
                    self._fill(asker, answer, inner, now_s, finished)
        else:
            self._fail(led, inner.error, finished)
        self._settle(finished)

    def abandon(self, call: Call, error: SeatrialError) -> None:
        """End a call early; what runs for it goes on where others wait for it."""
        outer = call.pending
        if outer is None or outer.settled():
            return
        outer.error = error
        heirs = self._leave(call)
        inner = self._running.pop(call, None)
        if inner is not None and not heirs:
            call.deployment.dispatcher.fail(inner, error)
        self._settle([outer])

    def _run(self, led: Led, *, now_s: float) -> None:
        call = led.call
        assert call.pending is not None  # noqa: S101  (made by submit)
        rows = [call.rows[place] for place in led.places]
        deadline_s = call.pending.deadline_s
        try:
            inner = self._entry.run(call, rows, owner=led, now_s=now_s, deadline_s=deadline_s)
        except SeatrialError as error:
            refused: list[Pending] = []
            self._fail(led, error, refused)
            self._settle(refused)
            return
        if not inner.settled():
            self._running[call] = inner
        if call.degraded is not None:
            self._part(led, inner)

    def _part(self, led: Led, inner: Pending) -> None:
        """What is answered on a lower rung is for its own caller alone."""
        led.keep = led.keep and led.call.degraded != "variant"
        alarm = self._alarms.pop(led.call, None)
        if alarm is not None and inner.deferred:
            alarm.cancel()
        heirs = self.flights.leave(
            (key, (led.call, place)) for key, place in zip(led.keys, led.places, strict=True)
        )
        for key, (call, place) in heirs:
            self._run(Led(call, [key], [place], keep=True), now_s=self._clock.now_s())

    def _fill(
        self,
        asker: Asker,
        answer: Answer,
        inner: Pending,
        now_s: float,
        finished: list[Pending],
    ) -> None:
        call, place = asker
        outer = call.pending
        if outer is None or outer.settled() or outer.answers[place] is not None:
            return
        outer.answers[place] = answer
        outer.left -= 1
        if outer.started_s is None:
            outer.started_s = max(inner.started_s or now_s, outer.submitted_s)
        outer.batch_size = max(outer.batch_size or 0, inner.batch_size or 0)
        if outer.left == 0:
            outer.ended_s = now_s
            finished.append(outer)

    def _fail(self, led: Led, error: SeatrialError, finished: list[Pending]) -> None:
        """Give the error to those it is about; what others wait for is run for one of them."""
        row = error.details.get("row")
        guilty = led.keys if row is None else [led.keys[row]]
        askers: list[Asker] = [(led.call, led.places[0])]
        if is_shared(error):
            askers += [asker for key in guilty for asker in self.flights.land(key)]
        for call, place in askers:
            if call.pending is not None and not call.pending.settled():
                call.pending.error = _of(error, call, place)
                finished.append(call.pending)
        heirs: dict[Call, list[tuple[bytes, int]]] = {}
        for call, _ in askers:
            for key, heir in self._leave(call):
                heirs.setdefault(heir[0], []).append((key, heir[1]))
        for call, rows in heirs.items():
            keys, places = [key for key, _ in rows], [place for _, place in rows]
            self._run(Led(call, keys, places, keep=True), now_s=self._clock.now_s())

    def _leave(self, call: Call) -> list[tuple[bytes, Asker]]:
        keys = [call.deployment.key_of(value) for value in call.rows]
        return self.flights.leave((key, (call, place)) for place, key in enumerate(keys))

    def _expire(self, call: Call) -> None:
        if call.pending is not None:
            self.abandon(call, call.pending.late("the identical request was still running"))

    def _settle(self, finished: Iterable[Pending]) -> None:
        settled = list(finished)
        for outer in settled:
            alarm = self._alarms.pop(outer.owner, None)
            if alarm is not None:
                alarm.cancel()
        if settled:
            self._on_settled(settled)


def _of(error: SeatrialError, call: Call, place: int) -> SeatrialError:
    """Return the error as it is said to one asker: with the place of its own row."""
    if "row" not in error.details:
        return error
    details = {**error.details, "row": place}
    if len(call.rows) > 1:
        details["pointer"] = f"/inputs/{place}"
    own = type(error)(error.message, hint=error.hint, details=details)
    own.__cause__ = error
    return own
