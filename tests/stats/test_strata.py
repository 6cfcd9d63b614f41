"""Strata hold alike rows, and none is left with too few labels."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from seatrial.stats.strata import confidence_strata, pooled


def test_quarters_of_confidence_are_made_inside_each_group(rng):
    confidence, group = rng.random(4000), rng.integers(0, 2, 4000)
    codes = confidence_strata(confidence, group)
    assert len(np.unique(codes)) == 8
    for code in np.unique(codes):
        assert len(np.unique(group[codes == code])) == 1
        assert 400 < (codes == code).sum() < 600


def test_confidence_rises_with_the_code_inside_a_group(rng):
    confidence = rng.random(1000)
    codes = confidence_strata(confidence)
    means = [confidence[codes == code].mean() for code in np.unique(codes)]
    assert means == sorted(means)


def test_equal_confidences_stay_together():
    codes = confidence_strata([0.9] * 50 + [1.0] * 50)
    assert len(set(codes[:50].tolist())) == 1
    assert len(set(codes[50:].tolist())) == 1


def test_rows_without_confidence_are_a_stratum_of_their_own():
    codes = confidence_strata([np.nan, 0.2, 0.9, np.nan])
    assert codes[0] == codes[3]
    assert codes[0] not in codes[1:3]


def test_no_confidence_at_all_leaves_the_groups():
    codes = confidence_strata(np.full(4, np.nan), [1, 0, 1, 0])
    assert codes.tolist() == [1, 0, 1, 0]


@given(
    st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=80),
    st.integers(1, 12),
)
def test_pooling_leaves_enough_labels_everywhere_or_one_stratum(rows, least):
    codes, labelled = (np.array(values) for values in zip(*rows, strict=True))
    merged = pooled(codes, labelled, least=least)
    counts = np.bincount(merged, weights=labelled)
    assert len(counts) == 1 or counts.min() >= least
    for code in np.unique(codes):
        assert len(set(merged[codes == code].tolist())) == 1


@given(st.lists(st.integers(0, 5), min_size=2, max_size=40), st.randoms())
def test_pooling_merges_neighbours_only_and_ignores_the_order_of_rows(codes, random):
    codes, labelled = np.array(codes), np.ones(len(codes))
    merged = pooled(codes, labelled, least=3)
    for one, two in zip(np.unique(codes), np.unique(codes)[1:], strict=False):
        assert merged[codes == two][0] - merged[codes == one][0] in (0, 1)
    order = list(range(len(codes)))
    random.shuffle(order)
    assert pooled(codes[order], labelled, least=3).tolist() == merged[order].tolist()
