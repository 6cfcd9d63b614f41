import math
from typing import get_args

import msgspec
import pytest

from seatrial.evidence.findings import Status
from seatrial.report import wording


def test_every_status_has_a_word_a_symbol_and_a_place():
    for table in (wording.WORDS, wording.SYMBOLS, wording.TODO):
        assert set(table) == set(get_args(Status))
        assert all(table.values())
    assert sorted(wording.STATUSES) == sorted(get_args(Status))


def test_no_two_statuses_share_a_symbol():
    assert len(set(wording.SYMBOLS.values())) == len(wording.SYMBOLS)


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_what_is_not_a_figure_is_unknown_and_never_zero(value):
    for say in (wording.percent, wording.points, wording.number):
        assert say(value) == "unknown"
    assert wording.interval(value, 1.0) == ""


def test_unmeasured_items_are_counted_aloud(trial):
    assert wording.counted(trial.counts()) == (
        "3 fail, 1 with a warning, 15 not measured, 4 pass, 1 not applicable"
    )


def test_shares_of_the_drop_sum_to_one(gap):
    shares = [wording.share_of_drop(step, gap) for step in gap.steps if step.points <= 0]
    gained = sum(step.points for step in gap.steps if step.points > 0)
    expected = 100 * (1 - gained / gap.drop_points)
    assert sum(float(share.removesuffix(" %")) for share in shares) == pytest.approx(
        expected, abs=3
    )


def test_a_step_against_the_drop_has_no_share(gap):
    tampering = next(step for step in gap.steps if step.id == "tampering")
    assert wording.share_of_drop(tampering, gap) == ""


def test_no_share_is_given_of_a_drop_that_is_noise(gap):
    production = msgspec.structs.replace(gap.production, accuracy=gap.eval.accuracy - 0.001)
    level = msgspec.structs.replace(gap, production=production)
    assert all(wording.share_of_drop(step, level) == "" for step in gap.steps)
