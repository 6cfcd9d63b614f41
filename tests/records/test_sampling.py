from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.core.errors import UsageError
from seatrial.records.sampling import stratified, uniform


def test_the_same_seed_draws_the_same_rows() -> None:
    first = uniform(1000, 20, generator=np.random.default_rng(1))
    assert first == uniform(1000, 20, generator=np.random.default_rng(1))
    assert first != uniform(1000, 20, generator=np.random.default_rng(2))


def test_all_rows_are_taken_where_there_are_fewer_than_asked_for() -> None:
    drawn = uniform(3, 10, generator=np.random.default_rng(0))
    assert (drawn.places, drawn.probabilities) == ([0, 1, 2], [1.0, 1.0, 1.0])
    assert len(uniform(0, 10, generator=np.random.default_rng(0))) == 0


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(UsageError, match="-1 rows"):
        uniform(3, -1, generator=np.random.default_rng(0))


def test_each_row_is_drawn_as_often_as_its_probability_says() -> None:
    generator = np.random.default_rng(0)
    strata = ["rare"] * 4 + ["common"] * 16
    counts = np.zeros(20)
    rounds = 4000
    for _ in range(rounds):
        drawn = stratified(strata, {"rare": 2, "common": 4}, generator=generator)
        counts[drawn.places] += 1
    expected = np.array([0.5] * 4 + [0.25] * 16)
    spread = np.sqrt(expected * (1 - expected) / rounds)
    assert np.all(np.abs(counts / rounds - expected) < 4.5 * spread)


@given(
    strata=st.lists(st.sampled_from("abc"), max_size=30),
    sizes=st.dictionaries(st.sampled_from("abcd"), st.integers(0, 12)),
)
def test_weighing_by_the_inverse_probability_counts_every_stratum_right(strata, sizes) -> None:
    drawn = stratified(strata, sizes, generator=np.random.default_rng(0))
    assert drawn.places == sorted(set(drawn.places))
    for stratum, size in sizes.items():
        weights = [
            1 / chance
            for place, chance in zip(drawn.places, drawn.probabilities, strict=True)
            if strata[place] == stratum
        ]
        assert len(weights) == min(size, strata.count(stratum))
        if weights:
            assert sum(weights) == pytest.approx(strata.count(stratum))
