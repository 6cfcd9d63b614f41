"""Intervals cover what they promise, and agree with independent computations."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from seatrial.stats.intervals import (
    Interval,
    clopper_pearson,
    mean_interval,
    paired_difference,
    sample_size,
    tango,
    wilson,
)

Z = stats.norm.ppf(0.975)


class TestWilson:
    def test_agrees_with_scipy(self):
        for successes, n in [(0, 7), (3, 10), (99, 100), (50, 50)]:
            theirs = stats.binomtest(successes, n).proportion_ci(method="wilson")
            ours = wilson(successes, n)
            assert ours.low == pytest.approx(theirs.low, abs=1e-12)
            assert ours.high == pytest.approx(theirs.high, abs=1e-12)

    def test_ends_solve_the_score_equation(self):
        ends = wilson(30, 100)
        for p in (ends.low, ends.high):
            assert abs(0.3 - p) == pytest.approx(Z * math.sqrt(p * (1 - p) / 100))

    @given(st.integers(1, 500), st.floats(0, 1))
    def test_holds_the_estimate_and_mirrors(self, n, share):
        successes = round(share * n)
        ends, mirrored = wilson(successes, n), wilson(n - successes, n)
        assert 0 <= ends.low <= successes / n <= ends.high <= 1
        assert ends.low == pytest.approx(1 - mirrored.high)

    def test_a_complete_count_is_exact(self):
        assert wilson(30, 100, population=100) == Interval(0.3, 0.3, 0.95, "complete count")

    def test_a_sample_of_most_of_the_population_is_narrower(self):
        assert wilson(30, 100, population=120).high < wilson(30, 100).high

    def test_nothing_tried_has_no_interval(self):
        with pytest.raises(ValueError, match="0 trials"):
            wilson(0, 0)


class TestClopperPearson:
    def test_agrees_with_scipy(self):
        for successes, n in [(0, 7), (3, 10), (100, 100)]:
            theirs = stats.binomtest(successes, n).proportion_ci(method="exact")
            ours = clopper_pearson(successes, n)
            assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))

    def test_never_covers_less_than_promised(self):
        n = 25
        for p in np.linspace(0.02, 0.98, 25):
            chance = sum(
                stats.binom.pmf(x, n, p) for x in range(n + 1) if clopper_pearson(x, n).covers(p)
            )
            assert chance >= 0.95


class TestMean:
    def test_zeros_and_ones_get_wilson(self):
        assert mean_interval([1, 1, 0, 1]) == wilson(3, 4)

    def test_graded_scores_get_student(self):
        scores = np.linspace(0.2, 0.6, 50)
        low, high = stats.t.interval(0.95, 49, loc=scores.mean(), scale=stats.sem(scores))
        ends = mean_interval(scores)
        assert (ends.low, ends.high) == pytest.approx((low, high))

    def test_few_graded_scores_are_not_trusted_to_vary_little(self):
        ends = mean_interval([0.5] * 10)
        assert ends.high - ends.low > 0.4

    def test_unequal_weights_count_as_fewer_rows(self):
        scores = [1, 0] * 50
        even, uneven = mean_interval(scores), mean_interval(scores, weights=[5, 5, 1, 1] * 25)
        assert uneven.high - uneven.low > even.high - even.low

    def test_equal_weights_change_nothing(self):
        assert mean_interval([1, 0, 1], weights=[2, 2, 2]) == mean_interval([1, 0, 1])

    def test_covers_the_mean_of_a_finite_population(self, rng):
        population = (rng.random(1000) < 0.7).astype(float)
        covered = [
            mean_interval(rng.choice(population, 200, replace=False), population=1000).covers(
                population.mean()
            )
            for _ in range(400)
        ]
        assert np.mean(covered) >= 0.92

    def test_no_scores_have_no_interval(self):
        with pytest.raises(ValueError, match="0 scores"):
            mean_interval([])


class TestPairs:
    def test_tango_agrees_with_likelihood_found_numerically(self):
        gains, losses, n = 7, 15, 200

        def score(delta):
            def loss(q):
                p = q + delta
                rest = 1 - p - q
                return -(
                    gains * math.log(p)
                    + losses * math.log(q)
                    + (n - gains - losses) * math.log(rest)
                )

            least = max(0, -delta) + 1e-9
            best = optimize.minimize_scalar(
                loss,
                bounds=(least, (1 - delta) / 2 - 1e-9),
                method="bounded",
                options={"xatol": 1e-10},
            ).x
            return (gains - losses - n * delta) / math.sqrt(n * (2 * best + delta * (1 - delta)))

        ends = tango(gains, losses, n)
        assert score(ends.low) == pytest.approx(Z, abs=1e-3)
        assert score(ends.high) == pytest.approx(-Z, abs=1e-3)

    def test_where_nothing_changed_something_still_may(self):
        ends = tango(0, 0, 100)
        assert ends.high == pytest.approx(Z**2 / (100 + Z**2))
        assert ends.low == pytest.approx(-ends.high)

    def test_everything_changed(self):
        ends = tango(20, 0, 20)
        assert ends.high == 1
        assert 0.6 < ends.low < 0.9

    @given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 100))
    def test_tango_holds_the_difference_and_mirrors(self, gains, losses, same):
        n = gains + losses + same
        if n:
            ends, mirrored = tango(gains, losses, n), tango(losses, gains, n)
            assert -1 <= ends.low <= (gains - losses) / n <= ends.high <= 1
            assert ends.low == pytest.approx(-mirrored.high, abs=1e-6)

    def test_covers_a_true_difference(self, rng):
        covered = []
        for _ in range(400):
            draw = rng.random(150)
            before = (draw > 0.2).astype(float)
            after = np.where(rng.random(150) < 0.08, 1 - before, before)
            truth = 0.08 * (0.2 - 0.8)
            covered.append(paired_difference(before, after).covers(truth))
        assert np.mean(covered) >= 0.92

    def test_graded_scores_get_students_paired_interval(self):
        before, after = np.linspace(0, 0.5, 40), np.linspace(0.1, 0.8, 40)
        theirs = stats.ttest_rel(after, before).confidence_interval()
        ends = paired_difference(before, after)
        assert (ends.low, ends.high) == pytest.approx((theirs.low, theirs.high))

    def test_other_lengths_are_refused(self):
        with pytest.raises(ValueError, match="equal shapes"):
            paired_difference([1], [1, 0])


def test_the_sample_size_is_the_least_that_is_narrow_enough():
    n = sample_size(0.06, share=0.8)
    width = [wilson(0.8 * m, m).high - wilson(0.8 * m, m).low for m in (n - 1, n)]
    assert width[0] > 0.06 >= width[1]
