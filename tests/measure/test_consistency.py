"""The same question asked twice: what changes is counted, and charged to what changed it."""

import itertools

import numpy as np
import pytest

from seatrial.core.clock import TimeBudget
from seatrial.core.errors import ModelRaisedError
from seatrial.core.settings import parse
from seatrial.evidence.recorder import conditions
from seatrial.measure.consistency import measure_consistency
from seatrial.models.subject import subject_of
from seatrial.stats.scores import row_scores
from seatrial.testing.clock import ManualClock
from seatrial.trials.failures.consistency import judge_consistency

SETTINGS = parse({"model": {"load": "model:load"}}, environment={})
TEXTS = [f"The parcel number {row} is not here" for row in range(150)]


def measured(model, inputs=None, **options):
    return measure_consistency(
        subject_of(model), TEXTS if inputs is None else inputs, at=conditions("m@1"), **options
    )


def edits(evidence):
    return {row["edit"]: row for row in evidence.table("edits")}


def careful(texts):
    return [len(text.lower().split()) % 3 for text in texts]


def test_a_model_that_reads_words_alone_answers_the_same():
    evidence = measured(lambda texts: ["here" if "is" in text.lower() else "" for text in texts])
    assert evidence.value("changed_repeat").value == 0
    assert evidence.value("changed_company").value == 0
    assert evidence.value("changed_reworded").value == 0
    assert judge_consistency(evidence, SETTINGS).found is False


def test_an_edit_that_changes_answers_is_named_with_examples():
    evidence = measured(lambda texts: [text[0].isupper() for text in texts])
    assert edits(evidence)["case"]["rate"] == 1.0
    assert edits(evidence)["quotes"]["rate"] == 1.0
    assert evidence.table("edits")[0]["rate"] == 1.0
    example = next(row for row in evidence.table("examples") if row["edit"] == "case")
    assert (example["answer"], example["answer_edited"]) == (True, False)
    result = judge_consistency(evidence, SETTINGS)
    assert result.found is True
    assert "case" in result.figure


def test_dice_are_charged_to_repetition_and_not_to_wording():
    rng = np.random.default_rng(0)
    evidence = measured(lambda texts: [bool(rng.random() < 0.3) for _ in texts])
    assert evidence.value("changed_repeat").low > 0.3
    assert all(row["excess_low"] < 0.07 for row in evidence.table("edits"))
    assert "exactly the same is asked again" in judge_consistency(evidence, SETTINGS).figure


def test_what_neighbours_change_is_shown_and_judged_elsewhere():
    evidence = measured(lambda texts: [len(texts) > 1 for _ in texts])
    assert evidence.value("changed_company").value == 1.0
    assert judge_consistency(evidence, SETTINGS).found is False


def test_one_tie_in_many_repetitions_is_no_failure():
    turns = itertools.count()
    evidence = measured(lambda texts: [next(turns) == 2 for _ in texts])
    assert judge_consistency(evidence, SETTINGS).found is False


def test_numbers_may_differ_by_what_the_metric_calls_close():
    def same(outputs, references):
        return row_scores(outputs, references, metric="within:0.5")

    def model(texts):
        return [float(len(text) > 1_000) + 0.1 * text[0].isupper() for text in texts]

    assert measured(model, same=same).value("changed_reworded").value == 0
    assert measured(model).value("changed_reworded").value > 0.1


def test_what_an_edit_costs_is_told_where_labels_are_known():
    evidence = measured(lambda texts: [text[0].isupper() for text in texts], labels=[True] * 150)
    row = edits(evidence)["case"]
    assert row["accuracy_points"] == -100
    assert row["points_high"] < -90


def test_a_refused_edit_is_another_answer_and_a_refused_row_says_nothing():
    def model(texts):
        if any(text.startswith("Hello") or " 7 " in text for text in texts):
            raise ValueError("no greetings")
        return ["a"] * len(texts)

    evidence = measured(model)
    assert edits(evidence)["greeting"]["rate"] == 1.0
    assert any("were not answered as they are" in text for text in evidence.criticisms)


def test_a_model_that_answers_nothing_proves_nothing():
    def model(texts):
        raise ModelRaisedError("down")

    evidence = measured(model)
    assert not evidence.has("changed_repeat")
    assert judge_consistency(evidence, SETTINGS).found is None


def test_few_rows_are_said_to_be_few():
    assert judge_consistency(measured(careful, TEXTS[:12]), SETTINGS).found is None
    assert any("give fair rates" in text for text in measured(careful, TEXTS[:12]).criticisms)


def test_a_short_budget_asks_fewer_rows_and_says_so():
    clock = ManualClock()

    def model(texts):
        clock.advance(0.01)
        return careful(texts)

    evidence = measured(model, budget=TimeBudget(2.0, clock=clock))
    assert evidence.cut_short
    assert 5 < evidence.value("changed_repeat").n < 100


def test_tables_are_asked_in_another_order_of_fields():
    records = [{"a": row, "b": row % 7} for row in range(60)]
    evidence = measured(lambda rows: [next(iter(row)) for row in rows], records)
    assert edits(evidence)["field order"]["rate"] == 1.0


@pytest.mark.parametrize("inputs", [[], [[1.0, 2.0]] * 40])
def test_inputs_without_edits_are_only_repeated(inputs):
    evidence = measured(lambda rows: [0] * len(rows), inputs)
    assert evidence.table("edits") == ()
    assert not evidence.has("changed_reworded")
