"""The parts of the estimate: agreement, thresholds, the pool, the shift test, the verdict."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.gap.labelfree.agreement import agreements, on_the_line
from seatrial.gap.labelfree.encoding import TableEncoding, TextEncoding
from seatrial.gap.labelfree.estimator import above_threshold, steepness
from seatrial.gap.labelfree.pool import FOLDS, Pool
from seatrial.gap.labelfree.shift import telling_apart
from seatrial.gap.labelfree.signals import Labels
from seatrial.gap.labelfree.verdict import Facts, bounds, evenness, mixed, refusals

DRAWN = np.random.default_rng(5).integers(0, [37, 11, 5], (300, 3))
TEXTS = [f"word{one} other{two} more{three}" for one, two, three in DRAWN]


def test_the_line_gives_back_accuracy_where_agreements_are_the_same():
    """Nothing shifted, nothing lost."""
    answers = np.random.default_rng(0).integers(0, 2, (400, 6)).astype(float)
    answers[:, 1:] = np.where(np.random.default_rng(1).random((400, 5)) < 0.7, answers[:, :1], 0)
    same = agreements(answers)
    assert on_the_line(0.8, same, same) == pytest.approx(0.8)


def test_the_line_gives_less_where_models_agree_less():
    """Less agreement elsewhere means less accuracy."""
    before = np.full((4, 4), 0.85) + np.diag([0.15] * 4)
    before[0, 1] = before[1, 0] = 0.75
    after = before - 0.1
    assert on_the_line(0.8, before, after) < 0.75


def test_numbers_agree_within_the_tolerance():
    """Regressors are compared as their metric compares."""
    answers = np.array([[1.0, 1.4], [2.0, 2.6]])
    assert agreements(answers, tolerance=0.5)[0, 1] == 0.5


@given(st.lists(st.floats(0.5, 1.0), min_size=5, max_size=60), st.floats(0.05, 0.95))
def test_the_threshold_gives_about_the_accuracy_on_the_rows_it_was_set_on(confidence, accuracy):
    """ATC is calibrated on eval by construction, ties apart."""
    values = np.array(confidence) + np.arange(len(confidence)) * 1e-9
    found = above_threshold(accuracy, values, values)
    assert abs(found - accuracy) <= 1.5 / len(values) + 1e-9


def test_steepness_is_the_slope_within_bounds():
    """By hand: (2*1 + 4*2) / (1 + 4) = 2; noise is never taken to make losses smaller."""
    assert steepness(np.array([2.0, 4.0]), np.array([1.0, 2.0])) == 2.0
    assert steepness(np.array([0.1, 0.1]), np.array([0.2, 0.3])) == 1.0
    assert steepness(np.zeros(3), np.zeros(3)) == 1.0


def test_members_never_vote_on_rows_they_were_fitted_on():
    """Labels that are pure noise cannot be foretold out of fold; in fold they would be."""
    rng = np.random.default_rng(0)
    rows = [{"id": float(place), "x": float(rng.normal())} for place in range(300)]
    labels = rng.integers(0, 2, 300).astype(float)
    pool = Pool(TableEncoding(rows), rows, labels, classes=2, rng=rng)
    votes = pool.held_out(rows, np.arange(300))
    right = (votes.answers == labels[:, None]).mean(axis=0)
    assert right.max() < 0.65
    assert len(pool.votes(rows[:5])) == FOLDS


def test_a_spoilt_row_is_judged_by_the_fold_of_the_row_it_came_from():
    """Spoiling a row does not let in those who saw it."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 300).astype(float)
    pool = Pool(TextEncoding(TEXTS), TEXTS, labels, classes=2, rng=rng)
    rows = np.array([7, 100, 5])
    whole = pool.held_out(TEXTS, np.arange(300))
    some = pool.held_out([TEXTS[row] for row in rows], rows)
    assert np.array_equal(some.answers, whole.answers[rows])


def test_support_counts_known_words():
    """A text of strange words is made of nothing that was seen."""
    encoding = TextEncoding(TEXTS)
    known = encoding.known(encoding.views(TEXTS)["seen"])
    texts = [TEXTS[0], f"{TEXTS[0].split()[0]} zzz", "qqq zzz", ""]
    parts, share = encoding.support(encoding.views(texts)["seen"], known)
    assert parts.tolist() == [3, 1, 0, 0]
    assert share.tolist() == [1.0, 0.5, 0.0, 0.0]


