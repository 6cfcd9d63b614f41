import numpy as np
import pytest

from seatrial.core.clock import TimeBudget
from seatrial.core.errors import DataError, ModelRaisedError
from seatrial.evidence.machine import Machine
from seatrial.evidence.recorder import Conditions
from seatrial.measure.profile import measure_profile
from seatrial.models.answers import Answer
from seatrial.models.subject import Batch
from seatrial.schedule.profile import BatchProfile

MACHINE = Machine(
    cpu="c", cores=2, memory_gib=1.0, accelerator=None, system="s", python="3", versions={}
)
COST = BatchProfile(call_s=2e-3, row_s=1e-4, padded_s=2e-5)
TEXTS = ["x" * (4 + at**2 // 10) for at in range(60)]


class Planted:
    """Says that each call took what the planted cost says, without taking it."""

    visible = True

    def __init__(self, threads, *, takes_batches=True, refuses=None):
        self.threads = threads
        self.takes_batches = takes_batches
        self.refuses = refuses
        self.rows = []
        self.closed = False

    def answer(self, inputs):
        if self.refuses is not None and len(inputs) >= self.refuses:
            raise ModelRaisedError("the model raised MemoryError: no")
        self.rows.append(len(inputs))
        sizes = [len(text) for text in inputs]
        seconds = COST.seconds(len(sizes), max(sizes), sum(sizes))
        return Batch([Answer(1)] * len(inputs), seconds)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed = True


def measured(inputs=TEXTS, *, budget=0.3, rows_max=16, **options):
    started = []

    def start(threads):
        started.append(Planted(threads, **options))
        return started[-1]

    found = measure_profile(
        start,
        inputs,
        at=Conditions(release="r", machine=MACHINE),
        budget=TimeBudget(budget),
        rows_max=rows_max,
        cores=2,
    )
    return found, started


def test_the_cost_is_what_was_planted_in_the_units_of_the_server():
    found, _ = measured()
    for rows, size in [(1, 20), (4, 100), (16, 300)]:
        true = COST.seconds(rows, size, rows * size)
        assert found.cost.seconds(rows, size, rows * size) == pytest.approx(true, rel=0.03)


def test_the_evidence_holds_every_batch_beside_what_the_model_of_it_says():
    found, _ = measured()
    evidence = found.evidence
    assert evidence.kind == "profile"
    assert {row["rows"] for row in evidence.table("sweep")} == {1, 2, 4, 8, 16}
    for row in evidence.table("sweep"):
        assert row["modelled_ms"] == pytest.approx(row["ms"], rel=0.05)
    assert evidence.value("call_ms").value == pytest.approx(2.0, rel=0.1)
    assert evidence.value("error").value < 0.02
    assert evidence.value("batch_best").value == 16


def test_every_process_that_was_started_is_ended():
    _, started = measured(budget=2.0)
    assert len(started) > 1
    assert all(subject.closed for subject in started)
    assert {subject.threads for subject in started} == {1, 2}


def test_a_model_of_one_row_a_call_is_asked_one_row_a_call():
    found, started = measured(takes_batches=False)
    assert {rows for subject in started for rows in subject.rows} == {1}
    assert found.evidence.value("batch_best").value == 1


def test_batches_that_the_model_refuses_are_left_out_and_told():
    found, started = measured(refuses=8)
    assert max(rows for subject in started for rows in subject.rows) == 4
    assert any("MemoryError" in sentence for sentence in found.evidence.criticisms)
    assert found.cost.seconds(2, 50, 100) == pytest.approx(COST.seconds(2, 50, 100), rel=0.05)


def test_a_model_that_refuses_everything_is_not_measured():
    with pytest.raises(ModelRaisedError):
        measured(refuses=1)


def test_a_short_budget_says_what_it_left_out():
    found, _ = measured(budget=1e-9)
    assert found.evidence.cut_short
    assert found.cost.observations >= 1


def test_nothing_to_ask_is_an_error():
    with pytest.raises(DataError, match="no inputs"):
        measured([])


def test_the_speed_of_crowded_workers_is_at_most_that_of_one_alone():
    found, _ = measured(budget=2.0)
    assert found.crowding[0] == 1.0
    assert all(0.0 < speed <= 1.0 for speed in found.crowding)
    assert np.all(np.isfinite(found.crowding))
