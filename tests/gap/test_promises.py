"""Promises from reviews hold as often as they say, by confidence or by the correctness model."""

import numpy as np
import pytest

from seatrial.gap.correctness import features
from seatrial.gap.promises import Everybody, Judged, Modelled, Target, delivered, earned, promised

TARGET = Target(0.8, 0.9)
ROWS, ROUNDS = 3_000, 80


class Requests:
    """A population in which some rows are foreign: the model is sure of those and wrong."""

    def __init__(self, *, foreign=0.3, honest=True, seed=0):
        rng = np.random.default_rng(seed)
        self.language = (rng.random(ROWS) < foreign).astype(float)
        truly = np.where(self.language > 0, 0.35, rng.uniform(0.5, 0.99, ROWS))
        self.right = (rng.random(ROWS) < truly).astype(float)
        self.sure = truly if honest else np.where(self.language > 0, 0.95, truly)

    def judged(self, rows):
        return Judged(self.sure[rows], self.right[rows], np.ones(len(rows)))

    def modelled(self, rows, rng):
        learned = np.zeros(len(rows), dtype=bool)
        learned[rng.permutation(len(rows))[: len(rows) // 2]] = True
        found = Modelled(
            features=features(self.sure, {"language": self.language}),
            answerable=np.ones(ROWS, dtype=bool),
            requests=np.ones(ROWS),
            reviewed=np.asarray(rows),
            scores=self.right[rows],
            weights=np.ones(len(rows)),
            learned=learned,
        )
        return found if found.possible else None

    @property
    def everybody(self):
        return Everybody(self.sure, np.ones(ROWS))

    def earned(self, n, seed):
        rng = np.random.default_rng(seed)
        rows = rng.choice(ROWS, n, replace=False)
        return earned(self.judged(rows), self.everybody, self.modelled(rows, rng), TARGET)

    def held(self, promise, model):
        """Return the true accuracy above the threshold."""
        selector = self.sure
        if model is not None:
            from seatrial.gap.correctness import chance

            selector = chance(model, features(self.sure, {"language": self.language}).values)
        return self.right[selector >= promise.threshold].mean()


@pytest.mark.parametrize("n", [250, 800])
@pytest.mark.parametrize("honest", [True, False], ids=["honest", "sure and wrong"])
def test_a_promise_from_reviews_is_broken_no_more_often_than_it_says(n, honest):
    requests = Requests(honest=honest)
    broken = 0
    for seed in range(ROUNDS):
        promise, model = requests.earned(n, seed)
        if promise.threshold is not None:
            broken += requests.held(promise, model) < TARGET.accuracy
    assert broken / ROUNDS <= 0.1 + 2 * np.sqrt(0.1 * 0.9 / ROUNDS)


def test_the_correctness_model_is_taken_where_it_answers_more():
    requests = Requests(honest=False)
    taken = [requests.earned(1000, seed)[0] for seed in range(10)]
    assert sum(one.by == "correctness" for one in taken) >= 9
    assert np.mean([one.share or 0.0 for one in taken]) > 0.3


def test_without_labels_enough_for_it_confidence_alone_is_tried():
    promise, model = Requests().earned(250, 1)
    assert promise.by == "confidence"
    assert model is None


def test_a_withdrawn_promise_says_how_many_labels_would_do():
    promise, _ = Requests().earned(40, 2)
    assert promise.state == "withdrawn"
    assert promise.share is None
    assert f"40 labels cannot support this promise; about {promise.wanted:,} would" in promise.why


def test_where_no_number_of_labels_is_known_to_do_none_is_given():
    requests = Requests()
    requests.right = np.zeros(ROWS)
    promise, _ = requests.earned(300, 3)
    assert promise.state == "withdrawn"
    assert promise.wanted is None
    assert "show no threshold" in promise.why


def test_what_is_delivered_is_kept_broken_or_open():
    requests, everybody = Requests(honest=False), Requests(honest=False).everybody
    rows = np.arange(1000)
    assert delivered(0.6, requests.judged(rows), everybody, TARGET).state == "broken"
    mixed = Judged(np.full(10, 0.9), np.r_[np.ones(8), np.zeros(2)], np.ones(10))
    few = delivered(0.72, mixed, everybody, TARGET)
    assert (few.state, few.n) == ("open", 10)
    assert "10 reviewed answers cannot tell" in few.why
    honest = Requests()
    assert delivered(0.8, honest.judged(rows), honest.everybody, TARGET).state == "kept"
    nobody = delivered(1.1, honest.judged(rows), honest.everybody, TARGET)
    assert (nobody.state, nobody.n, nobody.share) == ("open", 0, 0.0)


def test_eval_promises_what_eval_supports():
    rows = np.arange(ROWS)
    found = promised(Requests(foreign=0.0).judged(rows), TARGET)
    assert found.state == "made"
    assert found.bound >= 0.8
    never = promised(Judged(np.linspace(0, 1, 500), np.zeros(500), np.ones(500)), TARGET)
    assert never.state == "none"
    assert "no threshold keeps it on 500 eval rows" in never.why
