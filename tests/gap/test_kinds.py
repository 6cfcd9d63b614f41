"""Kinds of text are learned from the rows at hand, whatever the mix of labels."""

import numpy as np

from seatrial.gap.kinds import Side, domains, label_weights, strangeness

FILMS = ["plot", "actor", "scene", "camera", "director", "story", "cast", "score", "screen"]
SHOPS = ["parcel", "refund", "order", "courier", "invoice", "basket", "price", "stock"]


def texts(words, n, rng):
    return [" ".join(rng.choice(words, 8)) for _ in range(n)]


def test_the_share_of_another_kind_is_found(rng):
    evals = texts(FILMS, 500, rng)
    there = texts(FILMS, 300, rng) + texts(SHOPS, 200, rng)
    found = strangeness(evals, there, eval_weights=np.ones(500), rng=rng)
    assert found[:300].mean() < 0.35
    assert found[300:].mean() > 0.9


def test_the_same_kind_is_not_strange(rng):
    found = strangeness(
        texts(FILMS, 500, rng), texts(FILMS, 500, rng), eval_weights=np.ones(500), rng=rng
    )
    assert found.max() == 0.0


def test_eval_rows_that_users_send_again_are_of_evals_kind(rng):
    evals = [f"{' '.join(rng.choice(FILMS, 3))} title{row} year{row}" for row in range(400)]
    there = evals + texts(SHOPS, 200, rng)
    found = strangeness(evals, there, eval_weights=np.ones(400), rng=rng)
    assert found[:400].mean() < 0.35
    assert found[400:].mean() > 0.9


def test_a_shifted_label_mix_is_no_kind(rng):
    def labelled(n, share):
        labels = (rng.random(n) < share).astype(int)
        words = [[*FILMS, "good", "good"] if y else [*FILMS, "bad", "bad"] for y in labels]
        return [" ".join(rng.choice(one, 8)) for one in words], labels.tolist()

    evals, ours = labelled(600, 0.5)
    there, theirs = labelled(600, 0.85)
    naive = strangeness(evals, there, eval_weights=np.ones(600), rng=rng)
    weighed = strangeness(evals, there, eval_weights=label_weights(ours, theirs), rng=rng)
    assert weighed.mean() < 0.5 * naive.mean()


def test_too_few_texts_teach_nothing(rng):
    assert strangeness(["a"] * 10, ["b"] * 10, eval_weights=np.ones(10), rng=rng) is None
    silent = [""] * 300
    assert strangeness(silent, silent, eval_weights=np.ones(300), rng=rng) is None


def test_rows_with_a_more_specific_factor_have_no_domain(rng):
    evals, there = texts(FILMS, 400, rng), texts(FILMS, 200, rng) + texts(SHOPS, 200, rng)
    foreign = np.r_[np.zeros(300), np.ones(100)]
    ours = Side(evals, {"domain": np.zeros(400), "language": np.zeros(400)}, [1] * 400)
    theirs = Side(there, {"domain": np.zeros(400), "language": foreign}, [1] * 400)
    before, here = domains(ours, theirs, rng=rng)
    assert before.max() == 0
    assert here[200:300].mean() > 0.9
    assert here[300:].max() == 0


def test_with_few_rows_the_describers_distance_stands(rng):
    side = Side(["a"] * 5, {"domain": np.full(5, 0.7), "length": np.zeros(5)}, [1] * 5)
    before, here = domains(side, side, rng=rng)
    assert before.tolist() == here.tolist() == [0.7] * 5


def test_many_labels_are_not_weighed():
    assert label_weights(list(range(50)), list(range(50))).tolist() == [1.0] * 50
