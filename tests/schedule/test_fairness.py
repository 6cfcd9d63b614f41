from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.schedule.admission import Admission
from seatrial.schedule.batcher import Batcher, RowPacking
from seatrial.schedule.fairness import DEBT_ROUNDS, Turns
from seatrial.schedule.waiting import Waiting


def serve(turns, rows=1):
    """Serve the head so many rows; return whose it was."""
    head = turns.window(1)[0]
    key, count = head.flow.key, min(rows, head.left)
    turns.start(head, count)
    head.take(head.size, count)
    turns.finish(head, turn=True)
    return key


def test_one_key_is_served_in_the_order_of_arrival():
    turns = Turns()
    for number in range(9):
        turns.add("", Waiting(number, 1, 1, 9.0, 1.0))
    assert [entry.request for entry in turns.window(5)] == [0, 1, 2, 3, 4]


def test_keys_share_by_cost_not_by_requests():
    """A key with rows ten times as dear gets a tenth of the rows."""
    turns = Turns()
    number = 0
    served = Counter()
    for _ in range(4_000):
        for key, cost in (("dear", 10.0), ("cheap", 1.0)):
            flow = turns.flow(key)
            while flow is None or len(flow.entries) < 5:
                number += 1
                turns.add(key, Waiting(number, 1, 1, 9.0, cost))
                flow = turns.flow(key)
        served[serve(turns)] += 1
    assert served["cheap"] / served["dear"] == pytest.approx(10, rel=0.1)


@given(
    others=st.lists(st.integers(1, 30), min_size=1, max_size=5),
    ahead=st.integers(0, 3),
    seed=st.integers(0, 999),
)
def test_no_key_starves_however_many_rows_others_bring(others, ahead, seed):
    """The bound of the docstring, with rows of equal cost and turns of up to eight rows."""
    random_ = random.Random(seed)
    turns = Turns()
    number = 0

    def add(key, rows):
        nonlocal number
        number += 1
        turns.add(key, Waiting(number, rows, 1, 9.0, 1.0))

    for at, rows in enumerate(others):
        add(f"other {at}", rows)
    for _ in range(ahead + 1):
        add("own", 1)
    last = number
    turns_of_others = 0
    while any(entry.request == last for entry in turns):
        for at in range(len(others)):
            if turns.flow(f"other {at}") is None or random_.random() < 0.5:
                add(f"other {at}", random_.randint(1, 30))
        turns_of_others += serve(turns, rows=8) != "own"
    assert turns_of_others <= len(others) * (ahead + 1) * (DEBT_ROUNDS + 1)


def test_rounds_in_which_nobody_has_credit_cost_little():
    """Deep debts are paid in as many rounds as it takes, and the window is full all the same."""
    turns = Turns()
    for number, key in enumerate("ab" * 40):
        turns.add(key, Waiting(number, 1_000, 1, 9.0, 1.0))
    for _ in range(20):
        serve(turns, rows=64)
    assert len(turns.window(64)) == 64


def test_the_window_interleaves_keys():
    turns = Turns()
    for number, key in enumerate("aaaaaaaabc"):
        turns.add(key, Waiting(number, 1, 1, 9.0, 1.0))
    assert {entry.flow.key for entry in turns.window(3)} == {"a", "b", "c"}
    assert len(turns.window(64)) == 10


def test_the_key_with_most_rows_makes_room():
    turns = Turns()
    for number in range(8):
        turns.add("greedy", Waiting(number, 1, 1, 9.0, 1.0))
    assert [entry.request for entry in turns.surplus("new", 2, 2)] == [7, 6]
    assert turns.surplus("greedy", 1, 1) == []
    assert turns.surplus("new", 7, 7) == [], "nobody is driven below the share of the other"


@settings(deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(1, 5), st.floats(0.1, 9)) | st.none(),
        max_size=60,
    )
)
def test_sums_agree_with_what_waits(steps):
    turns = Turns()
    for number, step in enumerate(steps):
        if step is not None:
            key, rows, cost = step
            turns.add(key, Waiting(number, rows, 1, 9.0, cost))
        elif turns:
            serve(turns, rows=2)
        assert turns.rows == sum(entry.left for entry in turns)
        assert turns.cost == pytest.approx(sum(entry.left * entry.cost for entry in turns))


@pytest.mark.parametrize("admits", [False, True])
@pytest.mark.parametrize("rows_max", [1, 16])
def test_one_greedy_caller_leaves_nine_others_their_share(world, poisson, admits, rows_max):
    """Ten callers, one at twenty times its share: the others get at least nine tenths of theirs."""
    random_ = random.Random(11)
    call_s, row_s = 0.002, 0.006
    capacity = 2 * rows_max / (call_s + row_s * rows_max)
    share, until_s = capacity / 10, 2_500 / capacity
    asked = poisson(random_, 20 * share, until_s, key="greedy")
    for caller in range(9):
        asked += poisson(random_, share, until_s, key=f"caller {caller}")
    batcher = Batcher(RowPacking(rows_max), queue_rows=200, grace_s=1.0)
    admission = Admission(batcher, timeout_s=1.0) if admits else None
    sea = world(batcher, 2, lambda now_s, sizes: call_s + row_s * len(sizes), admission)
    sea.run(asked)
    for caller in range(9):
        fates = [f.outcome for f in sea.outcomes(key=f"caller {caller}")]
        assert fates.count("answered") >= 0.9 * min(len(fates), share * until_s)
