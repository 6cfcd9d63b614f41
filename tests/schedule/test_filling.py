from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from seatrial.schedule.filling import Offer, RowPacking, neighbours, share
from seatrial.schedule.waiting import Waiting


class Padded(Struct, frozen=True):
    """At most so many rows, and so many cells after padding."""

    rows_max: int = 8
    padded_max: float = 300.0

    def cost(self, size):
        return size

    def expected_s(self, *, rows, size_max, size_sum):
        return 0.0

    def room(self, *, rows, size_max, candidate, waiting):
        cells = self.padded_max // max(size_max, candidate.size)
        return max(min(self.rows_max - rows, int(cells) - rows, candidate.rows), 0)


def waiting(*requests):
    made = []
    for number, (rows, sizes) in enumerate(requests):
        entry = Waiting(number, rows, sizes if isinstance(sizes, int) else 1, 9.0, 1.0)
        if not isinstance(sizes, int):
            entry.differ(sizes)
        made.append(entry)
    return made


def fill(packing, window, last=lambda entry: False):
    rows = sum(entry.left for entry in window)
    chosen = neighbours(packing, window, most=packing.rows_max, waiting=rows, last=last)
    return {(entry.request, size): count for entry, size, count in chosen}


requests = st.lists(
    st.integers(1, 20)
    .flatmap(
        lambda rows: st.tuples(
            st.just(rows),
            st.integers(1, 200)
            | st.lists(st.integers(1, 200), min_size=max(rows, 2), max_size=max(rows, 2)),
        )
    )
    .map(lambda made: (made[0] if isinstance(made[1], int) else len(made[1]), made[1])),
    min_size=1,
    max_size=64,
)


@given(requests, st.integers(1, 16), st.integers(1, 2_000))
def test_a_batch_keeps_its_limits_and_holds_the_oldest(made, rows_max, padded_max):
    window = waiting(*made)
    packing = Padded(rows_max, padded_max)
    chosen = neighbours(
        packing, window, most=rows_max, waiting=sum(e.left for e in window), last=lambda e: False
    )
    rows = sum(count for _, _, count in chosen)
    assert chosen[0][0] is window[0]
    assert 1 <= rows <= rows_max
    assert rows == 1 or rows * max(size for _, size, _ in chosen) <= padded_max
    for entry, size, count in chosen:
        offered = dict(entry.offers(size, entry.left))
        assert 1 <= count <= offered[size]


@given(requests, st.integers(1, 64))
def test_by_count_alone_nothing_is_left_out_while_there_is_room(made, rows_max):
    window = waiting(*made)[:rows_max]
    chosen = share(window, rows_max)
    rows = sum(count for _, _, count in chosen)
    assert rows == min(rows_max, sum(entry.left for entry in window))
    assert all(1 <= count <= entry.left for entry, _, count in chosen)
    assert len(chosen) == len(window)


def test_the_nearest_in_size_join_the_oldest():
    window = waiting((1, 40), (1, 200), (1, 41), (1, 8), (1, 39), (1, 44))
    assert fill(Padded(4, 1e9), window) == {(0, 40): 1, (2, 41): 1, (4, 39): 1, (5, 44): 1}


def test_a_row_too_large_for_the_budget_runs_alone():
    window = waiting((1, 400), (1, 10), (1, 10))
    assert fill(Padded(8, 300), window) == {(0, 400): 1}


def test_a_smaller_neighbour_joins_where_a_larger_has_no_room():
    window = waiting((1, 100), (1, 101), (1, 60))
    assert fill(Padded(8, 200), window) == {(0, 100): 1, (2, 60): 1}


def test_single_rows_share_the_batch_of_a_large_request():
    window = waiting((1000, 10), *[(1, 10)] * 5)
    filled = fill(Padded(8, 1e9), window)
    assert filled == {(0, 10): 3, **{(n, 10): 1 for n in range(1, 6)}}
    assert [c for _, _, c in share(waiting((1000, 10), *[(1, 10)] * 5), 8)] == [3, 1, 1, 1, 1, 1]


def test_rows_of_one_request_are_grouped_by_size_too():
    window = waiting((6, [200, 10, 199, 12, 198, 11]))
    assert fill(Padded(3, 1e9), window) == {(0, 200): 1, (0, 199): 1, (0, 198): 1}


def test_who_owes_most_joins_only_where_others_leave_room():
    window = waiting((1, 40), (1, 40), (1, 44), (1, 47))
    assert fill(Padded(2, 1e9), window, last=lambda entry: entry.request == 1) == {
        (0, 40): 1,
        (2, 44): 1,
    }


def test_packing_by_rows_knows_no_size():
    packing = RowPacking(4)
    assert packing.cost(1) == packing.cost(1e6)
    assert packing.room(rows=1, size_max=1.0, candidate=Offer(9, math.inf), waiting=9) == 3
