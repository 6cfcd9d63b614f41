"""Slices that err more are found, those that only seem to are not, and each is said once."""

import msgspec
import numpy as np
import pytest

from seatrial.evidence.patterns import Patterns
from seatrial.gap.accuracy import ProductionScores
from seatrial.gap.case import ProductionRows
from seatrial.gap.describing import Described
from seatrial.gap.patterns import LEAST_REVIEWED, find_patterns
from seatrial.models.answers import Answer

BASE = 0.15


def table(rng, n):
    """Rows of a table: two categories, two numbers, a note."""
    return [
        {
            "country": str(rng.choice(["fr", "de", "es", "it"])),
            "plan": str(rng.choice(["free", "paid", "old"])),
            "age": round(float(rng.uniform(18, 80)), 2),
            "spent": round(float(rng.lognormal(3, 1)), 2),
        }
        for _ in range(n)
    ]


def looked(records, chances, rng, *, weights=None, columns=None, fate=None, **options):
    n = len(records)
    wrong = rng.random(n) < chances
    rows = ProductionRows(
        records,
        [Answer("no" if one else "yes") for one in wrong],
        ["yes"] * n,
        columns=columns or {},
    )
    scores = ProductionScores(
        np.zeros(n, dtype=np.int64) if fate is None else fate,
        (~wrong).astype(float),
        np.ones(n, dtype=bool),
        np.ones(n) if weights is None else weights,
    )
    described = Described(np.arange(n), np.ones(n), {}, {}, {})
    return find_patterns(rows, scores, described, rng=rng, **options)


def test_a_planted_slice_is_found_with_its_size_its_error_and_examples(rng):
    records = table(rng, 500)
    bad = np.array([one["country"] == "de" for one in records])
    found = looked(records, np.where(bad, 0.6, BASE), rng)
    one = found.found[0]
    assert one.name == "country = de"
    assert one.n == bad.sum()
    assert one.low <= 0.6 <= one.high
    assert one.excess_low > 0
    assert one.rest_error == pytest.approx(BASE, abs=0.05)
    assert len(one.examples) == 5
    assert all('"country":"de"' in example.input for example in one.examples)
    assert all((example.answer, example.label) == ("no", "yes") for example in one.examples)
    assert one.p <= found.level


def test_a_pair_is_found_where_neither_half_is_to_blame(rng):
    records = table(rng, 900)
    bad = np.array([one["country"] == "de" and one["age"] > 49 for one in records])
    one = looked(records, np.where(bad, 0.75, BASE), rng).found[0]
    assert len(one.where) == 2
    assert any("country = de" in part for part in one.where)
    assert any("age >" in part for part in one.where)


def test_a_slice_is_not_said_twice(rng):
    records = table(rng, 600)
    for one in records:
        one["language"] = one["country"].upper() if rng.random() < 0.95 else "XX"
    bad = np.array([one["country"] == "de" for one in records])
    found = looked(records, np.where(bad, 0.7, BASE), rng).found
    assert len(found) == 1
    assert "language = DE" in (*found[0].where, *found[0].also)


def test_two_slices_that_err_are_both_found(rng):
    records = table(rng, 900)
    german = np.array([one["country"] == "de" for one in records])
    old = np.array([one["plan"] == "old" for one in records])
    found = looked(records, BASE + 0.4 * german + 0.3 * old, rng).found
    assert {"country = de", "plan = old"} <= {part for one in found for part in one.where}


def test_noise_shows_nothing_and_says_among_how_many():
    false = 0
    for seed in range(20):
        rng = np.random.default_rng([seed, 3])
        found = looked(table(rng, 250), 0.25, rng)
        false += bool(found.found)
        assert found.looked_at > 100
    assert false <= 4  # at 5 %, five or more of twenty come once in four hundred suites


def test_what_a_tenth_of_the_rows_has_to_be_worse_by_is_told(rng):
    few, many = (looked(table(rng, n), 0.2, rng).detectable_points for n in (150, 1500))
    assert many < 25
    assert few is None or few > many


def test_rows_drawn_with_small_chances_count_for_more(rng):
    records = table(rng, 800)
    bad = np.array([one["country"] == "de" for one in records])
    weights = np.where(rng.random(800) < 0.5, 1.6, 0.4)
    one = looked(records, np.where(bad, 0.6, BASE), rng, weights=weights).found[0]
    assert one.name == "country = de"
    assert one.share == pytest.approx(weights[bad].sum() / weights.sum())


def test_the_users_own_columns_are_looked_at(rng):
    bad = rng.random(400) < 0.2
    found = looked(
        ["hello there"] * 400,
        np.where(bad, 0.6, BASE),
        rng,
        columns={"shop": np.where(bad, "north", "south").tolist()},
    )
    assert found.found[0].name == "shop = north"


def test_a_request_that_was_not_answered_counts_as_wrong(rng):
    records = table(rng, 400)
    slow = np.array([one["plan"] == "old" for one in records])
    fate = np.where(slow & (rng.random(400) < 0.6), 2, 0)
    assert looked(records, BASE, rng, fate=fate).found[0].name == "plan = old"


@pytest.mark.parametrize(
    ("n", "chance", "why"),
    [
        (LEAST_REVIEWED - 1, 0.5, "are the least"),
        (200, 0.0, "every reviewed answer is right"),
        (200, 1.0, "every reviewed answer is wrong"),
    ],
)
def test_where_nothing_can_be_found_it_says_why(rng, n, chance, why):
    found = looked(table(rng, n), chance, rng)
    assert found.found == ()
    assert why in found.why


def test_the_same_seed_finds_the_same_and_the_document_is_json():
    documents = []
    for _ in range(2):
        rng = np.random.default_rng(5)
        records = table(rng, 400)
        bad = np.array([one["country"] == "de" for one in records])
        documents.append(msgspec.json.encode(looked(records, np.where(bad, 0.6, BASE), rng)))
    assert documents[0] == documents[1]
    assert msgspec.json.decode(documents[0], type=Patterns).found


def test_hostile_inputs_are_shown_and_break_nothing(rng):
    texts = [f"\ud800 \u202e<script>{row % 7}</script>" for row in range(300)]
    bad = np.arange(300) % 7 == 0
    found = looked(
        texts, np.where(bad, 0.9, 0.05), rng, columns={"k": (np.arange(300) % 7).tolist()}
    )
    assert msgspec.json.encode(found)
    assert found.found
