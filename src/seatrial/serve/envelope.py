"""The headers of every response, whatever its protocol: who answered, how fast, in which trace."""

from __future__ import annotations

import random

from seatrial.serve.call import Call
from seatrial.serve.identifiers import trace_parent
from seatrial.serve.journal import MS
from seatrial.serve.pending import Pending

Headers = list[tuple[bytes, bytes]]


class Envelope:
    """Writes the headers of responses.

    Args:
        chance: Names new traces; default seeded by the system.
    """

    def __init__(self, chance: random.Random | None = None) -> None:
        self._chance = chance or random.Random()  # noqa: S311  (names traces, guards nothing)

    def headers(self, call: Call, now_s: float) -> Headers:
        """Return the headers of the response to a call, sent now."""
        parent = call.request.headers.get(b"traceparent")
        headers = [
            (b"x-request-id", call.id.encode()),
            *_served_by(call),
            (b"traceparent", (parent and trace_parent(parent)) or self._new_trace()),
        ]
        if call.pending is not None:
            headers.append((b"server-timing", _timing(call, call.pending, now_s)))
        if call.degraded is not None:
            headers.append((b"x-degraded", call.degraded.encode()))
        return headers

    def _new_trace(self) -> bytes:
        bits = self._chance.getrandbits(192) | 1 << 64 | 1
        return b"00-%032x-%016x-00" % (bits >> 64, bits & 0xFFFFFFFFFFFFFFFF)


def _served_by(call: Call) -> Headers:
    """Return the release, and who answered where somebody did."""
    headers = call.deployment.headers
    if not call.results:
        return headers[:1]
    if call.caches and set(call.caches) == {"hit"}:
        return [headers[0], (b"x-served-by", b"cache")]
    return headers


def _timing(call: Call, pending: Pending, now_s: float) -> bytes:
    started_s = now_s if pending.started_s is None else pending.started_s
    ended_s = now_s if pending.ended_s is None else pending.ended_s
    return b"admit;dur=%.3f, queue;dur=%.3f, model;dur=%.3f, send;dur=%.3f" % (
        (pending.submitted_s - call.at_s) * MS,
        (started_s - pending.submitted_s) * MS,
        (ended_s - started_s) * MS,
        (now_s - ended_s) * MS,
    )
