from seatrial.core.settings import Settings
from seatrial.evidence.recorder import Recorder, conditions
from seatrial.trials.failures.skew import judge_skew

AT = conditions("model@0")


def judged(compared, changed, *, kinds=(), causes=(), criticism=""):
    recorder = Recorder("skew", at=AT)
    recorder.value("compared", compared, "rows")
    recorder.value("changed", changed, "rows")
    recorder.table("kinds", kinds)
    recorder.table("causes", causes)
    if criticism:
        recorder.criticise(criticism)
    return judge_skew(recorder.finish(), Settings())


def test_one_differing_row_is_enough():
    result = judged(50, 1, kinds=[{"kind": "type", "rows": 1}])
    assert result.found is True
    assert result.figure == "1 of 50 rows answer otherwise over HTTP (1 other types)"


def test_what_explains_it_is_said():
    causes = [{"cause": "lower-cases texts", "explains": 9, "of": 9, "spoils": 0}]
    result = judged(50, 9, kinds=[{"kind": "value", "rows": 9}], causes=causes)
    assert "as if it lower-cases texts, which explains 9 of 9" in result.figure


def test_equal_answers_are_no_skew():
    assert judged(50, 0).found is False


def test_where_nothing_could_be_compared_nobody_knows():
    result = judged(0, None, criticism="the service contradicts itself on 50 of 50 rows")
    assert result.found is None
    assert "contradicts itself" in result.figure
