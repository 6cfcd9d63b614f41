from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seatrial.schedule.quarantine import FORGET_S, KILLS_IN_COMPANY, SUSPECTS_MAX, Quarantine


def test_an_input_that_kills_again_when_alone_is_quarantined_and_its_company_is_not():
    quarantine = Quarantine()
    quarantine.killed(0.0, [b"poison", b"a", b"b"])
    assert not quarantine.holds(0.0, b"poison")
    quarantine.killed(1.0, [b"poison"])
    for mate in (b"a", b"b"):
        quarantine.answered(mate)
    assert quarantine.holds(1.0, b"poison")
    assert quarantine.quarantined(1.0) == len(quarantine) == 1


def test_company_alone_takes_one_death_more():
    quarantine = Quarantine()
    for at_s in range(KILLS_IN_COMPANY):
        assert not quarantine.holds(at_s, b"poison")
        quarantine.killed(at_s, [b"poison", b"mate %d" % at_s])
    assert quarantine.holds(9.0, b"poison")


def test_an_input_twice_in_a_batch_counts_once_and_was_alone():
    quarantine = Quarantine()
    quarantine.killed(0.0, [b"poison", b"poison"])
    assert not quarantine.holds(0.0, b"poison")
    quarantine.killed(1.0, [b"poison", b"a"])
    assert quarantine.holds(1.0, b"poison")


def test_it_is_forgotten_in_time():
    quarantine = Quarantine()
    quarantine.killed(0.0, [b"poison"])
    quarantine.killed(1.0, [b"poison"])
    assert quarantine.holds(FORGET_S, b"poison")
    assert not quarantine.holds(FORGET_S + 1.0, b"poison")
    assert not quarantine


@given(st.lists(st.lists(st.binary(min_size=1, max_size=2), min_size=1), max_size=30))
def test_only_what_was_with_a_death_twice_is_held(deaths):
    quarantine = Quarantine()
    counts = {}
    for at_s, batch in enumerate(deaths):
        quarantine.killed(at_s, batch)
        for digest in set(batch):
            counts[digest] = counts.get(digest, 0) + 1
    for digest, count in counts.items():
        if quarantine.holds(99.0, digest):
            assert count >= 2
        if count >= KILLS_IN_COMPANY:
            assert quarantine.holds(99.0, digest)


def test_its_memory_is_bounded():
    quarantine = Quarantine()
    for at in range(0, SUSPECTS_MAX + 500, 100):
        quarantine.killed(1.0, [b"%d" % (at + n) for n in range(100)])
    assert len(quarantine) == SUSPECTS_MAX
