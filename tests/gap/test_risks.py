"""What each factor costs, from labels, from answers that change, and from how the model behaves."""

from dataclasses import replace

import numpy as np
import pytest

from seatrial.gap.accuracy import score_eval, score_production
from seatrial.gap.describing import describe_rows
from seatrial.gap.gap import measure_gap
from seatrial.gap.material import Undone
from seatrial.gap.risks import risk_evidence, risks
from seatrial.models.answers import Answer


def risks_of(case, *, undone=()):
    """Return what is known by factor, with nothing undone in labelled rows, or with something."""
    rng = np.random.default_rng(1)
    evals, scores = score_eval(case), score_production(case)
    described = describe_rows(case, case.production, scores, rng=rng)
    given = undone if scores.labelled.any() else None
    found = risks(case, case.production, evals, scores, described, undone=given, rng=rng)
    return {one.factor: one for one in found}


def without_labels(case, changed, answers=None):
    fields = {"labels": None}
    if answers is not None:
        fields["answers"] = answers
    return changed(case, production=fields)


@pytest.mark.parametrize("factor", ["language", "format", "tampering", "length"])
def test_with_labels_the_cost_is_what_was_planted(world, loss, factor):
    one = risks_of(world.case({factor: 0.4}))[factor]
    assert one.known_by == "labels"
    assert one.production_share == pytest.approx(0.4, abs=0.05)
    assert one.eval_share == 0
    assert one.p < 0.01
    assert one.low <= -40 * loss[factor] <= one.high


def rescored(rows, gain):
    return Undone(
        id="format", causal=True, use=1.0, rows=rows, gain=gain, gain_error=0.02, flips=0.3,
        moved=5.0, within=0.01,
    )  # fmt: skip


def test_what_was_undone_in_most_rows_is_known_best(world):
    one = risks_of(world.case({"format": 0.4}), undone=(rescored(600, 0.2),))["format"]
    assert one.points == pytest.approx(-100 * 0.2 * 600 / 1500)
    assert one.low < one.points < one.high < 0
    assert "re-scored with it undone: +20.0 points in 600 labelled rows" in one.why


def test_what_was_undone_in_few_rows_is_compared_instead(world, loss):
    one = risks_of(world.case({"format": 0.4}), undone=(rescored(20, 0.0),))["format"]
    assert one.low <= -40 * loss["format"] <= one.high


def test_what_did_not_shift_costs_nothing(world):
    for one in risks_of(world.case({"language": 0.4})).values():
        if one.factor != "language":
            assert one.p > 0.5
            assert one.points is None or abs(one.points) < 1


def test_a_shift_that_costs_nothing_is_told_so(world, changed):
    case = world.case({"length": 0.5})
    right = [Answer(label) for label in case.production.labels]
    one = risks_of(changed(case, production={"answers": right}))["length"]
    assert one.p < 0.01
    assert one.high > 0


def test_factors_that_always_come_together_are_not_told_apart(world):
    found = risks_of(world.case({"language": 0.4, "length": 0.0}))
    assert found["length"].known_by != "labels" or abs(found["length"].points) < 1


def test_without_labels_answers_that_change_bound_the_cost(world, changed, loss):
    one = risks_of(without_labels(world.case({"format": 0.5}), changed))["format"]
    assert one.known_by == "flips"
    assert one.low <= -50 * loss["format"]
    assert one.flips > 0


def test_without_labels_and_without_a_model_to_ask_nothing_is_known(world, changed):
    case = replace(without_labels(world.case({"format": 0.5}), changed), answer=None)
    assert risks_of(case)["format"].known_by == "nothing"


def test_a_repair_that_changes_nothing_bounds_nothing(world, changed):
    case = without_labels(world.case({"format": 0.5}), changed)

    class Idle(type(case.describer)):
        def repair(self, factor, inputs):
            return list(inputs)

    assert risks_of(replace(case, describer=Idle()))["format"].known_by == "nothing"


def test_without_labels_collapsed_answers_show_a_language_that_is_not_read(world, changed):
    case = world.case({"language": 0.4})
    answers = [
        Answer(0) if "xx" in text else answer
        for text, answer in zip(case.production.inputs, case.production.answers, strict=True)
    ]
    one = risks_of(without_labels(case, changed, answers))["language"]
    assert one.otherwise
    assert "collapsed" in one.why


def test_without_labels_lost_confidence_shows_it_too(world, changed):
    case = world.case({"language": 0.4})
    answers = [
        Answer(answer.output, 0.55 if "xx" in text else 0.95)
        for text, answer in zip(case.production.inputs, case.production.answers, strict=True)
    ]
    case = without_labels(case, changed, answers)
    sure = [Answer(one.output, 0.95) for one in case.eval.original]
    one = risks_of(changed(case, evals={"original": sure, "served": sure}))["language"]
    assert one.otherwise
    assert "less sure" in one.why


def test_without_labels_a_model_that_behaves_alike_is_left_open(world, changed):
    one = risks_of(without_labels(world.case({"language": 0.4}), changed))["language"]
    assert not one.otherwise
    assert one.points is None


def test_rows_drawn_by_lot_count_by_their_chances(world, changed, rng, loss):
    case = world.case({"language": 0.4}, n=3000)
    chances = np.where(rng.random(3000) < 0.5, 0.2, 0.8)
    kept = rng.random(3000) < chances
    labels = [
        label if keep else None for label, keep in zip(case.production.labels, kept, strict=True)
    ]
    case = changed(case, production={"labels": labels, "probabilities": chances.tolist()})
    one = risks_of(case)["language"]
    assert one.low <= -40 * loss["language"] <= one.high


def test_evidence_holds_every_factor_and_none_is_no_evidence(world):
    document = measure_gap(world.case({"language": 0.4}, n_eval=300, n=300))
    evidence = risk_evidence(document)
    assert [row["factor"] for row in evidence.table("factors")] == [
        "language",
        "length",
        "format",
        "tampering",
    ]
    assert evidence.id.startswith("risks-")
    blind = replace(world.case(n_eval=100, n=100), describer=None)
    assert risk_evidence(measure_gap(blind)) is None
