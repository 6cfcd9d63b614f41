"""Evidence documents: frozen, named by content, honest about what is missing."""

import msgspec
import pytest

from seatrial.core.errors import UnknownNameError
from seatrial.evidence.documents import Evidence, Value
from seatrial.evidence.machine import describe
from seatrial.evidence.recorder import Recorder, conditions
from seatrial.testing.clock import ManualClock


@pytest.fixture
def evidence():
    return Evidence(
        kind="latency",
        release="m@1",
        machine=describe(),
        started="2026-01-01T00:00:00+00:00",
        duration_s=1.5,
        values=(
            Value(name="p50_ms", value=3.0, unit="ms", n=10, low=2.0, high=4.0),
            Value(name="p999_ms", value=None, unit="ms", n=10, note="fewer than 10,000 requests"),
        ),
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_figure_that_is_no_number_is_unknown(value):
    """``nan > limit`` is false, so that such a figure would stay within any budget."""
    recorder = Recorder("latency", at=conditions("m@1"))
    recorder.value("p50_ms", value, "ms")
    evidence = recorder.finish()
    assert not evidence.has("p50_ms")
    assert "no number" in evidence.value("p50_ms").note


def test_the_id_is_the_kind_and_the_content(evidence):
    again = msgspec.structs.replace(evidence)
    other = msgspec.structs.replace(evidence, duration_s=1.6)
    assert evidence.id.startswith("latency-")
    assert evidence.id == again.id != other.id


def test_the_id_survives_a_round_trip_through_json(evidence):
    assert msgspec.json.decode(msgspec.json.encode(evidence), type=Evidence).id == evidence.id


def test_a_value_is_found_by_name_and_an_unknown_name_lists_the_known(evidence):
    assert evidence.value("p50_ms").value == 3.0
    with pytest.raises(UnknownNameError, match="p50_ms"):
        evidence.value("p51_ms")


def test_not_measured_is_a_value_of_its_own_never_zero(evidence):
    assert evidence.has("p50_ms")
    assert not evidence.has("p999_ms")
    assert not evidence.has("p99_ms")
    assert evidence.value("p999_ms").note


def test_a_table_that_was_not_measured_is_empty(evidence):
    assert evidence.table("rates") == ()


def test_evidence_cannot_be_changed(evidence):
    with pytest.raises(AttributeError):
        evidence.kind = "other"


def test_a_recorder_collects_what_was_measured_and_how_long_it_took():
    clock = ManualClock()
    recorder = Recorder("start", at=conditions("m@1", seed=7, clock=clock), settings={"n": 3})
    clock.advance(2.5)
    recorder.value("ready_s", 2, "s", n=1)
    recorder.table("rounds", [{"round": 1}])
    recorder.criticise("one round")
    recorder.criticise("one round")
    recorder.cut("time was up")
    evidence = recorder.finish()
    assert evidence.duration_s == 2.5
    assert evidence.seed == 7
    assert evidence.settings == {"n": 3}
    assert evidence.value("ready_s").value == 2.0
    assert evidence.table("rounds") == ({"round": 1},)
    assert evidence.criticisms == ("one round", "time was up")
    assert evidence.cut_short


def test_the_machine_is_described_with_versions_that_change_answers():
    machine = describe()
    assert machine.cores >= 1
    assert machine.memory_gib > 0
    assert "numpy" in machine.versions
    assert str(machine.cores) in machine.summary()