def test_support_counts_cells_within_what_eval_holds():
    """Missing, far out and new are all outside."""
    rows = [{"a": float(place), "b": "xy"[place % 2]} for place in range(100)]
    encoding = TableEncoding(rows)
    asked = [{"a": 50.0, "b": "x"}, {"a": 500.0, "b": "x"}, {"a": None, "b": "z"}, {}]
    _, share = encoding.support(encoding.views(asked)["seen"], None)
    assert share.tolist() == [1.0, 0.5, 0.0, 0.0]


def test_two_halves_of_one_set_are_not_told_apart_and_other_words_are():
    """The area is near a half without a shift, near one with it."""
    encoding = TextEncoding(TEXTS)
    rng = np.random.default_rng(0)
    area, ends = telling_apart(encoding, TEXTS[:150], TEXTS[150:], rng=rng)
    assert ends.low <= 0.5 <= ends.high
    other = [f"else{place % 7} thing{place % 3}" for place in range(150)]
    area, ends = telling_apart(encoding, TEXTS[:150], other, rng=rng)
    assert area > 0.95
    assert ends.low <= area <= ends.high


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"foreign": 0.4}, "language"),
        ({"rows": 20}, "few-rows"),
        ({"learnt": False}, "few-stresses"),
        ({"evenness": 0.3}, "collapse"),
        ({"support": 0.1, "least_support": 0.4}, "support"),
        ({"loss": 0.4, "worst": 0.3}, "beyond-stress"),
        ({"half_width": 0.2}, "too-wide"),
    ],
)
def test_each_gate_refuses_what_it_looks_at_and_nothing_else(changed, reason):
    """One fault, one reason; no fault, none."""
    sound = {"eval_rows": 500, "rows": 500, "foreign": 0.0, "learnt": True}
    assert refusals(Facts(**sound)) == []
    (found,) = refusals(Facts(**{**sound, **changed}))
    assert found[0] == reason
    assert found[1]


def test_bounds_take_what_is_unknown_as_all_wrong_and_all_right():
    """By hand: 0.8 x 0.65 and 0.8 x 0.75 + 0.2."""
    low, high = bounds((0.7, 0.05), 0.2)
    assert (low, high) == pytest.approx((0.52, 0.8))
    assert bounds((0.7, 0.05), 1.0) == (0.0, 1.0)


def test_rows_in_unknown_languages_lie_between_guessing_and_the_others():
    """By hand: a quarter of the skill stays: 0.5 + 0.25 x 0.3 = 0.575."""
    accuracy, half = mixed((0.8, 0.02), 0.5, 0.5)
    assert accuracy == pytest.approx(0.5 * 0.8 + 0.5 * 0.575)
    assert half == pytest.approx(0.5 * 0.02 + 0.5 * 0.225)


def test_evenness_of_the_same_answers_is_one():
    """And of a single answer nought."""
    assert evenness(np.array([0.3, 0.7]), np.array([0.7, 0.3])) == pytest.approx(1.0)
    assert evenness(np.array([0.5, 0.5]), np.array([1.0, 0.0])) == 0.0
    assert evenness(np.empty(0), np.empty(0)) == 1.0


@pytest.mark.parametrize("encoding", [TextEncoding, TableEncoding])
def test_a_pool_can_be_fitted_where_one_class_is_rare(encoding):
    """A member that happens to see one class only says that class; nothing breaks."""
    rng = np.random.default_rng(0)
    text = encoding is TextEncoding
    rows = [f"note number{place % 7}" if text else {"x": float(place)} for place in range(160)]
    labels = np.zeros(160)
    labels[:2] = 1.0
    pool = Pool(encoding(rows), rows, labels, classes=2, rng=rng)
    votes = pool.held_out(rows, np.arange(160))
    assert votes.chances.shape == (160, 2)
    assert np.isfinite(votes.chances).all()


def test_texts_without_a_word_can_be_read():
    """Empty and one-off texts give vectors, not errors."""
    encoding = TextEncoding(["", "a", "b c", "d"])
    views = encoding.views(["", "zzz", "b c"])
    assert views["words"].shape[0] == 3
    assert np.isfinite(views["words"].toarray()).all()


def test_answers_that_are_no_label_are_unknown():
    """A list or a strange word is wrong, not an error."""
    codes = Labels(["yes", "no"], classes=True)
    assert codes.codes(["no", ["yes"], {"a": 1}, None, "maybe"]).tolist() == [1, -1, -1, -1, -1]
