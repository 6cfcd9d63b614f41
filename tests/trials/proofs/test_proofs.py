"""Proofs: nothing passes by default, and every verdict follows from a figure."""

import msgspec
import pytest

from seatrial.core import plugins, settings
from seatrial.evidence.confidence import Confidence, Promise
from seatrial.evidence.documents import Evidence, Value
from seatrial.evidence.findings import FailureResult
from seatrial.evidence.gap import Estimate, GapDocument, Production, Step
from seatrial.evidence.machine import describe
from seatrial.trials.case import Case

MACHINE = describe()


def evidence(kind, values=(), tables=None, **fields):
    return Evidence(
        kind=kind,
        release="m@1",
        machine=MACHINE,
        started="2026-01-01",
        duration_s=1.0,
        values=tuple(values),
        tables=tables or {},
        **fields,
    )


def case(*, evidences=(), failures=(), gap=None, rows=None, inside=True, reasons=None, **sections):
    document = {"model": {"load": "model:load"}, **sections}
    return Case(
        settings=settings.parse(document, environment={}),
        release="m@1",
        machine=MACHINE,
        inside=inside,
        rows=rows or {},
        evidence={document.kind: document for document in evidences},
        failures={failure.id: failure for failure in failures},
        gap=gap,
        reasons=reasons or {},
    )


def prove(item, given):
    return plugins.proofs.get(item)(given)


def value(name, number, **fields):
    return Value(name=name, value=number, **fields)


@pytest.mark.parametrize("item", plugins.proofs.names())
def test_nothing_passes_without_evidence(item):
    result = prove(item, case())
    assert result.status == "unmeasured"
    assert result.because


@pytest.mark.parametrize("item", plugins.proofs.names())
def test_a_reason_why_a_measurement_failed_is_passed_on(item):
    kinds = ("batching", "variants", "latency", "start", "calibration", "gap")
    result = prove(item, case(reasons=dict.fromkeys(kinds, "the disk was full")))
    assert result.status == "unmeasured"
    assert "disk was full" in result.because or item == "production-sample"


class TestBatchProfile:
    SWEEP = tuple({"batch": size, "items_per_s": 10.0 * size} for size in (1, 32, 64, 128, 256))
    LOOKED_FOR = tuple(
        FailureResult(id=name, found=False)
        for name in (
            "batch-dependent-output",
            "integer-overflow",
            "row-loop",
            "batch-cliff",
            "memory-pressure",
        )
    )

    def sweep(self, rows=SWEEP):
        values = (
            value("items_per_s_max", 2560.0),
            value("batch_best", 256.0),
            value("speedup", 256.0),
            value("changed_answers", 0.0, n=400),
        )
        return evidence("batching", values, {"sweep": rows})

    def test_a_clean_sweep_passes(self):
        result = prove("batch-profile", case(evidences=[self.sweep()], failures=self.LOOKED_FOR))
        assert result.status == "pass"
        assert "batch 256" in result.figure

    def test_answers_that_change_in_company_fail(self):
        found = FailureResult(id="batch-dependent-output", found=True, figure="14 of 100 change")
        result = prove(
            "batch-profile",
            case(evidences=[self.sweep()], failures=[*self.LOOKED_FOR[1:], found]),
        )
        assert result.status == "fail"
        assert result.figure == "14 of 100 change"

    def test_a_costly_failure_warns(self):
        found = FailureResult(id="batch-cliff", found=True, figure="3x slower at 64")
        result = prove(
            "batch-profile",
            case(evidences=[self.sweep()], failures=[*self.LOOKED_FOR[:3], found]),
        )
        assert result.status == "warn"

    def test_a_failure_that_nobody_could_look_for_is_no_pass(self):
        blind = FailureResult(id="row-loop", found=None, figure="cannot tell from outside")
        looked = [f for f in self.LOOKED_FOR if f.id != "row-loop"]
        result = prove("batch-profile", case(evidences=[self.sweep()], failures=[*looked, blind]))
        assert result.status == "warn"
        assert "cannot tell" in result.because

    def test_a_sweep_that_was_cut_short_is_unmeasured(self):
        result = prove(
            "batch-profile",
            case(evidences=[self.sweep(self.SWEEP[:2])], failures=self.LOOKED_FOR),
        )
        assert result.status == "unmeasured"
        assert "32" in result.because


