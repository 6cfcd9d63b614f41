"""What a trial works with starts when it is asked for, and ends with it."""

import psutil
import pytest

from seatrial.core import settings as table
from seatrial.core.errors import DataError, ModelRaisedError
from seatrial.records.tables import write_rows
from seatrial.testing.service import predict_route, serving
from seatrial.trials.measurements import real_inputs
from seatrial.trials.pacing import Pace
from seatrial.trials.production import told_apart
from seatrial.trials.rig import Rig

ECHO = "def load():\n    return lambda texts: list(texts)\n"


def rows(count):
    return {"text": [f"t{n}" for n in range(count)], "label": [f"t{n}" for n in range(count)]}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model.py").write_text(ECHO)
    (tmp_path / "seatrial.toml").write_text('[model]\nload = "model:load"\n')
    write_rows(tmp_path / "eval.jsonl", rows(300))
    write_rows(tmp_path / "production.jsonl", rows(150))
    return tmp_path


def family():
    """Our processes by id; one that nobody has waited for yet is over all the same."""
    found = psutil.Process().children()
    return {child.pid: child for child in found if running(child)}


def running(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def rig(folder, *, model=None, **sections):
    document = {
        "model": model or {"load": "model:load"},
        "eval": {"data": "eval.jsonl"},
        "production": {"data": "production.jsonl"},
        **sections,
    }
    return Rig(table.parse(document, environment={}), folder)


class TestInside:
    def test_nothing_is_started_until_it_is_asked_for(self, folder):
        before = family()
        with rig(folder) as given:
            assert len(given.supplied.eval) == 300
            assert family().keys() <= before.keys()
            assert len(given.eval_answers) == 300
            started = [child for pid, child in family().items() if pid not in before]
            assert len(started) == 1
        assert psutil.wait_procs(started, timeout=20)[1] == []

    def test_scores_are_those_of_the_answers(self, folder):
        with rig(folder) as given:
            assert given.eval_scores.mean() == 1.0

    def test_a_model_that_cannot_answer_ends_with_its_process(self, folder):
        (folder / "model.py").write_text(
            "def load():\n    def predict(texts):\n        raise ValueError(texts[0])\n"
            "    return predict\n"
        )
        before = family()
        with rig(folder) as given, pytest.raises(ModelRaisedError, match="eval row 0"):
            given.eval_scores  # noqa: B018
        assert family().keys() <= before.keys()

    def test_labels_of_another_type_are_refused(self, folder):
        write_rows(folder / "eval.jsonl", {"text": ["a"], "label": [1]})
        with rig(folder) as given, pytest.raises(DataError):
            given.eval_scores  # noqa: B018

    def test_it_says_what_begins(self, folder):
        with rig(folder, model={"load": "model:load", "name": "echo"}) as given:
            assert given.opening == "reading rows and loading echo"


class TestTime:
    def test_all_rows_are_asked_where_there_is_time(self, folder):
        with rig(folder) as given:
            given.__dict__["pace"] = Pace(0.001)
            assert given.rows == given.supplied
            assert given.left_out == ()

    def test_a_slow_model_is_asked_about_some_and_that_is_said(self, folder):
        with rig(folder, trial={"time_budget_s": 75.0}) as given:
            given.__dict__["pace"] = Pace(0.1)
            assert (len(given.rows.eval), len(given.rows.production)) == (150, 100)
            assert len(given.supplied.eval) == 300
            assert "150 of 300 eval rows" in given.left_out[0]
            assert "100 of 150 production rows" in given.left_out[1]

    def test_inputs_for_speed_are_drawn_from_eval_and_production_alike(self, folder):
        with rig(folder) as given:
            assert len(real_inputs(given, 1_000)) == 450
            some = real_inputs(given, 45)
            assert len(some) == 45
            assert some == real_inputs(given, 45)


class TestOutside:
    @pytest.fixture
    def asked(self):
        return []

    @pytest.fixture
    def given(self, folder, asked):
        def predict(texts):
            asked.append(len(texts))
            return [{"output": text, "confidence": 0.5} for text in texts]

        with serving(predict_route(predict)) as url, rig(folder, model={"url": url}) as found:
            yield found

    def test_eval_rows_go_alone_and_served_ones_in_batches(self, given, asked):
        assert given.outside.takes_batches
        given.__dict__["pace"] = Pace(0.001)
        asked.clear()
        assert len(given.eval_answers) == 300
        assert asked == [1] * 300
        asked.clear()
        assert len(given.served_eval) == 300
        assert asked == [64, 64, 64, 64, 44]

    def test_it_says_where_it_asks(self, given):
        assert given.opening.startswith("reading rows and asking http://127.0.0.1:")

    def test_below_the_threshold_an_answer_is_an_abstention(self, given):
        settings = table.parse(
            {"model": {"url": "http://h"}, "serving": {"confidence_min": 0.6}}, environment={}
        )
        outcomes = [given.served_production[0], DataError("no.")]
        answers, fates = told_apart(outcomes, settings)
        assert fates == ["abstained", "failed"]
        assert [answer and answer.output for answer in answers] == ["t0", None]
