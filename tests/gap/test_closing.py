"""What would close the gap: every remedy wins on other rows what it said, and hides no loss."""

import re
from dataclasses import replace

import numpy as np
import pytest

from seatrial.core.clock import TimeBudget
from seatrial.core.errors import ModelError
from seatrial.gap.gap import measure_gap
from seatrial.models.answers import Answer
from seatrial.testing.clock import ManualClock

PLANTED = {"language": 0.25, "format": 0.3, "tampering": 0.15}
"""``plant`` of the world adds these signs; a quarter of the texts is foreign."""


def remedies(gap):
    return {one.id: one for one in gap.closing.remedies}


def read(text):
    return int(re.search(r"(\d) \d+", text).group(1))


def perfect(texts):
    return [Answer(read(text)) for text in texts]


@pytest.fixture
def case(world):
    return world.case(PLANTED, n_eval=200, n=600)


def test_a_repair_wins_back_what_the_factor_cost(world):
    gap = measure_gap(world.case({"format": 0.5}, n_eval=400, n=800))
    repair = remedies(gap)["repair:format"]
    assert repair.points == pytest.approx(12.5, abs=2.0)
    assert repair.low < 12.5 < repair.high
    assert repair.touched == pytest.approx(0.5, abs=0.05)
    assert repair.then.share == 1.0


def test_all_repairs_together_win_at_least_what_the_best_one_does(case):
    found = remedies(measure_gap(case))
    assert found["repair:all"].points >= found["repair:format"].points
    assert found["repair:all"].points >= found["repair:tampering"].points


def test_remedies_are_ranked_by_points_won_back(case):
    points = [one.points for one in measure_gap(case).closing.remedies]
    assert points == sorted(points, reverse=True)
    assert points[0] > 0 > points[-1]


def test_a_gate_says_what_it_gives_up_and_what_is_then_right(case):
    gap = measure_gap(case)
    gate = remedies(gap)["gate:language"]
    foreign = np.array(["xx" in text for text in case.production.inputs])
    right = np.array([read(text) for text in case.production.inputs]) == [
        answer.output for answer in case.production.answers
    ]
    assert gate.then.share == pytest.approx(1 - foreign.mean())
    assert gate.then.accuracy == pytest.approx(right[~foreign].mean())
    assert gate.points == pytest.approx(-100 * (right & foreign).mean())
    assert gate.gives_up == pytest.approx(right[foreign].mean())
    assert gate.then.correct_of_all == pytest.approx(gap.production.accuracy + gate.points / 100)


def test_another_model_is_tried_on_everything_and_behind_each_gate(case):
    gap = measure_gap(replace(case, alternatives={"perfect": perfect}))
    found = remedies(gap)
    best = gap.closing.remedies[0]
    assert best.id == "variant:perfect"
    assert best.then.accuracy == 1.0
    assert best.points == pytest.approx(100 * (1 - gap.production.accuracy))
    route = found["route:language->perfect"]
    assert 0 < route.points < best.points
    assert "perfect" in route.how


def test_another_model_that_fails_on_a_row_gets_it_wrong(case):
    def fails(texts):
        if any("xx" in text for text in texts):
            raise ModelError("no other languages")
        return perfect(texts)

    found = remedies(measure_gap(replace(case, alternatives={"english": fails})))
    foreign = np.mean(["xx" in text for text in case.production.inputs])
    assert found["variant:english"].then.accuracy == pytest.approx(1 - foreign)


def test_more_tries_make_every_interval_wider(case):
    few = remedies(measure_gap(case))["repair:format"]
    # Enough of them to be more than what other rows' noise asks for.
    others = {f"model {number}": perfect for number in range(40)}
    gap = measure_gap(replace(case, alternatives=others))
    many = remedies(gap)["repair:format"]
    assert gap.closing.tries >= 80
    assert many.high - many.low > few.high - few.low
    assert many.points == few.points


