import pytest

from seatrial.core.clock import TimeBudget
from seatrial.core.errors import DataError
from seatrial.evidence.recorder import conditions
from seatrial.measure.batching import measure_batching, part
from seatrial.models.subject import CallableSubject, subject_of
from seatrial.testing.clock import ManualClock
from seatrial.testing.scripted import ScriptedSubject

CLOCK = ManualClock()
AT = conditions("model@0", seed=3)
ROWS = [f"row {number}" for number in range(64)]


def measured(subject, rows=ROWS, seconds=120.0, clock=None, **options):
    budget = TimeBudget(seconds, clock=clock or ManualClock())
    return measure_batching(subject, rows, at=AT, budget=budget, **options)


def test_all_that_others_build_on_is_there():
    evidence = measured(ScriptedSubject(peak_bytes=lambda rows: 1000 * rows))
    assert evidence.kind == "batching"
    for name in ("items_per_s_max", "batch_best", "speedup", "bytes_per_row", "changed_answers"):
        assert evidence.has(name), name
    columns = {"batch", "items_per_s", "p50_ms", "p99_ms", "rounds", "peak_mib", "rss_mib"}
    assert all(columns <= row.keys() for row in evidence.table("sweep"))
    columns = {"company", "batch", "compared", "changed", "max_difference", "example"}
    assert all(columns <= row.keys() for row in evidence.table("company"))
    assert evidence.table("cliffs") == ()


def test_the_figures_are_those_of_the_script():
    clock = ManualClock()
    subject = ScriptedSubject(
        seconds=lambda rows: 1e-3 + 1e-4 * rows, peak_bytes=lambda rows: 500 * rows, clock=clock
    )
    evidence = measured(subject, clock=clock)
    assert evidence.value("batch_best").value == 256
    assert evidence.value("items_per_s_max").value == pytest.approx(256 / (1e-3 + 0.0256))
    assert evidence.value("speedup").value == pytest.approx(32 * 1.1e-3 / 4.2e-3)
    assert evidence.value("bytes_per_row").value == pytest.approx(500)
    assert evidence.value("changed_answers").n == 64


def test_a_cliff_reaches_the_table():
    clock = ManualClock()
    subject = ScriptedSubject(
        seconds=lambda rows: 1e-4 * rows * (2 if rows > 64 else 1), clock=clock
    )
    (cliff,) = measured(subject, clock=clock).table("cliffs")
    assert (cliff["batch_before"], cliff["batch"]) == (64, 128)
    assert cliff["ratio"] == pytest.approx(0.5)
    assert cliff["low"] <= cliff["ratio"] <= cliff["high"]


def test_what_cannot_be_seen_from_outside_is_unknown_and_says_why():
    evidence = measured(ScriptedSubject())
    for name in ("bytes_per_row", "per_row_share"):
        assert evidence.value(name).value is None
        assert evidence.value(name).note


def test_an_endpoint_of_single_inputs_has_no_sweep_but_company():
    class One(CallableSubject):
        takes_batches = False

    evidence = measured(One(lambda rows: rows))
    assert evidence.table("sweep") == ()
    assert evidence.value("batch_best").value is None
    assert evidence.value("changed_answers").n == 64
    assert any("requests at the same time" in text for text in evidence.criticisms)


def test_few_inputs_are_repeated_and_it_says_so():
    criticisms = measured(ScriptedSubject(), rows=["a", "b"]).criticisms
    assert any("2 inputs fill batches of up to 256" in text for text in criticisms)
    assert any("only 2 rows were compared" in text for text in criticisms)


def test_no_inputs_is_one_clear_line():
    with pytest.raises(DataError, match="no inputs"):
        measured(ScriptedSubject(), rows=[])


def test_a_model_that_answers_nothing_is_one_clear_line():
    def raises(rows):
        raise ValueError("no")

    with pytest.raises(DataError, match="answered none of 64 rows alone: the model raised"):
        measured(subject_of(raises))


def test_a_model_that_refuses_large_batches_is_measured_up_to_there():
    evidence = measured(ScriptedSubject(rows_max=50))
    assert max(row["batch"] for row in evidence.table("sweep")) == 32
    assert any("batch 64 was not answered" in text for text in evidence.criticisms)


def test_a_spent_budget_cuts_it_short_and_says_so():
    clock = ManualClock()
    subject = ScriptedSubject(seconds=lambda rows: 0.2 * rows, clock=clock)
    evidence = measured(subject, clock=clock, seconds=5.0)
    assert evidence.cut_short
    assert any("left out" in text for text in evidence.criticisms)


def test_the_same_seed_asks_the_same():
    first, second = ScriptedSubject(), ScriptedSubject()
    measured(first)
    measured(second)
    assert first.calls == second.calls


def test_a_part_is_of_the_whole_but_never_more_than_is_left():
    clock = ManualClock()
    budget = TimeBudget(10.0, clock=clock)
    assert part(budget, 0.5).seconds == 5.0
    clock.advance(8.0)
    assert part(budget, 0.5).seconds == pytest.approx(2.0)
