"""What reviews say: strata, two kinds of interval, and sums that agree with the estimate."""

from dataclasses import replace

import numpy as np
import pytest

from seatrial.gap.accuracy import ProductionScores, production_accuracy, score_production
from seatrial.gap.describing import Described, describe_rows
from seatrial.gap.gap import measure_gap
from seatrial.gap.reviewing import review_evidence, reviewed, weighed
from seatrial.models.answers import Answer


def sampled(rng, *, rows=3000, labels=240, silent=0.0, chance=None):
    """Return production scores of which some are reviewed, and what the rows look like."""
    foreign = (rng.random(rows) < 0.3).astype(float)
    hidden = rng.normal(size=rows)
    right = (rng.random(rows) < 1 / (1 + np.exp(-0.8 - hidden + foreign))).astype(float)
    fate = np.where(rng.random(rows) < silent, 2, 0)
    taken = np.zeros(rows, dtype=bool)
    if chance is None:
        taken[rng.choice(np.flatnonzero(fate == 0), labels, replace=False)] = True
        weights = np.ones(rows)
    else:
        taken = (rng.random(rows) < chance(foreign)) & (fate == 0)
        weights = 1 / chance(foreign)
    scores = ProductionScores(
        fate,
        np.where(taken, right, np.nan),
        taken,
        np.where(taken, weights / weights[taken].mean(), 0.0),
        1 / (1 + np.exp(-hidden)),
    )
    everything = np.arange(rows)
    described = Described(
        everything, np.ones(rows), {}, {"language": foreign}, {"language": foreign}
    )
    return scores, described, float((right * (fate == 0)).mean())


def test_the_estimate_is_weighed_by_strata_of_language_and_confidence(rng):
    scores, described, _ = sampled(rng)
    sample = reviewed(scores, described)
    document = review_evidence(scores, sample, described, guess=0.8)
    names = [one.name for one in document.strata]
    assert any(name.startswith("language of eval, confidence") for name in names)
    assert any(name.startswith("other language, confidence") for name in names)
    assert sum(one.n for one in document.strata) == document.labelled == 240
    assert sum(one.share for one in document.strata) == pytest.approx(1.0)


def test_both_intervals_say_when_they_hold(rng):
    scores, described, truth = sampled(rng, silent=0.1)
    sample = reviewed(scores, described)
    once, always = review_evidence(scores, sample, described, guess=0.8).intervals
    assert (once.valid, always.valid) == ("one declared look", "whenever you look")
    production = production_accuracy(scores, guess=0.8, sample=sample)
    assert (once.low, once.high) == pytest.approx((production.low, production.high))
    assert always.low < once.low < production.accuracy < once.high < always.high
    assert always.low < truth < always.high


def test_requests_that_were_not_answered_are_wrong_and_need_no_label(rng):
    scores, described, _ = sampled(rng, silent=0.25)
    sample = reviewed(scores, described)
    production = production_accuracy(scores, guess=0.8, sample=sample)
    share = float(scores.answered.mean())
    assert production.accuracy == pytest.approx(share * sample.mean)
    assert production.high <= share


def test_two_hundred_and_forty_reviews_cover_what_all_users_got(rng):
    held = []
    for _ in range(150):
        scores, described, truth = sampled(rng, silent=0.1)
        found = production_accuracy(scores, guess=0.8, sample=reviewed(scores, described))
        held.append(found.low <= truth <= found.high)
    assert np.mean(held) >= 0.92


def test_oversampled_rows_are_weighed(rng):
    def chance(foreign):
        return np.where(foreign == 1, 0.2, 0.05)

    held = []
    for _ in range(100):
        scores, described, truth = sampled(rng, chance=chance)
        sample = reviewed(scores, described)
        found = production_accuracy(scores, guess=0.8, sample=sample)
        always = review_evidence(scores, sample, described, guess=0.8).intervals[1]
        assert always.low <= found.low
        assert found.high <= always.high
        held.append(found.low <= truth <= found.high)
    assert np.mean(held) >= 0.9


def test_rows_that_stand_for_others_count_as_many(rng):
    scores, described, _ = sampled(rng)
    others = np.flatnonzero(~scores.labelled)
    some = np.sort(np.concatenate([np.flatnonzero(scores.labelled), others[:1000]]))
    few = Described(
        some,
        np.where(scores.labelled[some], 1.0, others.size / 1000),
        {},
        {"language": described.intensity["language"][some]},
        described.before,
    )
    found, whole = reviewed(scores, few), reviewed(scores, described)
    assert found.mean == pytest.approx(whole.mean, abs=0.02)
    assert found.weights.shape == (3000,)


def test_weights_give_the_estimate_to_whoever_sums_with_them(rng):
    scores, described, _ = sampled(rng)
    sample = reviewed(scores, described)
    counted = weighed(scores, sample)
    judged = counted.judged
    mean = np.average(counted.given[judged], weights=counted.weights[judged])
    assert mean == pytest.approx(sample.mean)


def test_a_table_is_stratified_by_its_unusual_rows(rng):
    scores, described, _ = sampled(rng)
    table = replace(described, intensity={"column:age": described.intensity["language"]})
    document = review_evidence(scores, reviewed(scores, table), table, guess=0.8)
    assert any(one.name.startswith("unusual") for one in document.strata)


def test_few_labels_have_no_strata_and_wilsons_interval(rng):
    scores, described, _ = sampled(rng, labels=60)
    document = review_evidence(scores, reviewed(scores, described), described, guess=0.8)
    assert document.strata == ()
    assert document.gain is None
    assert document.intervals[0].method == "wilson"


def test_without_labels_it_is_said_what_reviews_would_give(world, rng):
    case = replace(world.case(n=900), answer=None)
    case = replace(case, production=replace(case.production, labels=None))
    scores = score_production(case)
    described = describe_rows(case, case.production, scores, rng=rng)
    document = review_evidence(scores, reviewed(scores, described), described, guess=0.8)
    assert (document.labelled, document.intervals) == (0, ())
    assert [one.reviews for one in document.plans] == [50, 100, 200, 500]
    widths = [one.declared_points for one in document.plans]
    assert widths == sorted(widths, reverse=True)
    assert all(one.anytime_points > one.declared_points for one in document.plans)
    needs = {one.points: one for one in document.needs}
    assert needs[5.0].declared < needs[3.0].declared <= 900
    assert needs[1.0].anytime is None


def test_nothing_is_planned_where_every_row_is_labelled(world):
    assert measure_gap(world.case(n=150, n_eval=100)).reviews is None


def test_no_production_rows_are_no_reviews():
    assert review_evidence(None, reviewed(None, None), None, guess=0.8) is None


def test_the_ledger_sums_to_the_reviewed_estimate(world):
    case = world.case({"language": 0.4, "format": 0.3}, n=1500, n_eval=600, labelled=250)
    confident = [Answer(a.output, 0.5 + 0.05 * (i % 7))
                 for i, a in enumerate(case.production.answers)]  # fmt: skip
    case = replace(case, production=replace(case.production, answers=confident))
    found = measure_gap(case)
    assert found.reviews.labelled == 250
    assert sum(step.points for step in found.steps) == pytest.approx(found.drop_points, abs=1e-9)
    remainder = next(step for step in found.steps if step.id == "remainder")
    assert remainder.low <= remainder.points <= remainder.high
    assert found.answered.correct_of_all == found.production.accuracy
    assert found.answered.accuracy * found.answered.share == pytest.approx(
        found.production.accuracy
    )
