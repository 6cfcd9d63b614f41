"""What is measured in which order, and how the items are judged from it."""

import os
import signal

import msgspec
import pytest

from seatrial.core import plugins
from seatrial.core import settings as table
from seatrial.core.errors import DataError, UnknownNameError, UnreachableError
from seatrial.evidence.machine import describe
from seatrial.evidence.recorder import Recorder
from seatrial.records.tables import write_rows
from seatrial.trials.case import GIVE_MODEL, Case, judged
from seatrial.trials.items import BY_ID, ITEMS
from seatrial.trials.outcome import unmet
from seatrial.trials.progress import Silent
from seatrial.trials.rig import Rig
from seatrial.trials.trial import INSIDE_ONLY, NEEDS, ON_REQUEST, ORDER, judge, names, run_trial

MODEL = "def load():\n    return lambda texts: ['yes' if 'good' in t else 'no' for t in texts]\n"
SETTINGS = '[model]\nload = "model:load"\n\n[eval]\ndata = "eval.jsonl"\n'


def case(*, inside=True, **document):
    document.setdefault("model", {"load": "model:load"})
    return Case(
        settings=table.parse(document, environment={}),
        release="m@1",
        machine=describe(),
        inside=inside,
        rows={},
        evidence={},
        failures={},
    )


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "seatrial.toml").write_text(SETTINGS)
    write_rows(
        tmp_path / "eval.jsonl",
        {
            "text": [f"good {n}" for n in range(8)] + ["bad", "poor"],
            "label": ["yes"] * 8 + ["no"] * 2,
        },
    )
    return tmp_path


def rig(folder, **document):
    document = {"model": {"load": "model:load"}, "eval": {"data": "eval.jsonl"}, **document}
    return Rig(table.parse(document, environment={}), folder)


class Noted(Silent):
    """Remembers the stages."""

    def __init__(self):
        self.stages = []

    def stage(self, sentence):
        self.stages.append(sentence)


@pytest.fixture
def measured(monkeypatch):
    """Put measurements of no cost in the place of the real ones; return those that ran."""
    ran = []

    def quick(kind):
        def measure(rig):
            ran.append(kind)
            return Recorder(kind, at=rig.at).finish()

        return measure

    for kind in ORDER:
        monkeypatch.setitem(plugins.measurements._entries, kind, quick(kind))
    return ran


class TestJudging:
    def test_the_users_word_comes_first_with_its_reason(self):
        result = judge(case(not_applicable={"warm-up": "never restarts"}), BY_ID["warm-up"])
        assert (result.status, result.because) == ("not_applicable", "never restarts")

    def test_the_users_word_holds_from_outside_too(self):
        given = case(inside=False, not_applicable={"warm-up": "not ours"})
        assert judge(given, BY_ID["warm-up"]).status == "not_applicable"

    @pytest.mark.parametrize("item", [one for one in ITEMS if one.id not in plugins.proofs])
    def test_an_item_without_a_proof_is_unmeasured_and_says_what_it_takes(self, item):
        result = judge(case(), item)
        assert result.status == "unmeasured"
        assert item.proven_by in result.because

    @pytest.mark.parametrize("item", [one for one in ITEMS if one.inside])
    def test_a_url_alone_cannot_show_the_inside(self, item):
        result = judge(case(inside=False), item)
        assert result.status == "unmeasured"
        assert item.proven_by in result.because
        assert (result.fix == GIVE_MODEL) == (item.id in plugins.proofs)

    @pytest.mark.parametrize("item", ITEMS)
    def test_nothing_passes_by_default(self, item):
        for inside in (True, False):
            assert judge(case(inside=inside), item).status == "unmeasured"


class TestNames:
    def test_nothing_chosen_is_everything(self):
        assert names(None) is None
        assert names("") is None

    def test_ids_are_split_at_commas(self):
        assert names("warm-up, confidence") == ("warm-up", "confidence")

    def test_an_unknown_id_suggests_the_nearest(self):
        with pytest.raises(UnknownNameError, match='Did you mean "warm-up"'):
            names("warmup")

    def test_every_need_is_the_need_of_an_item_and_has_a_measurement(self):
        assert set(NEEDS) <= set(BY_ID)
        needed = {kind for kinds in NEEDS.values() for kind in kinds}
        assert needed <= {*ORDER, *ON_REQUEST, "gap"}
        # The profile is no proof of anything: the server reads it.
        assert {*ORDER, *ON_REQUEST, "profile"} == set(plugins.measurements.names())
        assert set(INSIDE_ONLY) <= set(ORDER)


