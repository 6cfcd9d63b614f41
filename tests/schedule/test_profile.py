import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import nnls

from seatrial.schedule.leastsquares import non_negative
from seatrial.schedule.profile import BatchProfile, Bend, Observed, fit
from seatrial.schedule.sampling import plan

ROWS = (1, 2, 4, 8, 16)
SIZES = (8, 20, 40, 90, 200)


def observed(cost, *, noise=0.0, stretched=0.0, seed=0, repeats=3):
    """Batches of mixed sizes timed under a known cost; a share takes five times as long."""
    rng = np.random.default_rng(seed)
    seen = []
    for rows in ROWS * repeats:
        for largest in SIZES:
            sizes = rng.integers(largest // 2, largest + 1, rows)
            size_max, size_sum = int(sizes.max()), int(sizes.sum())
            factor = np.exp(rng.normal(0.0, noise)) * (5.0 if rng.random() < stretched else 1.0)
            seconds = cost.seconds(rows, size_max, size_sum) * factor
            seen.append(Observed(rows, size_max, size_sum, float(seconds)))
    return seen


def off(profile, cost):
    """Largest relative error of a profile over like batches."""
    pairs = [(profile.seconds(n, m, n * m), cost.seconds(n, m, n * m)) for n in ROWS for m in SIZES]
    return max(abs(found / true - 1.0) for found, true in pairs)


parts = st.floats(0.0, 1.0)


@given(
    call=st.floats(0.01, 1.0),
    row=parts,
    cell=parts,
    padded=parts,
    square=parts,
    seed=st.integers(0),
)
def test_a_fit_recovers_the_planted_cost(  # noqa: PLR0917
    call, row, cell, padded, square, seed
):
    cost = BatchProfile(
        call_s=call * 1e-2,
        row_s=row * 1e-3,
        cell_s=cell * 1e-4,
        padded_s=padded * 1e-4,
        square_s=square * 1e-6,
    )
    profile = fit(observed(cost, seed=seed))
    assert off(profile, cost) < 0.02
    assert profile.error < 0.01


def test_each_planted_part_is_found_as_itself():
    cost = BatchProfile(call_s=2e-3, row_s=3e-4, cell_s=4e-5, padded_s=5e-5, square_s=6e-7)
    profile = fit(observed(cost))
    for name in ("call_s", "row_s", "cell_s", "padded_s", "square_s"):
        assert getattr(profile, name) == pytest.approx(getattr(cost, name), rel=0.05), name


def test_a_bend_is_found_where_it_is():
    cost = BatchProfile(call_s=1e-3, padded_s=1e-4, padded_bends=(Bend(300.0, 8e-5),))
    profile = fit(observed(cost))
    assert off(profile, cost) < 0.1
    steep = max(profile.padded_bends, key=lambda bend: bend.slope_s)
    assert 150 < steep.beyond < 600


def test_rows_beyond_a_cliff_are_dear():
    cost = BatchProfile(call_s=1e-3, row_s=1e-4, row_bends=(Bend(4.0, 2e-3),))
    profile = fit(observed(cost))
    assert profile.seconds(16, 20, 320) > 4 * profile.seconds(4, 20, 80)


@given(seed=st.integers(0, 2**32))
def test_batches_stretched_by_other_work_do_not_move_a_fit(seed):
    cost = BatchProfile(call_s=5e-4, row_s=2e-4, padded_s=1e-4, square_s=1e-7)
    profile = fit(observed(cost, noise=0.02, stretched=0.08, seed=seed, repeats=5))
    assert off(profile, cost) < 0.1


def test_noise_is_what_the_fit_leaves():
    cost = BatchProfile(call_s=1e-3, row_s=1e-3)
    noise = fit(observed(cost, noise=0.1, repeats=40)).noise
    assert list(noise) == sorted(noise)
    assert np.median(noise) == pytest.approx(1.0, abs=0.03)
    assert noise[-4] == pytest.approx(np.exp(0.1 * 1.6), rel=0.05)


def test_costs_are_never_negative_and_never_fall():
    rng = np.random.default_rng(3)
    profile = fit(
        [Observed(n, m, n * m, float(rng.random())) for n in ROWS for m in SIZES for _ in range(2)]
    )
    for size in SIZES:
        seconds = [profile.seconds(n, size, n * size) for n in range(1, 33)]
        assert all(earlier <= later for earlier, later in itertools.pairwise(seconds))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_batches_are_a_profile_all_the_same(count):
    profile = fit([Observed(n + 1, 10, 10 * (n + 1), 1e-3 * (n + 1)) for n in range(count)])
    assert profile.seconds(1, 10, 10) == pytest.approx(1e-3, rel=0.01)


def test_nothing_timed_is_no_profile():
    with pytest.raises(ValueError, match="at least one"):
        fit([Observed(1, 1, 1, 0.0)])


@given(seed=st.integers(0, 2**32), rows=st.integers(1, 30), columns=st.integers(1, 8))
def test_least_squares_are_those_of_scipy(seed, rows, columns):
    rng = np.random.default_rng(seed)
    table, target = rng.normal(size=(rows, columns)), rng.normal(size=rows)
    ours = non_negative(table, target)
    theirs, residual = nnls(table, target)
    assert (ours >= 0.0).all()
    assert np.linalg.norm(table @ ours - target) <= residual * (1 + 1e-6) + 1e-9
    if rows >= columns:
        np.testing.assert_allclose(ours, theirs, atol=1e-5, rtol=1e-4)


@given(
    st.builds(
        BatchProfile,
        call_s=st.floats(1e-5, 1e-2),
        row_s=st.floats(0, 1e-3),
        padded_s=st.floats(1e-7, 1e-4),
    )
)
def test_what_a_plan_asks_for_is_enough_for_a_fit(cost):
    sizes = [5 + at**2 // 4 for at in range(40)]
    seen = []
    for batch in plan(sizes, 16):
        chosen = [sizes[at] for at in batch]
        seconds = cost.seconds(len(chosen), max(chosen), sum(chosen))
        seen.append(Observed(len(chosen), max(chosen), sum(chosen), seconds))
    assert off(fit(seen), cost) < 0.05
