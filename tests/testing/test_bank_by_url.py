"""The same pairs behind a service that somebody wrote by hand, tried by URL alone."""

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from seatrial.core.clock import TimeBudget
from seatrial.core.settings import Settings
from seatrial.evidence.recorder import conditions
from seatrial.measure.batching import measure_batching
from seatrial.models.url import UrlSubject
from seatrial.testing import bank
from seatrial.trials.failures import judge_failures

SERVICE = Path(__file__).parent / "fastapi_service.py"
ANSWERS = {
    "labels": '{"label": "$output"}',
    "numbers": '{"label": "$output"}',
    "scores": '{"label": "$output", "p": "$confidence", "by_class": "$scores"}',
}
ENTRIES = {entry.id: entry for entry in bank.entries()}
ANSWERING = ("batch-dependent-output", "integer-overflow")
BUDGET_S = 6.0
FEW, MANY = (1,), range(20)


@contextmanager
def service(name, twin, seed):
    command = [sys.executable, str(SERVICE), name, twin, str(seed)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        port = int(process.stdout.readline())
        yield f"http://127.0.0.1:{port}/score"
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def judged(name, twin, seed):
    failure = ENTRIES[name]
    parameters = failure.draw(seed)
    with service(name, twin, seed) as url:
        subject = UrlSubject.open(
            url,
            body='{"rows": "$inputs"}',
            answer=f'{{"answers": [{ANSWERS[parameters.form]}]}}',
        )
        try:
            evidence = measure_batching(
                subject,
                failure.inputs(parameters),
                at=conditions("url@0", seed=seed),
                budget=TimeBudget(BUDGET_S),
            )
        finally:
            subject.close()
    return {result.id: result for result in judge_failures({"batching": evidence}, Settings())}


def found(results):
    return {name for name, result in results.items() if result.found}


@pytest.mark.parametrize("seed", FEW)
@pytest.mark.parametrize("name", ANSWERING)
def test_a_sick_service_is_named_by_its_url_alone(name, seed):
    assert name in found(judged(name, "sick", seed))


def test_its_healthy_twin_raises_nothing_and_a_row_loop_cannot_be_told():
    results = judged("batch-dependent-output", "healthy", 1)
    assert found(results) == set()
    assert results["row-loop"].found is None
    assert "cannot tell from outside" in results["row-loop"].figure


def test_a_loop_over_rows_cannot_be_told_from_outside():
    result = judged("row-loop", "sick", 0)["row-loop"]
    assert result.found is None
    assert "cannot tell from outside" in result.figure


@pytest.mark.slow
@pytest.mark.parametrize("seed", MANY)
@pytest.mark.parametrize("name", ANSWERING)
def test_so_is_every_other_draw(name, seed):
    names = found(judged(name, "sick", seed))
    assert name in names
    assert not (set(ANSWERING) & names) - {name}


@pytest.mark.slow
@pytest.mark.parametrize("seed", MANY)
@pytest.mark.parametrize("name", ANSWERING)
def test_and_their_healthy_twins_raise_nothing(name, seed):
    assert found(judged(name, "healthy", seed)) == set()
