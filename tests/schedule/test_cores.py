import math

import pytest

from seatrial.schedule.cores import Actor, Cores


def drive(cores):
    while (at_s := cores.next_s()) < math.inf:
        cores.advance(at_s)


def ended(cores, jobs, **options):
    """Times at which jobs of ``(actor, seconds)`` end, in the order in which they were given."""
    times = {}
    for number, (actor, seconds) in enumerate(jobs):
        cores.give(actor, seconds, lambda at: times.setdefault(at, cores.now_s), number, **options)
    drive(cores)
    return [pytest.approx(times[number]) for number in range(len(jobs))]


def test_an_actor_does_its_jobs_one_after_the_other():
    actor = Actor()
    assert ended(Cores(2.0), [(actor, 1.0), (actor, 2.0)]) == [1.0, 3.0]
    assert actor.used_s == pytest.approx(3.0)


def test_actors_with_a_core_each_do_not_meet():
    assert ended(Cores(2.0), [(Actor(), 1.0), (Actor(), 2.0)]) == [1.0, 2.0]


def test_more_actors_than_cores_share_them_equally():
    # Three at 2/3 until the short one is done at 1.5; then two with a core each.
    jobs = [(Actor(), 1.0), (Actor(), 2.0), (Actor(), 2.0)]
    assert ended(Cores(2.0), jobs) == [1.5, 2.5, 2.5]


def test_memory_bound_actors_slow_each_other_down_and_nobody_else():
    jobs = [(Actor(memory_bound=True), 1.0), (Actor(memory_bound=True), 1.0), (Actor(), 1.0)]
    assert ended(Cores(math.inf, crowding=(1.0, 0.5)), jobs) == [2.0, 2.0, 1.0]


def test_waking_takes_time_but_no_core():
    idle, busy = Actor(), Actor()
    cores = Cores(1.0, wake_s=0.5)
    assert ended(cores, [(idle, 1.0)]) == [1.5]
    assert idle.used_s == pytest.approx(1.0)
    assert ended(cores, [(busy, 1.0), (busy, 1.0)]) == [3.0, 4.0]


def test_a_dropped_actor_is_done_with_nothing():
    cores, actor, told = Cores(1.0), Actor(), []
    cores.give(actor, 1.0, told.append, "first")
    cores.give(actor, 1.0, told.append, "second")
    cores.drop(actor)
    drive(cores)
    assert told == []


def test_work_is_conserved_whatever_shares_the_cores():
    actors = [Actor() for _ in range(5)]
    cores = Cores(2.0)
    ended(cores, [(actor, 0.25 * number) for number, actor in enumerate(actors)])
    assert sum(actor.used_s for actor in actors) == pytest.approx(2.5)
    # Both cores are full until the longest job is alone: its last quarter has one core idle.
    assert cores.now_s == pytest.approx((2.5 + 0.25) / 2.0)
