"""What confidence is worth: promises are made, held against reviews, and withdrawn in time."""

import hashlib
import re
from dataclasses import replace

import numpy as np
import pytest

from seatrial.evidence.confidence import Correctness
from seatrial.gap.confidence import confidence_evidence
from seatrial.gap.correctness import chance, features, fit
from seatrial.gap.gap import measure_gap
from seatrial.models.answers import Answer


def luck(text, salt):
    number = re.search(r"\d (\d+)", text).group(1)
    digest = hashlib.blake2b(number.encode(), digest_size=8, salt=bytes([salt])).digest()
    return int.from_bytes(digest) / 2**64


def sure_model(*, foreign=0.3, says=None):
    """A model that knows its chance; of other languages it says ``says``, or the truth."""

    def predict(texts):
        answers = []
        for text in texts:
            label = int(re.search(r"(\d) \d+", text).group(1))
            truly = foreign if "xx" in text else 0.55 + 0.44 * luck(text, 7)
            right = luck(text, 1) < truly
            said = says if says is not None and "xx" in text else truly
            answers.append(Answer(label if right else 1 - label, said))
        return answers

    return predict


@pytest.fixture
def case(world):
    """Return a maker of cases whose model says how sure it is."""

    def made(model, planted=None, **options):
        found = world.case(planted, **options)
        asked = model(found.eval.inputs)
        return replace(
            found,
            eval=replace(found.eval, original=asked, served=asked),
            production=replace(found.production, answers=model(found.production.inputs)),
            answer=model,
        )

    return made


def test_a_promise_that_eval_supports_is_kept_where_nothing_changed(case):
    found = measure_gap(case(sure_model(), n_eval=1000, n=800)).confidence
    assert found.promised.state == "made"
    assert found.promised.bound >= 0.8
    assert 0.3 < found.promised.share < 1.0
    assert found.delivered.state in {"kept", "open"}
    assert found.delivered.threshold == found.promised.threshold
    assert found.earned.state == "made"


def test_sure_and_wrong_in_another_language_breaks_it_and_reviews_find_another(case):
    gap = measure_gap(case(sure_model(says=0.97), {"language": 0.3}, n_eval=1000, n=1200))
    found = gap.confidence
    assert found.promised.state == "made"
    assert found.delivered.state == "broken"
    assert found.delivered.high < 0.8
    # Confidence is of no use; who knows the language can still answer.
    assert found.earned.state == "made"
    assert found.earned.by == "correctness"
    assert found.earned.accuracy >= 0.8
    assert found.correctness.features[0] == "confidence"


def test_the_pair_always_stands_together(case):
    gap = measure_gap(case(sure_model(), {"language": 0.2}, n_eval=800, n=1000))
    for one in (gap.confidence.promised, gap.confidence.delivered, gap.confidence.earned):
        assert one.correct_of_all == pytest.approx(one.share * one.accuracy)
    thresholds = [one for one in gap.closing.remedies if one.kind == "threshold"]
    assert {one.id for one in thresholds} == {"threshold:eval", "threshold:reviews"}
    for one in thresholds:
        assert one.points <= 0
        assert one.then.accuracy > gap.closing.now.accuracy
        assert one.then.share < gap.closing.now.share


def test_few_reviews_withdraw_it_and_say_how_many_would_do(case):
    gap = measure_gap(case(sure_model(), n_eval=1000, n=800, labelled=40))
    earned = gap.confidence.earned
    assert earned.state == "withdrawn"
    assert earned.threshold is None
    assert earned.wanted >= 80
    assert "40 labels cannot support this promise; about" in earned.why


def test_calibration_is_mended_on_eval_and_again_on_reviews(case):
    plain = sure_model()

    def sharp(texts):
        sharpened = []
        for answer in plain(texts):
            odds = (answer.confidence / (1 - answer.confidence)) ** 3
            sharpened.append(Answer(answer.output, odds / (1 + odds)))
        return sharpened

    found = measure_gap(case(sharp, n_eval=1000, n=800)).confidence
    assert [one.on for one in found.mendings] == ["eval", "production"]
    for one in found.mendings:
        assert one.method in {"temperature", "isotonic"}
        assert one.excess_low > 0.05
        assert one.after.value < one.before.value
        assert one.after.low <= one.after.value <= one.after.high


def test_a_model_without_confidence_is_told_so(world):
    found = measure_gap(world.case({"format": 0.2}, n_eval=100, n=100)).confidence
    assert found.promised is None
    assert "gives no confidence" in found.why


def test_without_confidence_the_correctness_model_can_still_promise(world):
    gap = measure_gap(world.case({"language": 0.4}, n_eval=150, n=1200))
    assert gap.confidence.promised is None
    assert gap.confidence.earned.by == "correctness"
    assert gap.confidence.earned.state == "made"
    assert "confidence" not in gap.confidence.correctness.features


def test_abstained_answers_count_where_they_are_known(case, changed):
    whole = case(sure_model(), n_eval=400, n=600)
    fates = [
        "abstained" if answer.confidence < 0.7 else "answered"
        for answer in whole.production.answers
    ]
    found = measure_gap(changed(whole, production={"fate": fates})).confidence
    same = measure_gap(whole).confidence
    assert found.earned.threshold == same.earned.threshold
    assert found.earned.share == pytest.approx(same.earned.share)


def test_failed_requests_are_never_answered(case, changed):
    whole = case(sure_model(), n_eval=400, n=600)
    answers = [None if row % 2 else one for row, one in enumerate(whole.production.answers)]
    fates = ["failed" if row % 2 else "answered" for row in range(600)]
    found = measure_gap(changed(whole, production={"answers": answers, "fate": fates})).confidence
    assert found.earned.share <= 0.5


def test_the_evidence_says_who_was_answered_and_how_sure_it_was(case):
    gap = measure_gap(case(sure_model(), n_eval=800, n=800))
    evidence = confidence_evidence(gap)
    assert evidence.value("answered_share").value == 1.0
    assert evidence.value("correct_of_all").value == gap.production.accuracy
    sure = evidence.value("sure_accuracy_production")
    assert sure.low <= evidence.value("sure_said_production").value <= sure.high


def test_a_fitted_model_in_plain_numbers_is_the_one_that_was_fitted():
    rng = np.random.default_rng(0)
    values = np.c_[rng.normal(size=800), rng.random(800), np.ones(800)]
    truth = 1 / (1 + np.exp(-(0.5 + 1.5 * values[:, 0] - 2 * values[:, 1])))
    right = (rng.random(800) < truth).astype(float)
    model = fit(("confidence", "language", "always"), values, right, np.ones(800))
    assert isinstance(model, Correctness)
    assert model.coefficients[2] == 0.0
    assert np.abs(chance(model, values) - truth).mean() < 0.05


def test_all_columns_of_a_table_are_one_feature():
    found = features(None, {"column:a": np.array([0.0, 1.0]), "column:b": np.array([1.0, 1.0])})
    assert found.names == ("columns",)
    assert found.values.ravel().tolist() == [0.5, 1.0]
