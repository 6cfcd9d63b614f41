"""The user's own score, from a process of its own."""

import pytest

from seatrial.core.errors import ModelLoadError, ModelRaisedError
from seatrial.core.settings import parse
from seatrial.trials.scoring import CustomScore, is_custom

CODE = """
def half(answer, label):
    return 1.0 if answer == label else 0.5


def picky(answer, label):
    if answer == "odd":
        raise ValueError("odd is not judged")
    return 1.0

"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "metric.py").write_text(CODE)
    return tmp_path


def test_it_runs_in_a_process_of_its_own(folder):
    settings = parse({"model": {"load": "m:load"}, "eval": {"metric": "metric:half"}})
    with CustomScore(settings, folder) as score:
        pairs = [("a", "a"), ("a", "b")] * 200
        assert score.many(pairs) == [1.0, 0.5] * 200
        assert score("a", "b") == 0.5


def test_an_error_tells_where_in_the_users_file_it_happened(folder):
    settings = parse({"model": {"load": "m:load"}, "eval": {"metric": "metric:picky"}})
    with (
        CustomScore(settings, folder) as score,
        pytest.raises(ModelRaisedError, match=r"metric\.py"),
    ):
        score("odd", "b")


def test_a_metric_that_does_not_load_ends_at_once(folder):
    settings = parse({"model": {"load": "m:load"}, "eval": {"metric": "metric:absent"}})
    with pytest.raises(ModelLoadError, match="absent"):
        CustomScore(settings, folder)


def test_only_references_are_custom():
    assert [is_custom(metric) for metric in ("accuracy", "within:1", "m:f")] == [
        False,
        False,
        True,
    ]
