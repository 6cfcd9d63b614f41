"""Answers that come later: what a ``202`` promises, when to ask for it, and whether it held.

A server that cannot answer at once may hand out a ticket: status 202, where to ask
(``Location``, or an id for ``GET /tickets/{id}``) and in how many seconds (``eta_s``, or
``Retry-After``). The client asks there until it gets something else than 202.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final
from urllib.parse import quote

import msgspec

ACCEPTED: Final = 202
LOOKS = (0.49, 1.0, 1.24, 1.49)
"""When to ask, in times of the promise: what is there just before half of it came too early, what
is not there just before one and a half comes too late. More would be a load of its own."""

INTERVAL = 0.25
"""Between later looks, in times of the promise."""

INTERVAL_MIN_S = 0.05
ETA_UNKNOWN_S = 1.0
TOLERANCE = 0.5
"""Of the promised time; a ticket that came within it was right."""


class TicketOutcome(IntEnum):
    """What became of a ticket."""

    NONE = 0
    """There was no ticket."""
    DELIVERED = 1
    """A 2xx answer."""
    FAILED = 2
    """Another status: the ticket was not known, or its request failed."""
    LOST = 3
    """No answer within the wait, or the server could not be reached."""


@dataclass(frozen=True)
class Ticket:
    """What a 202 promised.

    Attributes:
        path: Where to ask.
        eta_s: In how many seconds it was to be ready; ``None``: not said.
    """

    path: str
    eta_s: float | None


@dataclass
class Fate:
    """What is known of one ticket; times in seconds from the start of the load."""

    ticket: Ticket
    opened_s: float
    give_up_s: float
    look_s: float
    asking: bool = False
    looks: int = 0
    done_s: float = math.nan
    status: int = 0
    outcome: TicketOutcome = TicketOutcome.NONE


def read_ticket(
    body: bytes, *, location: str | None = None, retry_after_s: float | None = None
) -> Ticket | None:
    """Return the ticket in a 202 answer; ``None`` where it names no place to ask at.

    >>> read_ticket(b'{"ticket": "a7", "eta_s": 12}')
    Ticket(path='/tickets/a7', eta_s=12.0)
    >>> read_ticket(b"", location="/tickets/b2", retry_after_s=3.0)
    Ticket(path='/tickets/b2', eta_s=3.0)
    >>> read_ticket(b'{"results": []}') is None
    True
    """
    try:
        document = msgspec.json.decode(body)
    except msgspec.MsgspecError:
        document = None
    outer: dict[str, Any] = document if isinstance(document, dict) else {}
    held = outer.get("ticket")
    inner = held if isinstance(held, dict) else {}
    name = inner.get("id") if inner else held
    if not location and isinstance(name, str) and name.startswith("/"):
        location = name
    eta_s = next((e for e in (inner.get("eta_s"), outer.get("eta_s")) if _seconds(e)), None)
    if location and location.startswith("/") and not location.startswith("//"):
        path = location
    elif isinstance(name, (str, int)) and str(name):
        path = f"/tickets/{quote(str(name), safe='')}"
    else:
        return None
    if any(mark.isspace() or not mark.isprintable() for mark in path):
        return None
    return Ticket(path, float(eta_s) if eta_s is not None else retry_after_s)


class TicketBook:
    """Which tickets are open and when to ask for each: no clock and no socket.

    Args:
        wait_max_s: Longest wait for one ticket.
    """

    def __init__(self, *, wait_max_s: float) -> None:
        self.fates: dict[int, Fate] = {}
        self._wait_max_s = wait_max_s
        self._open: set[int] = set()

    @property
    def finished(self) -> bool:
        """Say whether the fate of every ticket is known."""
        return not self._open

    def opened(self, request: int, now_s: float, ticket: Ticket) -> None:
        """A request was answered with a ticket."""
        eta_s = ETA_UNKNOWN_S if ticket.eta_s is None else ticket.eta_s
        first_s = now_s + max(LOOKS[0] * eta_s, INTERVAL_MIN_S)
        self.fates[request] = Fate(ticket, now_s, now_s + self._wait_max_s, first_s)
        self._open.add(request)

    def due(self, now_s: float) -> list[int]:
        """Return the tickets to ask for now; those waited for too long are lost."""
        asked = []
        for request in sorted(self._open):
            fate = self.fates[request]
            if now_s >= fate.give_up_s:
                self._close(request, now_s, TicketOutcome.LOST, 0)
            elif not fate.asking and now_s >= fate.look_s:
                fate.asking = True
                fate.looks += 1
                asked.append(request)
        return asked

    def told(self, request: int, now_s: float, status: int) -> None:
        """An answer for a ticket came; status 0: the server could not be asked."""
        fate = self.fates[request]
        if request not in self._open:
            return
        if status == ACCEPTED:
            fate.asking = False
            fate.look_s = max(_next_look_s(fate), now_s + INTERVAL_MIN_S)
            return
        good = 200 <= status < 300  # noqa: PLR2004  (HTTP)
        failed = TicketOutcome.FAILED if status else TicketOutcome.LOST
        self._close(request, now_s, TicketOutcome.DELIVERED if good else failed, status)

    def wake_s(self) -> float | None:
        """Return when to look again; ``None``: no ticket is open."""
        moments = [
            fate.give_up_s if fate.asking else min(fate.look_s, fate.give_up_s)
            for fate in (self.fates[request] for request in self._open)
        ]
        return min(moments, default=None)

    def _close(self, request: int, now_s: float, outcome: TicketOutcome, status: int) -> None:
        fate = self.fates[request]
        fate.done_s, fate.outcome, fate.status = now_s, outcome, status
        self._open.discard(request)


def kept_promise(eta_s: float, waited_s: float) -> bool:
    """Say whether a ticket came when it was promised, within half of that time.

    A promise shorter than one look apart can only be checked to that.

    >>> kept_promise(10.0, 14.9), kept_promise(10.0, 4.0), kept_promise(0.0, 0.04)
    (True, False, True)
    """
    return abs(waited_s - eta_s) <= max(TOLERANCE * eta_s, INTERVAL_MIN_S)


def _next_look_s(fate: Fate) -> float:
    eta_s = ETA_UNKNOWN_S if fate.ticket.eta_s is None else fate.ticket.eta_s
    later = LOOKS[-1] + INTERVAL * (fate.looks - len(LOOKS) + 1)
    return fate.opened_s + eta_s * (LOOKS[fate.looks] if fate.looks < len(LOOKS) else later)


def _seconds(value: object) -> bool:
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and math.isfinite(value)
        and value >= 0
    )
