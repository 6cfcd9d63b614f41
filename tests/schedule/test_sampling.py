from hypothesis import given
from hypothesis import strategies as st

from seatrial.schedule.profile import BatchProfile, Observed, fit
from seatrial.schedule.sampling import Sampling, doublings, plan

SIZES = [5 + at**2 // 4 for at in range(40)]


@given(sizes=st.lists(st.integers(1, 500), min_size=1, max_size=40), rows_max=st.integers(1, 64))
def test_a_plan_reaches_every_batch_size_and_only_given_rows(sizes, rows_max):
    batches = plan(sizes, rows_max)
    assert {len(batch) for batch in batches} == set(doublings(rows_max))
    assert all(0 <= at < len(sizes) for batch in batches for at in batch)
    assert len(batches[0]) == 1


def test_a_plan_tells_padding_from_content():
    batches = plan(list(range(1, 101)), 8)
    spread = [max(batch) - min(batch) for batch in batches if len(batch) == 8]
    assert min(spread) < 15
    assert max(spread) > 70


def test_a_plan_of_nothing_is_empty():
    assert plan([], 8) == []


def sampled(cost, *, rows_max=64, seconds=1.0, sizes=SIZES):
    """Batches that were timed under a known cost until the time was used up."""
    sampling, left_s, seen = Sampling(sizes, rows_max), seconds, []
    while (batch := sampling.next(left_s)) is not None:
        chosen = [sizes[at] for at in batch]
        took_s = cost.seconds(len(chosen), max(chosen), sum(chosen))
        sampling.ran(batch, took_s)
        left_s -= took_s
        seen.append(Observed(len(chosen), max(chosen), sum(chosen), took_s))
    return seen


def test_a_quick_model_is_asked_for_every_size_of_batch():
    seen = sampled(BatchProfile(call_s=6e-4, row_s=2e-5))
    assert {one.rows for one in seen} == set(doublings(64))


@given(
    call=st.floats(1e-5, 1e-1),
    row=st.floats(0, 1e-1),
    padded=st.floats(1e-8, 1e-3),
    seconds=st.floats(0.1, 5.0),
)
def test_the_time_is_never_overrun_but_by_the_first_batch(call, row, padded, seconds):
    cost = BatchProfile(call_s=call, row_s=row, padded_s=padded)
    seen = sampled(cost, seconds=seconds)
    assert seen
    assert sum(one.seconds for one in seen) <= max(seconds, seen[0].seconds)


def test_rows_are_not_doubled_where_that_saves_nothing():
    seen = sampled(BatchProfile(padded_s=5e-5), seconds=10.0, sizes=[8] * 10)
    assert max(one.rows for one in seen) <= 2


def test_a_model_that_costs_by_the_cell_is_learned_in_half_a_second():
    cost = BatchProfile(call_s=2.8e-3, padded_s=2e-4, square_s=2e-7)
    sizes = [8, 12, 15, 20, 25, 30, 35, 40, 45, 50, 60, 80, 110, 160]
    profile = fit(sampled(cost, seconds=0.5, sizes=sizes))
    for rows, size in [(1, 40), (4, 40), (1, 100), (8, 15)]:
        true = cost.seconds(rows, size, rows * size)
        assert abs(profile.seconds(rows, size, rows * size) / true - 1.0) < 0.05


def test_without_rows_there_is_nothing_to_time():
    assert Sampling([], 8).next(1.0) is None
