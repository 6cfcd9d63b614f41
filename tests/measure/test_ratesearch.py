from hypothesis import given
from hypothesis import strategies as st

from seatrial.measure.ratesearch import PRECISION, RateSearch


def run(search, holds, *, certain=True):
    tried = []
    while (rate := search.next_rate()) is not None:
        tried.append(rate)
        search.tell(rate, held=holds(rate), certain=certain)
    return tried


@given(st.floats(1.0, 1e5), st.floats(0.3, 8.0))
def test_the_break_is_narrowed_down_to_the_stated_precision(capacity, ratio):
    search = RateSearch(capacity)
    run(search, lambda rate: rate <= ratio * capacity)
    assert search.highest_held <= ratio * capacity < search.lowest_broken
    assert search.lowest_broken / search.highest_held <= PRECISION


def test_it_climbs_beyond_its_estimate():
    search = RateSearch(100.0)
    tried = run(search, lambda rate: rate < 300)
    assert max(tried) > 300
    assert 270 < search.highest_held < 300


def test_it_gives_up_where_nothing_breaks():
    search = RateSearch(100.0)
    tried = run(search, lambda rate: True)
    assert len(tried) < 12
    assert search.highest_held == max(tried)
    assert search.lowest_broken is None


def test_it_gives_up_where_nothing_holds():
    search = RateSearch(100.0)
    tried = run(search, lambda rate: False)
    assert tried == [25.0, 6.25, 1.5625]
    assert search.highest_held is None


def test_one_hiccup_does_not_end_the_search():
    search = RateSearch(100.0)
    hiccups = iter([25.0, 75.0])
    expected = next(hiccups)
    seen = set()
    while (rate := search.next_rate()) is not None:
        held = rate <= 90
        if rate == expected and rate not in seen:
            held, expected = False, next(hiccups, None)
        seen.add(rate)
        search.tell(rate, held=held)
    assert 80 < search.highest_held <= 90


def test_a_doubt_that_there_is_no_time_for_counts_as_broken():
    search = RateSearch(100.0)
    search.tell(search.next_rate(), held=True)
    search.tell(search.next_rate(), held=False)
    assert search.lowest_broken is None
    search.give_up()
    assert (search.highest_held, search.lowest_broken) == (25.0, 50.0)


def test_what_was_measured_longest_has_the_last_word():
    search = RateSearch(100.0)
    run(search, lambda rate: rate < 90)
    search.tell(40.0, held=False, certain=True)
    assert search.lowest_broken == 40.0
    assert search.highest_held is None