MEASURED_VARIANT = {
    "name": "int8",
    "state": "measured",
    "why": "",
    "change_points": -0.2,
    "low": -0.5,
    "high": 0.1,
    "speedup": 1.8,
}


class TestVariants:
    def prove(self, *rows, budget=1.0, served="original"):
        sections = {"serving": {"variant": served}}
        if budget is not None:
            sections["budget"] = {"variant_accuracy_points": budget}
        document = evidence("variants", tables={"variants": rows})
        return prove("precision-variants", case(evidences=[document], **sections))

    def test_a_measured_variant_inside_its_budget_passes(self):
        result = self.prove(MEASURED_VARIANT)
        assert result.status == "pass"
        assert "int8" in result.fix

    def test_variants_that_do_not_apply_are_no_pass(self):
        row = {**MEASURED_VARIANT, "state": "not_applicable", "why": "no int8 operator"}
        result = self.prove(row)
        assert result.status == "unmeasured"
        assert "no int8 operator" in result.because

    def test_a_served_variant_over_its_budget_fails(self):
        row = {**MEASURED_VARIANT, "change_points": -6.0, "low": -8.0, "high": -4.0}
        assert self.prove(row, served="int8").status == "fail"

    def test_a_served_variant_whose_interval_crosses_the_budget_warns(self):
        row = {**MEASURED_VARIANT, "low": -3.0, "high": 1.0}
        assert self.prove(row, served="int8").status == "warn"

    def test_a_served_variant_that_was_not_measured_fails(self):
        row = {**MEASURED_VARIANT, "state": "failed", "why": "it would not load"}
        other = {**MEASURED_VARIANT, "name": "fp32"}
        result = self.prove(row, other, served="int8")
        assert result.status == "fail"
        assert "it would not load" in result.because

    def test_without_a_budget_nothing_is_judged(self):
        result = self.prove(MEASURED_VARIANT, budget=None)
        assert result.status == "unmeasured"
        assert result.because == "no budget set"

    def test_losers_are_named(self):
        slow = {**MEASURED_VARIANT, "name": "fp32", "speedup": 0.7}
        assert "fp32" in self.prove(MEASURED_VARIANT, slow).because


