from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seatrial.records.buffer import Buffer


def test_the_oldest_waits_at_the_front() -> None:
    waiting = Buffer(100)
    waiting.push([b"a"])
    waiting.push([b"b", b"c"])
    assert waiting.pop() == [b"a"]
    waiting.put_back([b"a"])
    assert [waiting.pop(), waiting.pop(), waiting.pop()] == [[b"a"], [b"b", b"c"], []]


@given(st.lists(st.lists(st.binary(min_size=1, max_size=9), min_size=1, max_size=4), max_size=30))
def test_every_line_is_held_or_counted_and_memory_is_bounded(appends: list[list[bytes]]) -> None:
    waiting = Buffer(20)
    for encoded in appends:
        waiting.push(encoded)
    count, dropped = waiting.count, waiting.dropped
    held = []
    while encoded := waiting.pop():
        held += encoded
    assert len(held) == count
    assert count + dropped == sum(map(len, appends))
    assert sum(map(len, held)) <= 20
    assert held == [line for encoded in appends for line in encoded][dropped:]
