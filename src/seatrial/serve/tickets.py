"""Answers that are fetched later: what a caller holds who was told that it might take a while."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from seatrial.serve.doors.door import Response
from seatrial.serve.messages import encode

TICKETS_MAX = 10_000
"""Tickets held at one time, answered ones included."""

BYTES_MAX = 64 * 2**20
"""Memory for answers that wait to be fetched."""

WAIT_MAX_S = 600.0
"""Longest that a ticket is worked for: whoever holds it longer has gone."""

ETA_MIN_S = 0.1
"""Least that is told: what is due is not there yet."""

KEPT_S = 600.0
"""How long an answer waits to be fetched."""


class TicketAnswer(Struct, frozen=True):
    """What the holder of a ticket is told while there is no answer."""

    id: str
    status: str
    ticket: str
    eta_s: float
    message: str


class Ticket:
    """One promised answer; takes the place of the connection that the caller need not hold.

    Attributes:
        id: That of the request.
        key_id: Whose key was shown; only that one fetches the answer.
        due_s: When the answer is expected, as it was told last.
        outlook: Says at a time in how many seconds it is expected; ``None``: not known.
        response: The answer, once it is there.
        headers: Those that every response has.
    """

    __slots__ = ("_store", "due_s", "ends_s", "headers", "id", "key_id", "outlook", "response")

    def __init__(
        self, store: Tickets, identifier: str, *, key_id: str | None, due_s: float, ends_s: float
    ) -> None:
        self._store = store
        self.id = identifier
        self.key_id = key_id
        self.due_s = due_s
        self.outlook: Callable[[float], float] | None = None
        self.ends_s = ends_s
        self.response: Response | None = None
        self.headers: list[tuple[bytes, bytes]] = []

    def send(self, response: Response, common: list[tuple[bytes, bytes]]) -> None:
        """Keep the answer; see :class:`seatrial.serve.call.Reply`."""
        self.response = response
        self.outlook = None
        self.headers = common
        self._store.answered(self)

    def told(self, now_s: float) -> tuple[Response, list[tuple[bytes, bytes]]]:
        """Return what its holder is told now, and the headers of every response."""
        if self.response is not None:
            return self.response, self.headers
        if self.outlook is not None and (newly_s := self.outlook(now_s)) < math.inf:
            self.due_s = now_s + newly_s
        eta_s = max(round(self.due_s - now_s, 1), ETA_MIN_S)
        whole_s = math.ceil(eta_s)
        place = f"/tickets/{self.id}"
        body = TicketAnswer(self.id, "waiting", place, eta_s, f"this might take {whole_s} s")
        headers: list[tuple[bytes, bytes]] = [
            (b"content-type", b"application/json"),
            (b"location", place.encode()),
            (b"retry-after", b"%d" % whole_s),
        ]
        return Response(202, headers, encode(body)), []


class Tickets:
    """The tickets of one server, bounded in number and in memory.

    Args:
        count_max: Most tickets held.
        bytes_max: Most memory of answers that wait; no further ticket is given beyond it.

    >>> store = Tickets()
    >>> ticket = store.open("7", key_id=None, now_s=0.0, eta_s=3.2)
    >>> ticket.told(0.0)[0].status, store.find("7", key_id=None, now_s=1.0) is ticket
    (202, True)
    >>> store.find("7", key_id="other", now_s=1.0), store.find("7", key_id=None, now_s=2000.0)
    (None, None)
    """

    def __init__(self, *, count_max: int = TICKETS_MAX, bytes_max: int = BYTES_MAX) -> None:
        self._count_max = count_max
        self._bytes_max = bytes_max
        self._held: OrderedDict[str, Ticket] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._held)

    def full(self, now_s: float) -> bool:
        """Say whether there is no room for another."""
        self._forget(now_s)
        return len(self._held) >= self._count_max or self._bytes >= self._bytes_max

    def open(self, identifier: str, *, key_id: str | None, now_s: float, eta_s: float) -> Ticket:
        """Promise an answer."""
        ends_s = now_s + WAIT_MAX_S + KEPT_S
        ticket = Ticket(self, identifier, key_id=key_id, due_s=now_s + eta_s, ends_s=ends_s)
        self._held[identifier] = ticket
        return ticket

    def find(self, identifier: str, *, key_id: str | None, now_s: float) -> Ticket | None:
        """Return the ticket of an id, where whoever asks may have it."""
        self._forget(now_s)
        ticket = self._held.get(identifier)
        return ticket if ticket is not None and ticket.key_id == key_id else None

    def answered(self, ticket: Ticket) -> None:
        """Count the memory of an answer that waits."""
        self._bytes += _size(ticket)

    def _forget(self, now_s: float) -> None:
        while self._held:
            ticket = next(iter(self._held.values()))
            if ticket.ends_s > now_s:
                return
            del self._held[ticket.id]
            self._bytes -= _size(ticket)


def _size(ticket: Any) -> int:
    return len(ticket.response.body) if ticket.response is not None else 0
