import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.schedule.batcher import Offer
from seatrial.schedule.packing import CostPacking, packing, workers_for
from seatrial.schedule.profile import BatchProfile, Bend

OVERHEAD_BOUND = BatchProfile(call_s=4e-4, row_s=2e-5, typical_size=100.0)
MODEL_BOUND = BatchProfile(
    call_s=4e-4, row_s=2e-4, padded_s=1.5e-4, padded_bends=(Bend(250.0, 6e-5),), typical_size=40.0
)


profiles = st.builds(
    BatchProfile,
    call_s=st.floats(1e-6, 1e-2),
    row_s=st.floats(0.0, 1e-2),
    cell_s=st.floats(0.0, 1e-4),
    padded_s=st.floats(0.0, 1e-4),
    square_s=st.floats(0.0, 1e-6),
    row_bends=st.lists(st.builds(Bend, st.floats(1, 64), st.floats(0, 1e-2)), max_size=2).map(
        tuple
    ),
    padded_bends=st.lists(st.builds(Bend, st.floats(1, 5000), st.floats(0, 1e-4)), max_size=2).map(
        tuple
    ),
    typical_size=st.floats(1, 200),
)
rows_given, sizes_given = st.integers(1, 63), st.integers(1, 300)


@given(
    profile=profiles,
    rows=rows_given,
    size_max=sizes_given,
    size=sizes_given,
    waiting=st.integers(0, 1000),
)
def test_a_row_never_joins_where_the_model_says_that_it_loses(
    profile, rows, size_max, size, waiting
):
    if not CostPacking(profile).joins(rows, size_max, size, waiting=waiting):
        return
    joint = profile.seconds(rows + 1, max(size_max, size), size_max + size)
    apart = profile.seconds(rows, size_max, size_max) + profile.alone(size)
    assert joint <= apart * (1 + 1e-9)


@given(
    profile=profiles,
    rows=rows_given,
    size_max=sizes_given,
    size=sizes_given,
    left=st.integers(1, 9),
)
def test_the_room_is_never_beyond_the_limit(profile, rows, size_max, size, left):
    chosen = CostPacking(profile, rows_max=64)
    taken = chosen.room(rows=rows, size_max=size_max, candidate=Offer(left, size), waiting=20)
    assert 0 <= taken <= min(left, 64 - rows)


@given(profile=profiles, rows=rows_given, size_max=sizes_given, size=sizes_given)
def test_a_caller_alone_in_a_batch_is_not_kept_for_company_that_saves_less_than_it_waits(
    profile, rows, size_max, size
):
    if CostPacking(profile).joins(rows, size_max, size, waiting=0):
        growth = profile.seconds(rows + 1, max(size_max, size), size) - profile.seconds(
            rows, size_max, 0
        )
        assert rows * growth <= profile.alone(size) - growth + 1e-12


@given(profile=profiles, size=sizes_given)
def test_no_batch_of_like_rows_is_cheaper_than_the_best(profile, size):
    chosen = CostPacking(profile, rows_max=32)
    best = chosen.best_rows(size)
    assert 1 <= best <= 32
    per_row = profile.seconds(best, size, best * size) / best
    # Sizes are told apart in eighths of a doubling.
    assert per_row <= profile.alone(size) * 1.15


def test_where_entering_the_model_costs_most_a_batch_takes_all():
    chosen = packing(OVERHEAD_BOUND, rows_max=64)
    assert chosen.budget == math.inf
    assert chosen.room(rows=63, size_max=100, candidate=Offer(1, 100), waiting=64) == 1
    assert chosen.room(rows=64, size_max=100, candidate=Offer(1, 100), waiting=64) == 0


def test_where_cells_cost_most_a_batch_ends_at_the_bend():
    chosen = packing(MODEL_BOUND, rows_max=64)
    assert 150 <= chosen.budget <= 300
    assert chosen.room(rows=2, size_max=40, candidate=Offer(1, 40), waiting=60) == 1
    assert chosen.room(rows=8, size_max=40, candidate=Offer(1, 40), waiting=60) == 0
    assert chosen.room(rows=2, size_max=40, candidate=Offer(1, 200), waiting=60) == 0


def test_few_join_while_few_wait():
    chosen = packing(MODEL_BOUND)
    assert not chosen.joins(1, 40, 40, waiting=0)
    assert chosen.joins(1, 40, 40, waiting=60)


@pytest.mark.parametrize("rows", [1, 5, 40, 200])
def test_a_request_of_many_rows_is_cut_to_its_cheapest_batch(rows):
    chosen = packing(MODEL_BOUND)
    taken = chosen.room(rows=0, size_max=0, candidate=Offer(rows, 40), waiting=rows)
    assert taken == min(rows, chosen.best_rows(40))


@given(profile=profiles, cores=st.integers(1, 64), front=st.floats(1e-5, 1e-2))
def test_workers_are_between_one_and_the_cores(profile, cores, front):
    assert 1 <= workers_for(profile, cores=cores, front_s=front) <= cores


def test_a_model_cheaper_than_the_front_needs_one_worker():
    assert workers_for(OVERHEAD_BOUND, cores=2, front_s=1e-4) == 1
    assert workers_for(OVERHEAD_BOUND, cores=64, front_s=1e-4) == 1


def test_a_dear_model_needs_every_core():
    assert workers_for(MODEL_BOUND, cores=2, front_s=1e-4) == 2
    assert workers_for(MODEL_BOUND, cores=16, front_s=1e-4) == 16
