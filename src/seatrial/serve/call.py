"""One inference request on its way through the server, whatever protocol it came by."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from seatrial.records.record import Cache, Degraded, Origin
from seatrial.serve.doors.door import Door, Reading, Request, Response

if TYPE_CHECKING:
    from seatrial.serve.deployment import Deployment
    from seatrial.serve.keys import Caller
    from seatrial.serve.messages import Result
    from seatrial.serve.pending import Pending


class Reply(Protocol):
    """Where the response of a call goes: a connection that waits for it, or a ticket."""

    def send(self, response: Response, common: list[tuple[bytes, bytes]]) -> None:
        """Take the response and the headers that every response has."""
        ...


class Call:
    """What is known of one request so far.

    Attributes:
        door: The wire format it came in.
        request: As it came; its body is empty until it is whole.
        reply: Where the response goes.
        at: Wall time of arrival.
        at_s: The same on the server's monotonic clock.
        id: Ours, given once the rows are counted; empty until then.
        reading: What it asks; ``None`` where it could not be read.
        rows: Its rows, as far as they are known.
        deployment: What answers it; fixed when it is admitted, whatever is swapped meanwhile.
        pending: Its rows at the model.
        results: Its answers.
        peer: Address of the other side.
        origin: Who caused it, where that is not whoever the server is for.
        caller: Whose key was shown, where its limits count this call.
        key_id: Which key that is.
        caches: What the memory did for each row; ``None`` where there is none.
        degraded: The rung of the ladder it was served on.
        closed: Whether it has been answered, refused or given up.
    """

    __slots__ = (
        "at",
        "at_s",
        "caches",
        "caller",
        "closed",
        "degraded",
        "deployment",
        "door",
        "id",
        "key_id",
        "origin",
        "peer",
        "pending",
        "reading",
        "reply",
        "request",
        "results",
        "rows",
    )

    def __init__(
        self,
        door: Door,
        request: Request,
        reply: Reply,
        *,
        at: datetime,
        at_s: float,
        deployment: Deployment,
        peer: str = "",
        origin: Origin | None = None,
    ) -> None:
        self.door = door
        self.request = request
        self.reply = reply
        self.at = at
        self.at_s = at_s
        self.deployment = deployment
        self.peer = peer
        self.origin = origin
        self.id = ""
        self.caller: Caller | None = None
        self.reading: Reading | None = None
        self.rows: list[Any] = []
        self.pending: Pending | None = None
        self.results: list[Result] = []
        self.key_id: str | None = None
        self.caches: list[Cache] | None = None
        self.degraded: Degraded | None = None
        self.closed = False