class TestLatency:
    def measured(self, p99=40.0, high=45.0, errors=0.0, rates=3):
        return evidence(
            "latency",
            (
                value("p50_ms", 5.0, low=4.0, high=6.0),
                value("p95_ms", 20.0, low=18.0, high=22.0),
                value("p99_ms", p99, low=30.0, high=high),
                value("rate_max_per_s", 300.0),
                value("error_rate", errors),
            ),
            {"rates": tuple({"rate_per_s": 100.0 * n} for n in range(rates))},
        )

    def budget(self, **limits):
        return {"budget": limits}

    def test_percentiles_inside_the_budget_pass(self):
        result = prove(
            "latency-budget", case(evidences=[self.measured()], **self.budget(p99_ms=100))
        )
        assert result.status == "pass"

    def test_a_percentile_over_its_budget_fails_and_says_which(self):
        result = prove(
            "latency-budget", case(evidences=[self.measured()], **self.budget(p50_ms=50, p99_ms=29))
        )
        assert result.status == "fail"
        assert "p99 40.0 ms, budget 29 ms" in result.because
        assert "p50" not in result.because

    def test_an_interval_that_crosses_the_budget_warns(self):
        result = prove(
            "latency-budget", case(evidences=[self.measured()], **self.budget(p99_ms=42))
        )
        assert result.status == "warn"

    def test_a_percentile_that_rests_on_too_few_requests_is_unmeasured(self):
        result = prove(
            "latency-budget",
            case(evidences=[self.measured(high=None)], **self.budget(p99_ms=100)),
        )
        assert result.status == "unmeasured"
        assert "nobody knows" in result.because

    def test_a_value_over_the_budget_whose_interval_is_not_warns(self):
        result = prove(
            "latency-budget", case(evidences=[self.measured()], **self.budget(p99_ms=35))
        )
        assert result.status == "warn"

    def test_failed_requests_are_no_pass(self):
        result = prove(
            "latency-budget",
            case(evidences=[self.measured(errors=0.01)], **self.budget(p99_ms=100)),
        )
        assert result.status == "warn"
        assert "1.00% of requests failed" in result.because

    def test_an_unknown_percentile_is_unmeasured(self):
        result = prove(
            "latency-budget",
            case(evidences=[self.measured(p99=None, high=None)], **self.budget(p99_ms=100)),
        )
        assert result.status == "unmeasured"

    def test_no_budget_is_not_judged(self):
        result = prove("latency-budget", case(evidences=[self.measured()]))
        assert (result.status, result.because) == ("unmeasured", "no budget set")

    def test_an_unnamed_target_can_only_warn(self):
        result = prove("end-to-end-latency", case(evidences=[self.measured()]))
        assert result.status == "warn"
        assert "[target]" in result.because

    def test_the_target_machine_passes_and_another_warns(self):
        here = {"target": {"cores": MACHINE.cores, "memory_gib": MACHINE.memory_gib}}
        there = {"target": {"cores": MACHINE.cores + 2}}
        assert (
            prove("end-to-end-latency", case(evidences=[self.measured()], **here)).status == "pass"
        )
        assert (
            prove("end-to-end-latency", case(evidences=[self.measured()], **there)).status == "warn"
        )

    @pytest.mark.parametrize("doubt", ["errors", "high", "cut"])
    def test_a_doubtful_curve_is_no_pass_even_on_the_target_machine(self, doubt):
        here = {"target": {"cores": MACHINE.cores, "memory_gib": MACHINE.memory_gib}}
        document = self.measured(
            errors=0.4 if doubt == "errors" else 0.0, high=None if doubt == "high" else 45.0
        )
        document = msgspec.structs.replace(document, cut_short=doubt == "cut")
        assert prove("end-to-end-latency", case(evidences=[document], **here)).status == "warn"

    def test_starts_that_were_cut_short_are_no_pass(self):
        values = (
            value("ready_s", 1.0),
            value("first_request_ms", 5.0, n=1),
            value("warm_request_ms", 2.0),
        )
        document = evidence("start", values, cut_short=True, criticisms=("one start alone",))
        result = prove("warm-up", case(evidences=[document], budget={"first_request_ms": 200}))
        assert result.status == "warn"
        assert "one start alone" in result.because

    def test_one_rate_is_no_curve(self):
        result = prove("end-to-end-latency", case(evidences=[self.measured(rates=1)]))
        assert result.status == "unmeasured"

    def test_a_service_elsewhere_can_only_warn(self):
        here = {"target": {"cores": MACHINE.cores}}
        result = prove(
            "end-to-end-latency", case(evidences=[self.measured()], inside=False, **here)
        )
        assert result.status == "warn"

    @pytest.mark.parametrize(
        ("first", "high", "status"),
        [(50.0, 60.0, "pass"), (150.0, 250.0, "warn"), (300.0, 400.0, "fail")],
    )
    def test_the_first_request_is_held_to_its_budget(self, first, high, status):
        document = evidence(
            "start",
            (
                value("ready_s", 1.0),
                value("first_request_ms", first, high=high),
                value("warm_request_ms", 2.0),
            ),
        )
        given = case(evidences=[document], budget={"first_request_ms": 200})
        assert prove("warm-up", given).status == status


