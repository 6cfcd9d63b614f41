import numpy as np
import pytest

from seatrial.schedule.learning import FIT_EVERY_MAX, Learner, Undisturbed
from seatrial.schedule.packing import packing
from seatrial.schedule.profile import BatchProfile, Bend

COST = BatchProfile(
    call_s=4e-4, row_s=2e-4, padded_s=1.5e-4, padded_bends=(Bend(250.0, 6e-5),), typical_size=40.0
)


def live(learner, cost, *, batches, rng, rows_max=8, slower=1.0):
    """Batches of random rows and log-normal sizes, one in twenty stretched by other work."""
    for _ in range(batches):
        rows = int(rng.integers(1, rows_max + 1))
        sizes = np.clip(rng.lognormal(np.log(40), 0.6, rows), 8, 256).round()
        seconds = cost.seconds(rows, sizes.max(), sizes.sum()) * slower
        stretched = 4.0 if rng.random() < 0.05 else 1.0
        noise = float(np.exp(rng.normal(0, 0.03)))
        learner.add(rows, float(sizes.max()), float(sizes.sum()), seconds * noise * stretched)


def test_some_hundred_batches_lead_to_the_packing_of_the_true_cost():
    learner = Learner()
    live(learner, COST, batches=400, rng=np.random.default_rng(1))
    learned, true = packing(learner.fit()), packing(COST)
    for size in (20, 40, 80, 160):
        assert learned.best_row_s(size) == pytest.approx(true.best_row_s(size), rel=0.06)
        chosen = learned.best_rows(size)
        assert COST.seconds(chosen, size, chosen * size) / chosen < true.best_row_s(size) * 1.06


def test_a_machine_that_turned_slower_is_noticed():
    learner, rng = Learner(), np.random.default_rng(2)
    live(learner, COST, batches=500, rng=rng)
    live(learner, COST, batches=2_000, rng=rng, slower=1.8)
    assert learner.fit().alone(40) == pytest.approx(1.8 * COST.alone(40), rel=0.1)


def test_single_rows_do_not_unlearn_what_the_warm_up_saw_of_company():
    learner, rng = Learner(), np.random.default_rng(3)
    live(learner, COST, batches=200, rng=rng)
    live(learner, COST, batches=5_000, rng=rng, rows_max=1)
    assert learner.fit().seconds(4, 40, 160) == pytest.approx(COST.seconds(4, 40, 160), rel=0.1)


def test_memory_is_bounded():
    learner, rng = Learner(), np.random.default_rng(4)
    live(learner, COST, batches=3_000, rng=rng, rows_max=64)
    assert len(learner._cells) < 200


def test_fits_become_rare_but_never_end():
    learner, fits = Learner(), []
    for number in range(20_000):
        learner.add(1 + number % 4, 10.0, 10.0, 1e-3)
        if learner.due:
            fits.append(number)
            learner.fit()
    gaps = np.diff(fits)
    assert fits[0] < 20
    assert (gaps[1:] >= gaps[:-1]).all()
    assert gaps.max() == FIT_EVERY_MAX


def test_a_batch_without_a_time_teaches_nothing():
    learner = Learner()
    learner.add(1, 1.0, 1.0, 0.0)
    with pytest.raises(ValueError, match="at least one"):
        learner.fit()


def test_what_was_believed_before_is_packed_by_at_once_and_fades():
    """A machine that has become a good deal slower since the profile was measured."""
    prior = BatchProfile(
        call_s=2e-4, row_s=1e-4, padded_s=8e-5, typical_size=40.0, rows_seen=8, size_seen=256.0
    )
    learner = Learner(prior)
    assert learner.fit().seconds(4, 40, 160) == pytest.approx(prior.seconds(4, 40, 160), rel=0.05)
    live(learner, COST, batches=1_500, rng=np.random.default_rng(5))
    assert learner.fit().seconds(4, 60, 200) == pytest.approx(COST.seconds(4, 60, 200), rel=0.15)


def test_other_processes_turns_do_not_count_for_a_model_that_computes():
    rng, undisturbed = np.random.default_rng(0), Undisturbed()
    told = [undisturbed.seconds(1.0 * factor, 0.98) for factor in [1.0, *rng.uniform(1, 9, 500)]]
    assert told == pytest.approx([0.98] * 501)


def test_the_clock_counts_for_a_model_that_waits():
    undisturbed = Undisturbed()
    assert [undisturbed.seconds(1.0 + step, 0.3) for step in range(50)] == list(range(1, 51))


def test_more_threads_than_one_are_timed_by_the_clock():
    assert Undisturbed().seconds(1.0, 3.5) == 1.0


def test_from_outside_there_is_only_the_clock():
    assert Undisturbed().seconds(1.0, None) == 1.0


def test_a_model_that_begins_to_wait_is_noticed():
    undisturbed = Undisturbed()
    undisturbed.seconds(1.0, 0.95)
    assert [undisturbed.seconds(1.0, 0.2) for _ in range(4_000)][-1] == 1.0
