import msgspec
import pytest

from seatrial.evidence.findings import FailureResult
from seatrial.report.headline import CHECKLIST_ITEMS, LONGEST, headline, users_get
from seatrial.trials.items import ITEMS


def changed(trial, item_id, **fields):
    items = tuple(
        msgspec.structs.replace(item, **fields) if item.id == item_id else item
        for item in trial.items
    )
    return msgspec.structs.replace(trial, items=items)


def test_a_failing_item_means_no_and_the_unmeasured_are_counted(trial):
    head = headline(trial)
    assert head.verdict == "no"
    assert head.ship == "3 of 24 items fail, and 15 are not measured."


def test_one_failing_item_among_passes_means_no(all_at):
    head = headline(changed(all_at("pass"), "rollback-plan", status="fail"))
    assert (head.verdict, head.ship) == ("no", "1 of 24 items fails.")


def test_nothing_measured_is_not_known(all_at):
    head = headline(all_at("unmeasured"))
    assert (head.verdict, head.ship) == ("not known", "None of 24 items was measured.")


def test_one_unmeasured_item_is_enough_to_withhold_a_yes(all_at):
    head = headline(changed(all_at("pass"), "rollback-plan", status="unmeasured"))
    assert head.verdict == "not known"
    assert "1 of 24 items is not measured: that is not a pass" in head.ship


@pytest.mark.parametrize("status", ["pass", "warn", "not_applicable"])
def test_yes_needs_every_item_judged(all_at, status):
    assert headline(all_at(status)).verdict == "yes"


def test_a_checklist_that_was_not_run_in_full_is_no_yes(all_at):
    trial = all_at("pass")
    part = msgspec.structs.replace(trial, items=trial.items[:3])
    assert headline(part).verdict == "not known"
    assert "21 of 24 items are not measured" in headline(part).ship


def test_a_trial_without_items_is_not_known(all_at):
    assert headline(msgspec.structs.replace(all_at("pass"), items=())).verdict == "not known"


def test_a_found_failure_withholds_a_yes_even_where_no_item_fails(all_at):
    failure = FailureResult(id="hidden-tail", found=True, figure="p99.9 is 9 s")
    head = headline(msgspec.structs.replace(all_at("pass"), failures=(failure,)))
    assert head.verdict == "not known"
    assert "1 known failure was found" in head.ship
    assert head.breaks == "hidden-tail: p99.9 is 9 s"


def test_the_yes_says_what_was_set_aside(all_at):
    trial = changed(all_at("pass"), "unit-margin", status="not_applicable")
    assert headline(trial).ship == "Nothing fails: 23 of 24 items pass, 1 is set aside by you."


def test_wrong_answers_come_before_lost_accuracy_and_slowness(trial):
    head = headline(trial)
    assert head.breaks.startswith("batch-dependent-output: 14 of 100")
    assert head.next.startswith("Mask padding")
    assert head.next_because == "for batch-dependent-output"
    assert head.command == "seatrial serve examples/tickets"


def test_a_failing_evaluation_names_the_step_that_costs_most(trial):
    alone = changed(changed(trial, "batch-profile", status="pass"), "confidence", status="pass")
    head = headline(msgspec.structs.replace(alone, failures=()))
    assert head.breaks.startswith("production-evaluation: eval 81.3 %")
    assert head.breaks_because == "language costs most: -9.1 points"


def test_without_a_failing_item_a_sure_loss_of_accuracy_breaks_first(all_at, evidences):
    head = headline(all_at("unmeasured"), None, evidences)
    assert head.breaks == "Accuracy: -17.3 points from eval to production."


def test_without_a_gap_the_rate_at_which_the_budget_broke_comes_first(all_at, evidences):
    trial = msgspec.structs.replace(all_at("pass"), gap=None)
    head = headline(trial, None, evidences)
    assert head.breaks == "Latency: at 400 requests/s, p99 is 720 ms."
    assert head.breaks_because == "within budget up to 200 requests/s"


def test_where_nothing_broke_the_tightest_budget_is_named(all_at, evidences):
    latency = evidences[1]
    inside = tuple(row | {"within_budget": True} for row in latency.table("rates"))
    latency = msgspec.structs.replace(latency, tables={"rates": inside})
    trial = msgspec.structs.replace(all_at("pass"), gap=None)
    head = headline(trial, None, [latency])
    assert head.breaks == "p95: 24 % of its budget is used."
    assert head.breaks_because == "12 ms of 50 ms"


def test_a_warning_is_named_by_its_reason(all_at):
    trial = changed(all_at("pass"), "warm-up", status="warn", because="up to 210 ms was seen")
    head = headline(msgspec.structs.replace(trial, gap=None))
    assert head.breaks == "warm-up: up to 210 ms was seen"
    assert head.breaks_because.startswith("ready in 1.4 s")


def test_where_nothing_is_known_it_says_so(all_at):
    head = headline(msgspec.structs.replace(all_at("unmeasured"), gap=None))
    assert head.breaks == "Not known."
    assert "not known" in head.users


def test_without_failures_the_first_unmeasured_item_with_a_remedy_is_next(all_at):
    trial = changed(all_at("pass"), "batch-profile", status="unmeasured", fix="seatrial measure x")
    assert headline(trial).next == "Run: seatrial measure x"


def test_production_that_is_not_known_is_not_a_number(unknown_gap):
    said = users_get(unknown_gap)
    assert said == (
        "The eval set says 81.3 %; what users get is not known: no production row has a label."
    )


def test_an_estimate_is_called_one(gap):
    production = msgspec.structs.replace(gap.production, state="estimated")
    assert "users get, by estimate, 64.0 %" in users_get(
        msgspec.structs.replace(gap, production=production)
    )


def test_no_answer_can_push_the_others_off_the_screen(trial):
    head = headline(changed(trial, "batch-profile", fix="x" * 9_000, figure="y" * 9_000))
    texts = msgspec.to_builtins(head).values()
    assert all(len(text) <= LONGEST for text in texts)


def test_the_whole_checklist_has_as_many_items_as_a_yes_asks_for():
    assert len(ITEMS) == CHECKLIST_ITEMS
