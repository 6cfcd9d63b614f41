from __future__ import annotations

import io

import msgspec

from seatrial.core.clock import SystemClock
from seatrial.serve.events import BURST, Events


class Clock(SystemClock):
    seconds = 10.0

    def now_s(self):
        return self.seconds


def test_a_flood_of_one_kind_is_cut_and_counted():
    """Other kinds are heard; the next second says how many were left out."""
    stream, clock = io.StringIO(), Clock()
    events = Events(stream, clock=clock)
    for number in range(BURST + 30):
        events.say("failed", {"number": number})
    events.say("draining")
    clock.seconds += 1
    events.say("failed")
    said = [msgspec.json.decode(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in said] == ["failed"] * BURST + ["draining", "failed"]
    assert said[-1]["left_out"] == 30
    assert said[0]["number"] == 0


def test_a_closed_stream_stops_nobody():
    """Nobody listens; the server goes on."""
    stream = io.StringIO()
    stream.close()
    Events(stream).say("draining")
