from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seatrial.schedule.waiting import Waiting, ranges


@given(sizes=st.lists(st.integers(1, 50), min_size=2, max_size=40), near=st.integers(0, 60))
def test_the_rows_offered_are_those_nearest_in_size(sizes, near):
    entry = Waiting(1, len(sizes), 1, 9.0, 1.0)
    entry.differ(sizes)
    offered = [size for size, count in entry.offers(near, 5) for _ in range(count)]
    nearest = sorted(abs(size - near) for size in sizes)[:5]
    assert sorted(abs(size - near) for size in offered) == nearest


@given(
    sizes=st.lists(st.integers(1, 9), min_size=2, max_size=40),
    picks=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 4))),
)
def test_every_row_is_taken_once_and_has_the_size_it_was_taken_for(sizes, picks):
    entry = Waiting(1, len(sizes), 1, 9.0, 1.0)
    entry.differ(sizes)
    taken = []
    for near, most in picks:
        for size, count in list(entry.offers(near, most)) if entry.left else []:
            rows = [row for start, stop in entry.take(size, count) for row in range(start, stop)]
            assert all(sizes[row] == size for row in rows)
            assert len(rows) == count
            taken += rows
    assert len(taken) == len(set(taken)) == len(sizes) - entry.left
    if entry.left:
        assert entry.size == max(size for row, size in enumerate(sizes) if row not in taken)


@given(st.sets(st.integers(0, 60), min_size=1))
def test_ranges_hold_exactly_the_rows(rows):
    assert [row for start, stop in ranges(list(rows)) for row in range(start, stop)] == sorted(rows)
