import msgspec
import pytest

from seatrial.core.settings import ServingSettings, Settings
from seatrial.evidence.recorder import Recorder, conditions
from seatrial.trials.failures.company import diagnose, judge_dependence, judge_overflow

AT = conditions("model@0")
CELL = {
    "company": "others",
    "batch": 2,
    "compared": 100,
    "changed": 14,
    "max_difference": 1.0,
    "example": "row: a alone, b in company",
    "refused": 0,
    "raised": "",
}
CONTROL = {
    "company": "others",
    "batch": 2,
    "row": 1,
    "position": 0,
    "tolerances": 1e12,
    "reproduced": True,
    "content": True,
    "position_decides": False,
}
ONSET = {
    "company": "others",
    "row": 1,
    "silent": 1,
    "batch": 2,
    "first_position": 0,
    "mixed": False,
    "raised": "",
    "status": None,
}


def evidence(cells=(CELL,), *, controls=(), onsets=(), changed=14, repeat=0, graded=True):
    recorder = Recorder("batching", at=AT)
    recorder.table("company", cells)
    recorder.table("controls", controls)
    recorder.table("onsets", onsets)
    recorder.value("changed_answers", changed, "answers", n=100)
    recorder.value("repeat_changed", repeat, "answers", n=100)
    recorder.value("graded", float(graded))
    return recorder.finish()


def several(row, **changes):
    return [{**row, "row": number, **changes} for number in range(5)]


def test_neighbours_that_act_in_pairs_are_content():
    found = diagnose(evidence(controls=several(CONTROL), onsets=[ONSET]))
    assert found.cause == "content"
    assert found.figure.startswith("14 of 100 answers change at batch 2 (others)")


def test_identical_rows_answered_otherwise_behind_a_place_are_a_counter():
    found = diagnose(
        evidence(
            controls=several(CONTROL, batch=64, position=40, position_decides=True),
            onsets=[
                {
                    **ONSET,
                    "company": "copies of itself",
                    "batch": 33,
                    "first_position": 32,
                    "mixed": True,
                }
            ],
        )
    )
    assert found.cause == "counter"
    assert "from batch 33 on" in found.figure


def test_a_wrap_that_hits_another_row_shows_by_its_place_alone():
    """Copies stay right when a row gets the answer of a copy of itself."""
    found = diagnose(
        evidence(
            controls=several(CONTROL, batch=64, position=40, position_decides=True),
            onsets=[{**ONSET, "batch": 33}],
        )
    )
    assert found.cause == "counter"


def test_a_wrap_within_a_few_long_rows_is_still_a_counter():
    found = diagnose(
        evidence(
            controls=several(CONTROL, position=1, position_decides=True),
            onsets=[
                ONSET,
                {
                    **ONSET,
                    "company": "copies of itself",
                    "batch": 12,
                    "first_position": 11,
                    "mixed": True,
                },
            ],
        )
    )
    assert found.cause == "counter"


def test_statistics_used_from_some_size_on_are_content():
    copies = [{**ONSET, "company": "copies of itself", "row": row, "batch": 8} for row in (1, 2)]
    found = diagnose(evidence(controls=several(CONTROL, batch=8), onsets=copies))
    assert found.cause == "content"


def test_sums_that_begin_to_wrap_elsewhere_for_every_row_are_a_counter():
    copies = [
        {**ONSET, "company": "copies of itself", "row": row, "batch": 8 + row} for row in (1, 2)
    ]
    found = diagnose(evidence(controls=several(CONTROL, batch=16), onsets=copies))
    assert found.cause == "counter"


def test_what_does_not_come_back_is_nothing():
    assert diagnose(evidence(controls=several(CONTROL, reproduced=False))).cause == "none"


@pytest.mark.parametrize(("tolerances", "cause"), [(50.0, "none"), (1e6, "content")])
def test_a_slight_change_by_size_alone_is_arithmetic(tolerances, cause):
    controls = several(CONTROL, content=False, tolerances=tolerances)
    assert diagnose(evidence(controls=controls, onsets=[ONSET])).cause == cause


@pytest.mark.parametrize(("changed", "cause"), [(14, "none"), (60, "content")])
def test_labels_that_size_alone_changes_are_ties_unless_they_are_many(changed, cause):
    controls = several(CONTROL, content=False)
    found = diagnose(evidence(controls=controls, onsets=[ONSET], changed=changed, graded=False))
    assert found.cause == cause


def test_one_row_without_scores_can_be_a_tie():
    found = diagnose(evidence(controls=[CONTROL], onsets=[ONSET], changed=1, graded=False))
    assert found.cause == "none"


def test_a_model_that_is_not_sure_of_itself_hides_the_effect():
    found = diagnose(evidence(controls=several(CONTROL), onsets=[ONSET], repeat=15))
    assert found.cause == "unknown"
    assert "15 of 100 answers differ when the same is asked again" in found.figure


def test_an_effect_far_beyond_the_noise_is_seen_through_it():
    cells = [{**CELL, "compared": 1000, "changed": 900}]
    found = diagnose(evidence(cells, controls=several(CONTROL), onsets=[ONSET], repeat=5))
    assert found.cause == "content"


REFUSED = {
    **CELL,
    "compared": 0,
    "changed": 0,
    "refused": 4,
    "raised": "ValueError: inhomogeneous shape",
}


def test_rows_that_are_refused_together_but_not_as_copies_are_content():
    cells = [REFUSED, {**CELL, "company": "copies of itself", "changed": 0}]
    found = diagnose(evidence(cells, changed=0, onsets=[{**ONSET, "raised": "ValueError"}]))
    assert found.cause == "content"


@pytest.mark.parametrize(
    ("raised", "status", "cause"),
    [
        ("OverflowError", None, "counter"),
        ("IndexError", None, "counter"),
        ("non-finite-output", None, "counter"),
        ("model-error", 500, "counter"),
        ("ValueError", None, "none"),
        ("input-invalid", 413, "none"),
    ],
)
def test_what_large_batches_raise_decides(raised, status, cause):
    cells = [{**REFUSED, "batch": 256}, {**CELL, "batch": 128, "changed": 0}]
    onset = {**ONSET, "batch": 129, "raised": raised, "status": status}
    found = diagnose(evidence(cells, changed=0, onsets=[onset]))
    assert found.cause == cause
    assert "129" in found.figure


def test_nothing_compared_is_unknown():
    nothing = evidence([{**CELL, "compared": 0, "changed": 0}], changed=0)
    for judge in (judge_dependence, judge_overflow):
        assert judge(nothing, Settings()).found is None


def test_one_cause_is_named_by_one_id():
    content = evidence(controls=several(CONTROL), onsets=[ONSET])
    assert judge_dependence(content, Settings()).found is True
    assert judge_overflow(content, Settings()).found is False
    assert judge_dependence(content, Settings()).contained_by == "[serving] batch_max = 1"


@pytest.mark.parametrize(("batch_max", "words"), [(16, "already keeps"), (64, "would keep")])
def test_an_overflow_says_what_contains_it(batch_max, words):
    settings = msgspec.structs.replace(Settings(), serving=ServingSettings(batch_max=batch_max))
    controls = several(CONTROL, batch=64, position=40, position_decides=True)
    seen = evidence(controls=controls, onsets=[{**ONSET, "batch": 33}])
    result = judge_overflow(seen, settings)
    assert result.found is True
    assert words in result.contained_by
    assert result.evidence == (seen.id,)
