"""The whole measurement on planted truth: sums, states, intervals, blame."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from seatrial.core.errors import DataError, UnknownNameError
from seatrial.evidence.gap import GapDocument
from seatrial.gap.gap import measure_gap
from seatrial.models.answers import Answer


def by_id(document):
    return {step.id: step for step in document.steps}


def assert_sums(document):
    assert sum(step.points for step in document.steps) == pytest.approx(
        document.drop_points, abs=1e-9
    )
    for step in document.steps:
        assert step.low <= step.points <= step.high


class TestPlantedTruth:
    def test_no_shift_blames_nobody(self, world):
        document = measure_gap(world.case())
        assert_sums(document)
        for step in document.steps:
            if step.kind != "remainder":
                assert abs(step.points) <= 0.3

    @pytest.mark.parametrize("factor", ["format", "tampering"])
    def test_what_can_be_undone_is_blamed_causally(self, world, loss, factor):
        document = measure_gap(world.case({factor: 0.4}))
        step = by_id(document)[factor]
        assert_sums(document)
        assert step.kind == "causal"
        assert step.low <= -40 * loss[factor] <= step.high
        assert abs(by_id(document)["remainder"].points) <= 3

    @pytest.mark.parametrize("factor", ["language", "length"])
    def test_what_cannot_be_undone_is_an_association(self, world, loss, factor):
        document = measure_gap(world.case({factor: 0.4}, n_eval=3000, n=3000))
        step = by_id(document)[factor]
        assert_sums(document)
        assert step.kind == "association"
        assert step.low <= -40 * loss[factor] <= step.high
        assert abs(by_id(document)["remainder"].points) <= 3

    def test_two_at_once_each_get_their_own(self, world, loss):
        document = measure_gap(world.case({"language": 0.3, "format": 0.5}, n=3000))
        steps = by_id(document)
        assert_sums(document)
        for factor, share in (("language", 30), ("format", 50)):
            assert steps[factor].low <= -share * loss[factor] <= steps[factor].high
        for factor in ("tampering", "length"):
            assert abs(steps[factor].points) <= 0.3

    def test_a_factor_everywhere_is_blamed_and_the_reader_told(self, world, loss):
        document = measure_gap(world.case({"language": 1.0}))
        assert by_id(document)["language"].points == pytest.approx(-100 * loss["language"], abs=5)
        assert any("cannot be told apart" in text for text in document.criticisms)

    def test_a_factor_as_common_in_eval_explains_nothing(self, world, changed):
        case = world.case({"format": 0.3})
        twin = world.case({"format": 0.3}, n=1500)
        rows = twin.production
        asked = [Answer(answer.output) for answer in rows.answers]
        case = changed(
            case, evals={"inputs": rows.inputs, "labels": rows.labels, "original": asked,
                         "served": asked},
        )  # fmt: skip
        assert abs(by_id(measure_gap(case))["format"].points) <= 1.5

    def test_a_hidden_fault_stays_in_the_remainder(self, world, changed, rng):
        case = world.case()
        spoilt = [
            Answer(1 - answer.output) if rng.random() < 0.2 else answer
            for answer in case.production.answers
        ]
        document = measure_gap(changed(case, production={"answers": spoilt}))
        assert by_id(document)["remainder"].points == pytest.approx(-14, abs=4)
        assert any("explained by no factor" in text for text in document.criticisms)

    def test_without_a_model_to_ask_everything_is_an_association(self, world, loss):
        document = measure_gap(replace(world.case({"format": 0.4}, n=3000), answer=None))
        step = by_id(document)["format"]
        assert step.kind == "association"
        assert step.points == pytest.approx(-40 * loss["format"], abs=2.5)

    def test_a_repair_that_harms_is_not_used(self, world):
        case = world.case({"tampering": 0.4})

        class Harmful(type(case.describer)):
            def repair(self, factor, inputs):
                return [f"xx{text}" for text in inputs] if factor == "tampering" else None

        document = measure_gap(replace(case, describer=Harmful()))
        assert by_id(document)["tampering"].kind == "association"
        assert any("made answers worse" in text for text in document.criticisms)


class TestFates:
    def test_what_was_not_answered_is_wrong_and_has_its_steps(self, world, changed, rng):
        case = world.case(n=3000)
        draw = rng.random(3000)
        fate = np.where(draw < 0.2, "abstained", np.where(draw < 0.3, "failed", "answered"))
        answers = [
            None if one == "failed" else answer
            for one, answer in zip(fate, case.production.answers, strict=True)
        ]
        document = measure_gap(
            changed(case, production={"fate": fate.tolist(), "answers": answers})
        )
        steps = by_id(document)
        assert_sums(document)
        assert steps["abstained"].points == pytest.approx(-20 * 0.85, abs=1.5)
        assert steps["failed"].points == pytest.approx(-10 * 0.85, abs=1.5)
        assert steps["abstained"].kind == steps["failed"].kind == "causal"
        assert document.answered.share == pytest.approx(0.7, abs=0.03)
        assert document.answered.accuracy == pytest.approx(0.85, abs=0.03)
        assert document.answered.correct_of_all == document.production.accuracy
        assert document.production.accuracy == pytest.approx(0.6, abs=0.03)

    def test_failures_that_fail_again_are_taken_to_be_as_usual(self, world, changed):
        case = world.case(n=2000)
        answers = [None] * 200 + list(case.production.answers[200:])
        labels = [None] * 200 + list(case.production.labels[200:])
        document = measure_gap(changed(case, production={"answers": answers, "labels": labels}))
        step = by_id(document)["failed"]
        assert step.points == pytest.approx(-10 * 0.85, abs=1)
        assert step.kind == "association"
        assert document.production.n == 2000

    def test_serving_is_not_blamed_for_abstaining_on_eval(self, world, changed):
        case = world.case()
        fate = ["abstained"] * 500 + ["answered"] * 1000
        document = measure_gap(changed(case, evals={"served_fate": fate}))
        assert by_id(document)["serving"].points == 0
        assert document.served.accuracy < document.eval.accuracy - 0.2


class TestThePath:
    def test_precision_and_serving_come_first_and_are_paired(self, world, changed):
        case = world.case()
        original = [Answer(label) for label in case.eval.labels]
        variant = [Answer(1 - label) for label in case.eval.labels[:150]] + original[150:]
        served = [Answer(1 - label) for label in case.eval.labels[:225]] + original[225:]
        document = measure_gap(
            changed(case, evals={"original": original, "variant": variant, "served": served})
        )
        first, second = document.steps[:2]
        assert_sums(document)
        assert (first.id, first.points) == ("precision", pytest.approx(-10))
        assert (second.id, second.points) == ("serving", pytest.approx(-5))
        assert first.kind == second.kind == "causal"
        assert first.high < 0

    def test_serving_that_was_not_measured_is_said_to_be_so(self, world, changed):
        document = measure_gap(changed(world.case(), evals={"served": None}))
        assert "serving" not in by_id(document)
        assert document.served is None
        assert any("served accuracy was not measured" in text for text in document.criticisms)


class TestLabels:
    def test_no_labels_are_unknown_with_what_would_help(self, world, changed):
        document = measure_gap(changed(world.case(), production={"labels": None}))
        assert document.production.state == "unknown"
        assert document.steps is None
        assert document.production.accuracy is document.drop_points is None
        assert "200 reviews give" in document.production.why

    def test_no_production_rows_are_unknown(self, world):
        document = measure_gap(replace(world.case(), production=None))
        assert document.production.state == "unknown"
        assert document.steps is None

    def test_a_few_labels_are_enough_for_a_wide_ledger(self, world, loss):
        document = measure_gap(world.case({"format": 0.4}, labelled=200, n=3000))
        step = by_id(document)["format"]
        assert_sums(document)
        assert document.production.n == 200
        assert step.low <= -40 * loss["format"] <= step.high

    def test_labels_of_another_type_are_an_error(self, world, changed):
        case = world.case()
        labels = [str(label) for label in case.production.labels]
        with pytest.raises(DataError, match=r"number .* text"):
            measure_gap(changed(case, production={"labels": labels}))

    def test_an_unknown_metric_is_an_error(self, world):
        with pytest.raises(UnknownNameError):
            measure_gap(replace(world.case(), metric="f-measure"))

    def test_a_metric_of_ones_own_is_used(self, world):
        document = measure_gap(replace(world.case(), metric="m:half", score=lambda *_: 0.5))
        assert document.eval.accuracy == document.production.accuracy == 0.5
        assert_sums(document)

    def test_a_shifted_label_mix_is_told(self, world, changed):
        case = world.case(n=2000)
        rows = [i for i, y in enumerate(case.production.labels) if y == 1 or i % 4 == 0]
        some = {
            name: [getattr(case.production, name)[row] for row in rows]
            for name in ("inputs", "answers", "labels")
        }
        document = measure_gap(changed(case, production=some))
        assert any("mixed otherwise" in text for text in document.criticisms)


def test_the_same_seed_gives_the_same_document(world):
    case = world.case({"language": 0.3, "format": 0.3}, n=400, n_eval=400)
    first, second = measure_gap(case), measure_gap(case)
    assert msgspec.structs.asdict(first) | {"duration_s": 0, "started": ""} == (
        msgspec.structs.asdict(second) | {"duration_s": 0, "started": ""}
    )


def test_the_document_survives_json(world):
    document = measure_gap(world.case({"format": 0.3}, n=300, n_eval=300))
    assert msgspec.json.decode(msgspec.json.encode(document), type=GapDocument) == document


def test_a_regression_within_a_tolerance(rng, world, changed):
    truth = rng.normal(size=1000)
    close = [Answer(float(value)) for value in truth + 0.1]
    far = [Answer(float(v + (2.0 if i < 300 else 0.1))) for i, v in enumerate(truth)]
    case = changed(
        world.case(n=1000, n_eval=1000),
        evals={"labels": truth.tolist(), "original": close, "served": close},
        production={"labels": truth.tolist(), "answers": far},
        metric="within:0.5",
        task="regression",
        metrics=None,
        describer=None,
    )
    document = measure_gap(case)
    assert (document.eval.accuracy, document.production.accuracy) == (1.0, 0.7)
    assert {(one.name, one.on) for one in document.metrics} >= {("mae", "eval"), ("rmse", "eval")}
    assert by_id(document)["remainder"].points == pytest.approx(-30)


@pytest.mark.slow
@pytest.mark.parametrize("labelled", [None, 200])
def test_intervals_cover_planted_truth(world, loss, labelled):
    """Nine in ten intervals hold what was planted, over repetitions."""
    planted = {"language": 0.3, "format": 0.4}
    held = []
    for _ in range(60):
        steps = by_id(measure_gap(world.case(planted, labelled=labelled, n=1500)))
        held += [
            steps[name].low <= -100 * share * loss[name] <= steps[name].high
            for name, share in planted.items()
        ]
    assert np.mean(held) >= 0.88
