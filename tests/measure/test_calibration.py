import numpy as np
import pytest

from seatrial.evidence.recorder import conditions
from seatrial.measure.calibration import Scored, measure_calibration

AT = conditions("model@0", seed=5)


def drawn(rows, *, excess, seed=0):
    """Rows whose model says ``excess`` more than how often it is right."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0.4, 0.8, rows)
    right = (rng.random(rows) < truth).astype(float)
    return Scored((truth + excess).tolist(), right.tolist())


def test_a_planted_overconfidence_is_measured():
    evidence = measure_calibration(drawn(4000, excess=0.0), drawn(4000, excess=0.15, seed=1), at=AT)
    production = evidence.value("ece_production")
    # Noise adds to an error that is never negative; at 4,000 rows a standard error is 0.008.
    assert production.value == pytest.approx(0.15, abs=0.025)
    assert 0.1 < production.low <= production.value <= production.high < 0.2
    assert evidence.value("ece_eval").value < 0.05
    assert evidence.value("overconfidence_production").value == pytest.approx(0.15, abs=0.03)


def test_each_bin_of_each_set_is_in_the_table():
    evidence = measure_calibration(drawn(500, excess=0.0), drawn(500, excess=0.1), at=AT)
    bins = evidence.table("bins")
    for name in ("eval", "production"):
        own = [row for row in bins if row["on"] == name]
        assert sum(row["n"] for row in own) == 500
        assert [row["low"] for row in own] == sorted(row["low"] for row in own)


def test_a_model_without_confidence_is_unknown_and_not_perfect():
    evidence = measure_calibration(Scored([None] * 50, [1.0] * 50), None, at=AT)
    assert evidence.value("ece_eval").value is None
    assert evidence.value("ece_eval").note == "the model gives no confidence"
    assert evidence.value("ece_production").note == "there are no production rows"


def test_rows_without_a_label_are_left_out_and_counted():
    scored = drawn(400, excess=0.0)
    scores = [score if row % 2 else None for row, score in enumerate(scored.scores)]
    evidence = measure_calibration(scored, Scored(scored.confidences, scores), at=AT)
    assert evidence.value("ece_production").n == 200
    assert any("200 of 400 production rows" in one for one in evidence.criticisms)


def test_few_rows_are_criticised_with_what_noise_would_show():
    evidence = measure_calibration(drawn(60, excess=0.0), None, at=AT)
    assert any(one.startswith("60 eval rows") for one in evidence.criticisms)


def test_labels_without_any_answer_are_no_measurement():
    evidence = measure_calibration(Scored([], []), Scored([0.5], [None]), at=AT)
    assert evidence.value("ece_eval").note == "there are no eval rows"
    assert "no production row has both" in evidence.value("ece_production").note


def test_unequal_columns_are_an_error():
    with pytest.raises(ValueError, match=r"shorter|longer"):
        measure_calibration(Scored([0.5], []), None, at=AT)