class TestRunning:
    def test_all_is_measured_in_order_and_every_item_judged(self, folder, measured):
        with rig(folder) as given:
            outcome = run_trial(given, only=None, progress=Silent())
        assert measured == list(ORDER)
        assert [item.id for item in outcome.trial.items] == [item.id for item in ITEMS]
        assert [evidence.kind for evidence in outcome.evidence] == list(ORDER)
        assert outcome.trial.gap is not None

    def test_only_what_the_chosen_items_need_is_measured(self, folder, measured):
        with rig(folder) as given:
            outcome = run_trial(given, only=("warm-up", "batch-profile"), progress=Silent())
        assert measured == ["batching", "start"]
        assert [item.id for item in outcome.trial.items] == ["batch-profile", "warm-up"]
        assert outcome.trial.gap is None

    def test_a_measurement_that_fails_becomes_the_reason(self, folder, measured, monkeypatch):
        def fail(rig):
            raise UnreachableError("the port is taken.")

        monkeypatch.setitem(plugins.measurements._entries, "latency", fail)
        with rig(folder) as given:
            outcome = run_trial(given, only=("latency-budget",), progress=Silent())
        (item,) = outcome.trial.items
        assert item.status == "unmeasured"
        assert "the port is taken" in item.because
        (failure,) = outcome.trial.failures
        assert (failure.id, failure.found) == ("latency-budget", None)
        assert "the port is taken" in failure.figure

    def test_labels_of_another_type_end_the_trial_before_anything_is_measured(
        self, folder, measured
    ):
        write_rows(folder / "eval.jsonl", {"text": ["a", "b"], "label": [1, 0]})
        with rig(folder) as given, pytest.raises(DataError, match="type"):
            run_trial(given, only=None, progress=Silent())
        assert measured == []

    def test_every_stage_is_told(self, folder, measured):
        progress = Noted()
        with rig(folder, model={"load": "model:load", "name": "words"}) as given:
            run_trial(given, only=("warm-up",), progress=progress)
        assert progress.stages == ["reading rows and loading words", "measuring start"]

    def test_what_failed_is_what_to_try_again(self, folder, measured):
        with rig(folder) as given:
            outcome = run_trial(given, only=("production-sample",), progress=Silent())
        assert outcome.trial.next == f"seatrial serve {folder}"
        write_rows(folder / "p.jsonl", {"text": ["a"], "label": ["no"]})
        with rig(folder, production={"data": "p.jsonl"}) as given:
            outcome = run_trial(given, only=("production-sample",), progress=Silent())
        assert outcome.trial.next == f"seatrial trial {folder} --only production-sample"


class TestRequiring:
    @pytest.fixture
    def trial(self, folder, measured):
        with rig(folder) as given:
            found = run_trial(given, only=("warm-up",), progress=Silent()).trial
        passed = judged("batch-profile", "pass", "quick")
        return msgspec.structs.replace(found, items=(passed, *found.items))

    def test_nothing_is_required_by_default(self, trial):
        assert unmet(trial, None) == []

    def test_a_required_item_has_to_be_measured(self, trial):
        assert unmet(trial, "warm-up,batch-profile") == ["warm-up"]
        assert unmet(trial, "all") == ["warm-up"]
        assert unmet(trial, "batch-profile") == []

    def test_an_unknown_item_is_refused(self, trial):
        with pytest.raises(UnknownNameError, match="warm-up"):
            unmet(trial, "warmup")


def test_a_server_that_dies_is_told_apart_from_a_service_that_fails(folder, monkeypatch):
    """What was measured on it is unmeasured, and what comes after gets another server."""

    def die(rig):
        ask = rig.outside
        os.kill(rig.server.pid, signal.SIGKILL)
        os.waitid(os.P_PID, rig.server.pid, os.WEXITED | os.WNOWAIT)
        ask.answer(["good"])

    write_rows(folder / "p.jsonl", {"text": ["good", "bad"], "label": ["yes", "no"]})
    monkeypatch.setitem(plugins.measurements._entries, "latency", die)
    only = ("latency-budget", "production-evaluation")
    with rig(folder, production={"data": "p.jsonl"}) as given:
        outcome = run_trial(given, only=only, progress=Silent())
    latency = outcome.trial.items[0]
    assert latency.status == "unmeasured"
    assert "signal SIGKILL" in latency.because
    assert outcome.trial.gap.production.accuracy == 1.0
