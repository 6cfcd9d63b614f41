from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from seatrial.schedule.admission import ADMITTED, Refused
from seatrial.schedule.ladder import (
    CALM,
    ETA_MAX_S,
    HOLD_S,
    SERVE,
    SERVE_VARIANT,
    Defer,
    Ladder,
    Refuse,
    State,
)

FULL = Refused("wait", 2.0, 5.0)


def full():
    return FULL


def free():
    return ADMITTED


def test_the_model_answers_while_it_has_room():
    ladder = Ladder(["variant", "queue", "reject"], now_s=0.0)
    assert ladder.step(1.0, free, variant=full, eta=lambda: 1.0) is SERVE
    assert ladder.state(1.0) == State("ok", 0.0)


def test_the_rungs_are_taken_in_the_order_configured():
    order = Ladder(["variant", "queue", "reject"], now_s=0.0)
    assert order.step(1.0, full, variant=free, eta=lambda: 9.0) is SERVE_VARIANT
    other = Ladder(["queue", "variant"], now_s=0.0)
    assert other.step(1.0, full, variant=free, eta=lambda: 9.0) == Defer(9.0)
    assert other.step(1.0, full, variant=free) is SERVE_VARIANT
    assert other.step(1.0, full, variant=full) == Refuse("wait", 2.0, 5.0)


def test_reject_in_the_middle_ends_the_ladder():
    ladder = Ladder(["reject", "variant"], now_s=0.0)
    assert isinstance(ladder.step(1.0, full, variant=free), Refuse)


def test_a_ticket_is_not_given_for_longer_than_is_honest():
    ladder = Ladder(["queue"], now_s=0.0)
    assert ladder.step(1.0, full, eta=lambda: ETA_MAX_S) == Defer(ETA_MAX_S)
    assert isinstance(ladder.step(1.0, full, eta=lambda: ETA_MAX_S + 1), Refuse)


def test_the_variant_answers_everybody_until_it_has_been_calm():
    ladder = Ladder(["variant"], now_s=0.0)
    ladder.step(10.0, full, variant=free)
    assert ladder.step(11.0, free, variant=free, pressure=lambda: CALM) is SERVE_VARIANT
    assert ladder.step(10.9 + HOLD_S, free, variant=free, pressure=lambda: 0.0) is SERVE_VARIANT
    assert ladder.step(11.1 + HOLD_S, free, variant=free, pressure=lambda: 0.0) is SERVE
    assert not ladder.relieved


def test_a_caller_that_wants_no_variant_gets_the_model():
    ladder = Ladder(["variant"], now_s=0.0)
    ladder.step(10.0, full, variant=free)
    assert ladder.step(10.1, free) is SERVE


def test_the_public_state_names_the_lowest_rung_in_use_and_since_when():
    ladder = Ladder(["variant", "queue", "reject"], now_s=0.0)
    ladder.step(10.0, full, variant=free)
    assert ladder.state(10.5) == State("degraded: variant", 10.0)
    ladder.step(11.0, full, variant=full, eta=lambda: 3.0, pressure=lambda: 1.0)
    assert ladder.state(12.0) == State("degraded: queue", 11.0)
    ladder.step(13.0, full, variant=full, pressure=lambda: 1.0)
    assert ladder.state(13.0) == State("degraded: reject", 13.0)
    assert ladder.state(13.0 + HOLD_S) == State("ok", 13.0 + HOLD_S)


def test_it_does_not_flap_where_the_variant_takes_the_pressure_away():
    """A load that the model cannot carry and the variant can: few changes in ten minutes."""
    ladder = Ladder(["variant"], now_s=0.0)
    changes, last = 0, None
    for tick in range(6_000):
        step = ladder.step(tick / 10, full, variant=free, pressure=lambda: 0.1)
        changes += last is not None and ladder.relieved != last
        last = ladder.relieved
        assert step is SERVE_VARIANT
    assert changes <= 12


@given(
    rungs=st.permutations(["variant", "queue", "reject"]),
    seed=st.integers(0, 999),
    gaps=st.lists(st.floats(0, 9), max_size=60),
)
def test_every_request_gets_one_step_that_its_rung_allows(rungs, seed, gaps):
    random_ = random.Random(seed)
    ladder = Ladder(rungs, now_s=0.0)
    now_s = 0.0
    for gap in gaps:
        now_s += gap
        model, variant = (random_.choice([full, free]) for _ in range(2))
        eta_s = random_.choice([1.0, 1e9])
        step = ladder.step(
            now_s, model, variant=variant, eta=lambda eta_s=eta_s: eta_s, pressure=random_.random
        )
        if step is SERVE:
            assert model is free
        elif step is SERVE_VARIANT:
            assert variant is free
        elif isinstance(step, Defer):
            assert eta_s == 1.0
        else:
            assert full in {model, variant}
        assert ladder.state(now_s).since_s <= now_s
