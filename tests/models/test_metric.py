"""A metric of the user's own is a subject over pairs."""

import pytest

from seatrial.core.errors import ModelLoadError, ModelRaisedError
from seatrial.core.settings import parse
from seatrial.models.metric import METRIC, open_metric

CODE = """
def half(answer, label):
    return 1.0 if answer == label else 0.5


def picky(answer, label):
    if answer == "odd":
        raise ValueError("odd is not judged")
    return 1.0


NUMBER = 3
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "metric.py").write_text(CODE)
    return tmp_path


def test_pairs_get_their_scores_in_order(folder):
    subject = open_metric("metric:half", folder=folder)
    found = subject.answer([["a", "a"], ["a", "b"]]).answers
    assert [one.output for one in found] == [1.0, 0.5]
    assert not subject.visible
    assert subject.trace([["a", "a"]]) is None
    assert subject.size(["a", "a"]) == 1
    assert subject.variants() == {}


def test_what_the_metric_raises_names_the_pair(folder):
    subject = open_metric("metric:picky", folder=folder)
    with pytest.raises(ModelRaisedError, match=r"metric raised ValueError.*'odd'.*'x'"):
        subject.answer([["even", "x"], ["odd", "x"]])


@pytest.mark.parametrize(
    ("location", "says"),
    [
        ("metric", "module:callable"),
        ("metrix:half", 'Did you mean "metric"'),
        ("metric:haf", 'Did you mean "half"'),
        ("metric:NUMBER", "a function of an answer and a label"),
    ],
)
def test_a_metric_that_is_not_there_is_named(location, says, folder):
    with pytest.raises(ModelLoadError) as caught:
        open_metric(location, folder=folder)
    assert says in str(caught.value)


def test_no_model_key_leads_to_the_metric():
    with pytest.raises(Exception, match="unknown key"):
        parse({"model": {METRIC: "metric:half"}}, environment={})
