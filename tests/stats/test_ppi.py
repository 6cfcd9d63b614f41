"""The mean of a reviewed population: covered, no wider than Wilson's, and the same in any order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.stats.intervals import mean_interval, wilson
from seatrial.stats.ppi import PLAIN_BELOW, reviewed_mean
from seatrial.stats.strata import confidence_strata

ROWS = 4000


def population(rng, *, rows=ROWS, knows=1.0, level=0.65):
    """Return scores, a confidence that knows as much as asked of them, and who is foreign."""
    foreign = (rng.random(rows) < 0.3).astype(np.int64)
    hidden = rng.normal(size=rows)
    chance = 1 / (1 + np.exp(-(np.log(level / (1 - level)) + knows * hidden - 0.6 * foreign)))
    confidence = 0.5 + 0.5 / (1 + np.exp(-hidden - 0.3 * rng.normal(size=rows)))
    return (rng.random(rows) < chance).astype(float), confidence, foreign


def reviewed(rng, scores, n):
    given = np.full(scores.size, np.nan)
    places = rng.choice(scores.size, n, replace=False)
    given[places] = scores[places]
    return given


def simulated(rng, made, *, n, draws):
    scores, confidence, foreign = made
    strata, truth, held, width, wide = (
        confidence_strata(confidence, foreign),
        scores.mean(),
        0,
        0,
        0,
    )
    for _ in range(draws):
        given = reviewed(rng, scores, n)
        found = reviewed_mean(given, predictions=confidence, strata=strata)
        plain = mean_interval(given[~np.isnan(given)])
        held += found.interval.covers(truth)
        width += found.interval.high - found.interval.low
        wide += plain.high - plain.low
    return held / draws, width / wide


@pytest.mark.parametrize("level", [0.5, 0.65, 0.87])
@pytest.mark.parametrize("knows", [0.0, 1.0])
def test_two_hundred_labels_cover_and_are_no_wider_than_wilson(rng, level, knows):
    covered, ratio = simulated(rng, population(rng, knows=knows, level=level), n=200, draws=300)
    assert covered >= 0.93
    assert ratio <= 1.01
    if knows:
        assert ratio <= 0.985


@pytest.mark.parametrize("level", [0.02, 0.98])
def test_rare_errors_are_covered(rng, level):
    covered, _ = simulated(rng, population(rng, knows=1.5, level=level), n=200, draws=300)
    assert covered >= 0.93


def test_below_a_hundred_labels_it_is_wilson(rng):
    scores, confidence, foreign = population(rng)
    given = reviewed(rng, scores, PLAIN_BELOW - 1)
    found = reviewed_mean(given, predictions=confidence, strata=foreign)
    right = np.nansum(given)
    assert found.interval == wilson(right, PLAIN_BELOW - 1)
    assert found.mean == pytest.approx(right / (PLAIN_BELOW - 1))


def test_an_oversampled_stratum_is_weighed_and_covered(rng):
    scores, confidence, foreign = population(rng)
    chance = np.where(foreign == 1, 0.12, 0.04)
    held = []
    for _ in range(300):
        given = np.where(rng.random(ROWS) < chance, scores, np.nan)
        found = reviewed_mean(
            given,
            predictions=confidence,
            strata=confidence_strata(confidence, foreign),
            weights=1 / chance,
        )
        held.append(found.interval.covers(scores.mean()))
    assert np.mean(held) >= 0.92


def test_unequal_chances_inside_a_stratum_are_weighed(rng):
    scores, confidence, _ = population(rng)
    chance = 0.02 + 0.08 * scores.clip(0.2) * rng.random(ROWS)
    means = [
        reviewed_mean(
            np.where(rng.random(ROWS) < chance, scores, np.nan),
            predictions=confidence,
            weights=1 / chance,
        ).mean
        for _ in range(200)
    ]
    assert np.mean(means) == pytest.approx(scores.mean(), abs=0.015)


def test_graded_scores_are_covered_and_narrower_than_zeros_and_ones(rng):
    hidden = rng.random(ROWS)
    scores = np.clip(0.3 + 0.5 * hidden + 0.1 * rng.normal(size=ROWS), 0, 1)
    held, widths = [], []
    for _ in range(200):
        found = reviewed_mean(
            reviewed(rng, scores, 150), predictions=hidden, strata=confidence_strata(hidden)
        )
        held.append(found.interval.covers(scores.mean()))
        widths.append(found.interval.high - found.interval.low)
    assert np.mean(held) >= 0.93
    assert np.mean(widths) < 0.06


def test_a_known_part_of_a_larger_population_says_so(rng):
    scores, confidence, foreign = population(rng, rows=20_000)
    truth, held = scores.mean(), []
    for _ in range(200):
        labelled = rng.choice(20_000, 200, replace=False)
        rest = rng.choice(np.setdiff1d(np.arange(20_000), labelled), 1_000, replace=False)
        rows = np.concatenate([labelled, rest])
        given = np.concatenate([scores[labelled], np.full(1_000, np.nan)])
        found = reviewed_mean(
            given,
            predictions=confidence[rows],
            strata=confidence_strata(confidence[rows], foreign[rows]),
            counts=np.repeat([1.0, 19.8], [200, 1_000]),
        )
        held.append(found.interval.covers(truth))
    assert np.mean(held) >= 0.92


def test_predictions_that_know_everything_leave_next_to_nothing_unknown(rng):
    truth = rng.random(ROWS)
    found = reviewed_mean(reviewed(rng, truth, 200), predictions=truth)
    assert found.mean == pytest.approx(truth.mean(), abs=0.01)
    assert found.gain > 5


def test_a_complete_review_is_exact(rng):
    scores, confidence, _ = population(rng, rows=300)
    found = reviewed_mean(scores, predictions=confidence)
    assert found.interval.low == found.interval.high == pytest.approx(scores.mean())
    assert found.error == 0.0


def test_no_label_has_no_interval():
    with pytest.raises(ValueError, match="0 reviewed rows"):
        reviewed_mean([np.nan, np.nan])


def test_missing_predictions_count_as_usual_ones(rng):
    scores, confidence, _ = population(rng)
    holes = np.where(rng.random(ROWS) < 0.2, np.nan, confidence)
    found = reviewed_mean(reviewed(rng, scores, 200), predictions=holes)
    assert found.interval.covers(found.mean)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(100, 220),
    st.integers(0, 2**32 - 1),
    st.floats(0.0, 1.0),
    st.sampled_from([0.0, 2.0]),
    st.booleans(),
)
def test_the_interval_holds_the_estimate_and_stays_in_range(n, seed, level, knows, graded):
    rng = np.random.default_rng(seed)
    level = min(max(level, 0.001), 0.999)
    scores, confidence, foreign = population(rng, rows=600, knows=knows, level=level)
    if graded:
        scores = scores * rng.random(600)
    given = reviewed(rng, scores, n)
    strata = confidence_strata(confidence, foreign)
    found = reviewed_mean(given, predictions=confidence, strata=strata)
    assert 0.0 <= found.interval.low <= found.mean + 1e-12
    assert found.mean - 1e-12 <= found.interval.high <= 1.0
    assert found.weights.min() >= 0.0
    assert found.weights.sum() == pytest.approx(1.0)
    assert np.nansum(found.weights * np.nan_to_num(given)) == pytest.approx(found.mean)
    assert sum(one.share for one in found.strata) == pytest.approx(1.0)
    assert sum(one.labels for one in found.strata) == n


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_rows_does_not_matter_and_more_of_the_same_narrows(seed):
    rng = np.random.default_rng(seed)
    scores, confidence, foreign = population(rng, rows=900)
    given = reviewed(rng, scores, 150)
    strata = confidence_strata(confidence, foreign)
    found = reviewed_mean(given, predictions=confidence, strata=strata)
    order = rng.permutation(900)
    again = reviewed_mean(given[order], predictions=confidence[order], strata=strata[order])
    assert again.interval.low == pytest.approx(found.interval.low)
    assert again.interval.high == pytest.approx(found.interval.high)
    twice = reviewed_mean(
        np.tile(given, 2), predictions=np.tile(confidence, 2), strata=np.tile(strata, 2)
    )
    assert twice.interval.high - twice.interval.low < found.interval.high - found.interval.low
