import pytest

from seatrial.core.clock import TimeBudget
from seatrial.core.errors import DataError
from seatrial.evidence.recorder import conditions
from seatrial.measure.variants.comparison import Labelled, NotMade, measure_variants
from seatrial.stats.intervals import paired_difference
from seatrial.testing.clock import ManualClock
from seatrial.testing.scripted import ScriptedSubject

AT = conditions("model@0")
ROWS = list(range(200))
LABELS = [number % 2 for number in ROWS]


def right(rows):
    return [row % 2 for row in rows]


def wrong_on_tens(rows):
    return [row % 2 if row % 10 else 1 - row % 2 for row in rows]


def compared(variants, *, predict=right, labels=LABELS, clock=None, seconds=60.0, **options):
    clock = clock or ManualClock()
    original = ScriptedSubject(predict, seconds=lambda rows: 2e-3 * rows, clock=clock)
    evidence = measure_variants(
        original,
        variants(clock) if callable(variants) else variants,
        Labelled(ROWS, labels),
        at=AT,
        budget=TimeBudget(seconds, clock=clock),
        **options,
    )
    return {row["name"]: row for row in evidence.table("variants")}, evidence


def cheaper(predict):
    return lambda clock: {
        "cheap": ScriptedSubject(predict, seconds=lambda rows: 1e-3 * rows, clock=clock)
    }


def test_the_loss_comes_with_its_paired_interval():
    rows, _ = compared(cheaper(wrong_on_tens))
    before, after = [1.0] * 200, [0.0] * 20 + [1.0] * 180
    interval = paired_difference(before, after)
    assert rows["cheap"]["change_points"] == pytest.approx(-10.0)
    assert rows["cheap"]["low"] == pytest.approx(100 * interval.low)
    assert rows["cheap"]["high"] == pytest.approx(100 * interval.high)
    assert (rows["cheap"]["n"], rows["cheap"]["changed_answers"]) == (200, 20)


def test_the_original_stands_first_with_a_change_of_nothing():
    rows, evidence = compared(cheaper(right))
    assert evidence.table("variants")[0]["name"] == "original"
    assert rows["original"]["accuracy"] == 1.0
    assert rows["original"]["change_points"] == rows["original"]["low"] == 0.0


def test_speed_is_that_of_the_script():
    rows, _ = compared(cheaper(right), batch=50)
    assert rows["cheap"]["speedup"] == pytest.approx(2.0)
    assert rows["cheap"]["p50_ms"] == pytest.approx(1.0)
    assert rows["cheap"]["items_per_s"] == pytest.approx(1000.0)


def test_what_was_not_made_says_why():
    absent = {"int8": NotMade("no such operators"), "fp32": NotMade("crashed", failed=True)}
    rows, _ = compared(absent)
    assert (rows["int8"]["state"], rows["int8"]["why"]) == ("not_applicable", "no such operators")
    assert rows["fp32"]["state"] == "failed"
    assert rows["int8"]["change_points"] is None


def test_a_variant_that_raises_has_failed():
    def raises(batch):
        raise ValueError("no such feature")

    rows, _ = compared(cheaper(raises))
    assert rows["cheap"]["state"] == "failed"
    assert "no such feature" in rows["cheap"]["why"]


@pytest.mark.parametrize(
    ("predict", "production", "state", "why"),
    [
        (right, ROWS, "measured", ""),
        (right, [], "not_applicable", "there are none"),
        (wrong_on_tens, ROWS, "not_applicable", "40 of 400 answers differ"),
    ],
)
def test_converted_preprocessing_counts_only_where_every_answer_is_the_same(
    predict, production, state, why
):
    rows, _ = compared(cheaper(predict), production=production, must_equal=["cheap"])
    assert rows["cheap"]["state"] == state
    assert why in rows["cheap"]["why"]


def test_sizes_are_shown_where_they_are_known():
    rows, _ = compared(cheaper(right), sizes_bytes={"cheap": 3 * 1024**2})
    assert rows["cheap"]["size_mib"] == 3.0
    assert rows["original"]["size_mib"] is None


def test_rows_without_a_label_are_left_out():
    rows, evidence = compared(cheaper(right), labels=[None] * 150 + LABELS[150:])
    assert rows["cheap"]["n"] == 50
    assert any("50 labelled rows" in text for text in evidence.criticisms)


def test_no_label_at_all_is_one_clear_line():
    with pytest.raises(DataError, match="no rows with a label"):
        compared(cheaper(right), labels=[None] * 200)


def test_a_short_budget_gives_every_version_the_same_rows():
    rows, evidence = compared(cheaper(wrong_on_tens), seconds=0.3)
    assert rows["cheap"]["n"] == rows["original"]["n"] < 200
    assert evidence.cut_short