def test_what_was_withheld_may_be_answered(case, changed):
    fates = ["abstained" if number % 4 == 0 else "answered" for number in range(600)]
    gap = measure_gap(changed(case, production={"fate": fates}))
    found = remedies(gap)["answer:abstained"]
    worth = [
        read(text) == answer.output
        for text, answer, fate in zip(
            case.production.inputs, case.production.answers, fates, strict=True
        )
        if fate == "abstained"
    ]
    assert found.points == pytest.approx(25 * np.mean(worth))
    assert found.then.share == 1.0
    assert gap.closing.now.share == 0.75


def test_weights_of_a_sample_count(world):
    case = world.case({"format": 0.5}, n_eval=200, n=1200)
    wrapped = np.array(["<b>" in text for text in case.production.inputs])
    chance = np.where(wrapped, 0.4, 0.1)
    keep = np.random.default_rng(3).random(1200) < chance
    labels = [
        label if kept else None for label, kept in zip(case.production.labels, keep, strict=True)
    ]
    whole = remedies(measure_gap(case))["repair:format"]
    sample = measure_gap(
        replace(
            case, production=replace(case.production, labels=labels, probabilities=chance.tolist())
        )
    )
    found = remedies(sample)["repair:format"]
    assert found.n == keep.sum()
    assert found.touched == pytest.approx(0.5, abs=0.07)
    assert found.low <= whole.points <= found.high


@pytest.mark.parametrize("seed", range(2))
def test_what_was_said_is_won_on_rows_held_back(world, seed):
    case = world.case(PLANTED, n_eval=200, n=1200)
    order = np.random.default_rng(seed).permutation(1200)
    kept, held = set(order[:600].tolist()), order[600:]
    labels = [label if row in kept else None for row, label in enumerate(case.production.labels)]
    gap = measure_gap(replace(case, production=replace(case.production, labels=labels)))
    texts = [case.production.inputs[row] for row in held]
    right = np.array([case.production.labels[row] for row in held])

    def score(asked):
        return np.array([answer.output for answer in case.answer(asked)]) == right

    now = score(texts)
    for one in gap.closing.remedies:
        kind, _, what = one.id.partition(":")
        if kind == "threshold":
            continue
        if kind == "repair":
            mended = texts
            for name in ("format", "tampering") if what == "all" else (what,):
                mended = case.describer.repair(name, mended)
            after = score(mended)
        else:
            assert one.id == "gate:language"
            after = now & np.array(["xx" not in text for text in texts])
        assert one.low <= 100 * (after.mean() - now.mean()) <= one.high, one.id


def test_without_a_model_to_ask_only_what_needs_none_is_tried(case):
    closing = measure_gap(replace(case, answer=None)).closing
    assert not [one for one in closing.remedies if one.kind == "repair"]
    assert "gate:language" in {one.id for one in closing.remedies}
    assert "no repair was tried" in closing.why


def test_without_labels_nothing_is_tried(case, changed):
    assert measure_gap(changed(case, production={"labels": None})).closing is None


def test_few_reviews_are_too_few(case, changed):
    labels = [*case.production.labels[:12], *[None] * 588]
    closing = measure_gap(changed(case, production={"labels": labels})).closing
    assert closing.remedies == ()
    assert "too few" in closing.why


def test_rows_that_time_did_not_allow_to_ask_about_are_stood_for_by_others(case):
    clock = ManualClock()

    def slow(texts):
        clock.advance(0.01 * len(texts))
        return case.answer(texts)

    budget = TimeBudget(2.0, clock=clock)
    gap = measure_gap(replace(case, answer=slow, budget=budget))
    whole = remedies(measure_gap(case))
    cut = [one for one in gap.closing.remedies if one.kind == "repair" and one.n < 600]
    assert cut
    for one in cut:
        assert one.low <= whole[one.id].points <= one.high
        assert one.touched == pytest.approx(whole[one.id].touched)
