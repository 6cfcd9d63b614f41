import pytest

from seatrial.core.settings import ServingSettings, Settings
from seatrial.evidence.recorder import Recorder, conditions
from seatrial.trials.failures.speed import judge_cliff, judge_loop

AT = conditions("model@0")
LINE = {"file": "/a/model.py", "line": 12, "per_row": 1.0, "share": 0.9, "code": "f(row)"}


def looked(gain=1.1, short=1.2, share=0.9, rate=10_000.0, lines=(LINE,)):
    recorder = Recorder("batching", at=AT)
    recorder.value("speedup", gain)
    recorder.value("speedup_shortest", short)
    recorder.value("per_row_share", share)
    recorder.value("items_per_s_max", rate)
    recorder.table("trace", lines)
    return judge_loop(recorder.finish(), Settings())


def test_flat_timing_and_lines_that_run_per_row_are_a_loop():
    result = looked()
    assert result.found is True
    assert "model.py:12 (f(row))" in result.figure


@pytest.mark.parametrize(
    "case",
    [
        {"gain": 12.0},
        {"short": 8.0},
        {"share": 0.1},
        {"lines": ()},
        {"rate": 5_000_000.0},
    ],
    ids=["gains", "gains where texts are short", "busy computing", "no lines", "quick anyhow"],
)
def test_one_of_the_two_alone_is_none(case):
    assert looked(**case).found is False


@pytest.mark.parametrize("gain", [1.0, 20.0])
def test_from_outside_nobody_can_tell(gain):
    result = looked(gain=gain, share=None)
    assert result.found is None
    assert "cannot tell from outside" in result.figure


def test_a_gain_that_was_not_measured_is_unknown():
    assert looked(gain=None).found is None


def swept(cliffs, rates=(100.0, 180.0, 90.0, 95.0), batch_max=64):
    recorder = Recorder("batching", at=AT)
    sizes = (32, 64, 128, 256)[: len(rates)]
    recorder.table(
        "sweep",
        [{"batch": b, "items_per_s": rate} for b, rate in zip(sizes, rates, strict=True)],
    )
    recorder.table("cliffs", cliffs)
    settings = Settings(serving=ServingSettings(batch_max=batch_max))
    return judge_cliff(recorder.finish(), settings)


def cliff(ratio, low, high, before=64, batch=128):
    return {"batch_before": before, "batch": batch, "ratio": ratio, "low": low, "high": high}


def test_a_fall_whose_whole_interval_is_low_is_a_cliff():
    result = swept([cliff(0.5, 0.45, 0.55)])
    assert result.found is True
    assert result.contained_by == "[serving] batch_max is 64 or less"
    assert swept([cliff(0.5, 0.45, 0.55)], batch_max=128).contained_by.endswith("= 64 or less")


@pytest.mark.parametrize("fall", [cliff(0.6, 0.3, 0.9), cliff(0.85, 0.8, 0.9)])
def test_an_unsure_or_a_slight_fall_is_none(fall):
    assert swept([fall]).found is False


def test_a_fall_that_larger_batches_make_good_is_none():
    result = swept([cliff(0.5, 0.45, 0.55, 32, 64)], rates=(100.0, 50.0, 90.0, 180.0))
    assert result.found is False


def test_a_fall_that_was_not_measured_again_is_unknown():
    assert swept([cliff(None, None, None)]).found is None


def test_one_size_has_no_cliff_to_look_for():
    assert swept([], rates=(100.0,)).found is None