def gap(production=0.63, low=0.60, state="measured"):
    known = state == "measured"
    return GapDocument(
        metric="accuracy",
        release="m@1",
        machine=MACHINE,
        started="2026-01-01",
        duration_s=1.0,
        seed=0,
        eval=Estimate(accuracy=0.87, low=0.85, high=0.89, n=600),
        served=None,
        production=Production(
            state=state,
            accuracy=production if known else None,
            low=low if known else None,
            high=0.66 if known else None,
            n=1000,
            rows=1000,
            why="no production row has a label",
        ),
        steps=(
            Step(id="language", points=-20.0, low=-22.0, high=-18.0, kind="association"),
            Step(id="remainder", points=-30.0, low=None, high=None, kind="remainder"),
        ),
    )


class TestProduction:
    def test_a_thousand_rows_pass_and_fewer_fail(self):
        assert prove("production-sample", case(rows={"production": 1000})).status == "pass"
        assert prove("production-sample", case(rows={"production": 999})).status == "fail"

    def test_a_gap_over_its_budget_fails_and_names_the_worst_step(self):
        result = prove("production-evaluation", case(gap=gap(), budget={"gap_points": 5.0}))
        assert result.status == "fail"
        assert "24.0 points" in result.because
        assert "language" in result.fix

    def test_an_interval_beyond_the_budget_warns(self):
        given = case(gap=gap(production=0.85, low=0.80), budget={"gap_points": 5.0})
        assert prove("production-evaluation", given).status == "warn"

    def test_a_small_gap_passes(self):
        given = case(gap=gap(production=0.87, low=0.85), budget={"gap_points": 5.0})
        assert prove("production-evaluation", given).status == "pass"

    def test_an_unknown_production_accuracy_is_unmeasured(self):
        given = case(gap=gap(state="unknown"), budget={"gap_points": 5.0})
        result = prove("production-evaluation", given)
        assert result.status == "unmeasured"
        assert "no production row has a label" in result.because


class TestConfidence:
    def prove(self, on_eval, on_production, *, promises=None, **budget):
        found = promises and msgspec.structs.replace(gap(), confidence=promises)
        document = evidence(
            "calibration",
            (
                value("ece_eval", on_eval, low=on_eval and on_eval - 0.01),
                value("ece_production", on_production, low=on_production and on_production - 0.01),
            ),
        )
        return prove("confidence", case(evidences=[document], gap=found, budget=budget))

    def promises(self, *, delivered, earned, why=""):
        def one(state):
            return Promise(
                on="production",
                by="confidence",
                state=state,
                share=0.7,
                accuracy=0.85,
                correct_of_all=0.595,
                n=140,
                why=why,
            )

        return Confidence(target=0.8, certainty=0.9, delivered=one(delivered), earned=one(earned))

    def test_a_promise_that_reviews_support_passes_with_what_all_users_get(self):
        kept = self.promises(delivered="broken", earned="made")
        result = self.prove(0.02, 0.02, promises=kept, calibration_error=0.05)
        assert result.status == "pass"
        assert "70.0% answered, 85.0% of those right (n = 140), 59.5% of all" in result.figure

    def test_a_broken_promise_that_reviews_cannot_replace_fails(self):
        broken = self.promises(delivered="broken", earned="withdrawn", why="200 labels cannot")
        result = self.prove(0.02, 0.02, promises=broken, calibration_error=0.05)
        assert result.status == "fail"
        assert "200 labels cannot" in result.because

    def test_a_promise_that_reviews_cannot_tell_about_is_unmeasured(self):
        unsure = self.promises(delivered="open", earned="withdrawn", why="200 labels cannot")
        result = self.prove(0.02, 0.02, promises=unsure, calibration_error=0.05)
        assert result.status == "unmeasured"

    def test_a_large_calibration_error_fails(self):
        assert self.prove(0.02, 0.2, calibration_error=0.05).status == "fail"

    def test_calibration_alone_does_not_prove_a_threshold(self):
        assert self.prove(0.02, 0.02, calibration_error=0.05).status == "unmeasured"

    def test_a_model_without_confidence_is_unmeasured(self):
        assert self.prove(None, None, calibration_error=0.05).status == "unmeasured"


def test_results_are_documents():
    result = prove("production-sample", case(rows={"production": 5}))
    assert msgspec.json.decode(msgspec.json.encode(result))["id"] == "production-sample"
