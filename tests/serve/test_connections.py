from __future__ import annotations

import asyncio
import math

from seatrial.serve.connections import AT_ONCE, Connections, Limits

COUNT = 3 * AT_ONCE


class Slow:
    """A connection that is told once when it is overdue."""

    def __init__(self, all_of_them, due_s, *, resting=False):
        self.due_s = due_s
        self.resting = resting
        self.ended = 0
        self.all = all_of_them
        all_of_them.enter(self)

    def overdue(self):
        self.ended += 1
        self.due_s = math.inf
        self.resting = False
        self.all.leave(self)


def connections(*, most=100_000):
    return Connections(
        limits=Limits(), door_of=lambda *_: None, inference=None, body_max_bytes=1, most=most
    )


async def later(turns=COUNT):
    for _ in range(turns):
        await asyncio.sleep(0)


def test_hundreds_that_are_overdue_together_let_others_in_between():
    """Each is told why and recorded, which takes time."""

    async def run():
        among = connections()
        slow = [Slow(among, -1.0) for _ in range(COUNT)]
        quick = Slow(among, math.inf)
        among.sweep()
        assert sum(one.ended for one in slow) == AT_ONCE
        await later()
        assert {one.ended for one in slow} == {1}
        assert quick.ended == 0

    asyncio.run(run())


def test_a_connection_that_goes_on_meanwhile_is_left_alone():
    """Its request has come, or it has closed by itself."""

    async def run():
        among = connections()
        slow = [Slow(among, -1.0) for _ in range(COUNT)]
        among.sweep()
        waiting = [one for one in slow if not one.ended]
        waiting[0].due_s = math.inf
        among.leave(waiting[1])
        await later()
        assert [one.ended for one in waiting[:3]] == [0, 0, 1]

    asyncio.run(run())


def test_where_all_places_are_taken_those_that_rest_longest_make_room():
    """Until a tenth is free; one whose request has just begun stays."""

    async def run():
        among = connections(most=1000)
        now_s = asyncio.get_running_loop().time()
        resting = [Slow(among, now_s + 10 + number / 100, resting=True) for number in range(750)]
        assert among.full
        among.sweep()
        begun = resting[AT_ONCE]
        begun.resting = False
        await later()
        assert [one.ended for one in resting[:AT_ONCE]] == [1] * AT_ONCE
        assert begun.ended == 0
        assert sum(one.ended for one in resting) == 75 - 1
        assert [one.ended for one in resting[75:]] == [0] * 675

    asyncio.run(run())
