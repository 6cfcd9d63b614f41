import asyncio

import pytest

from seatrial.measure.load.alarm import LoopAlarm, TimerfdAlarm, set_up_alarm


@pytest.mark.parametrize("make", [LoopAlarm, TimerfdAlarm, set_up_alarm])
def test_an_alarm_calls_back_once_not_before_its_time_and_can_be_moved(make):
    async def ring():
        loop = asyncio.get_running_loop()
        rung = loop.create_future()
        calls = []

        def callback():
            calls.append(loop.time())
            if not rung.done():
                rung.set_result(None)

        alarm = make(loop, callback)
        began = loop.time()
        alarm.arm(60.0)
        alarm.arm(0.02)
        await rung
        alarm.close()
        return [moment - began for moment in calls]

    (after_s,) = asyncio.run(ring())
    assert after_s >= 0.019


def test_an_alarm_for_the_past_rings_at_once():
    async def ring():
        loop = asyncio.get_running_loop()
        rung = loop.create_future()
        alarm = set_up_alarm(loop, lambda: rung.set_result("rung"))
        alarm.arm(-1.0)
        found = await rung
        alarm.close()
        return found

    assert asyncio.run(ring()) == "rung"
