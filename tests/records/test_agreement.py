from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from seatrial.records.agreement import agreement

PAIRS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=2, max_size=40)


def two(pairs):
    return [{"ann": first, "ben": second} for first, second in pairs]


def test_nobody_agrees_where_no_row_has_two_labels() -> None:
    assert agreement([]) is None
    assert agreement([{"ann": "a"}, {"ben": "a"}, {}]) is None


def test_a_case_by_hand() -> None:
    """50 rows: 20 both yes, 15 both no, 5 and 10 apart: kappa is 0.4 (Wikipedia's example)."""
    pairs = [("y", "y")] * 20 + [("n", "n")] * 15 + [("y", "n")] * 5 + [("n", "y")] * 10
    found = agreement(two(pairs))
    assert found is not None
    assert found.kappa == pytest.approx(0.4)
    assert (found.method, found.rows, found.pairs, found.agreed) == ("cohen", 50, 50, 35)
    assert found.raw == 0.7
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.4 < found.high


@settings(deadline=None)
@given(PAIRS)
def test_two_reviewers_are_judged_as_scikit_learn_judges_them(pairs) -> None:
    found = agreement(two(pairs))
    assert found is not None
    if len({label for pair in pairs for label in pair}) == 1:
        assert found.kappa is None
    else:
        expected = cohen_kappa_score(*zip(*pairs, strict=True))
        assert found.kappa == pytest.approx(expected)


@settings(deadline=None)
@given(PAIRS)
def test_names_and_order_do_not_matter(pairs) -> None:
    one, other = agreement(two(pairs)), agreement(two([pair[::-1] for pair in pairs][::-1]))
    assert one is not None
    assert other is not None
    assert one.kappa == pytest.approx(other.kappa) if one.kappa is not None else other.kappa is None


def test_several_reviewers_are_judged_by_fleiss() -> None:
    """The example of Fleiss (1971), as on its Wikipedia page: kappa 0.210."""
    counts = [
        (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
        (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
    ]  # fmt: skip
    rows = []
    for row in counts:
        labels = [label for label, count in enumerate(row) for _ in range(count)]
        rows.append({f"reviewer {n}": label for n, label in enumerate(labels)})
    found = agreement(rows)
    assert found is not None
    assert found.method == "fleiss"
    assert found.kappa == pytest.approx(0.210, abs=5e-4)


def test_the_interval_covers_the_truth() -> None:
    """Two reviewers who err alike often: over 200 reviews of 100 rows."""
    rng = np.random.default_rng(0)

    def reviewed(rows: int) -> list[tuple[int, int]]:
        truth = rng.integers(0, 2, rows)
        return list(
            zip(*(np.where(rng.random(rows) < 0.9, truth, 1 - truth) for _ in "ab"), strict=True)
        )

    truth = cohen_kappa_score(*zip(*reviewed(200_000), strict=True))
    covered = 0
    for _ in range(200):
        found = agreement(two(reviewed(100)))
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= truth <= found.high
    assert covered >= 178


def test_perfect_agreement_says_nothing_of_how_sure_it_is() -> None:
    found = agreement(two([("a", "a"), ("b", "b")] * 20))
    assert found is not None
    assert (found.kappa, found.low) == (1.0, None)
