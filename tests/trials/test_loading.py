"""One load on one URL."""

import threading

import pytest

from seatrial.core.errors import DataError, UsageError
from seatrial.records.tables import write_rows
from seatrial.testing.service import predict_route, serving
from seatrial.trials.loading import Load, run


@pytest.fixture
def received():
    return []


@pytest.fixture
def url(received):
    lock = threading.Lock()
    answer = predict_route(lambda rows: rows)

    def route(path, document, headers):
        with lock:
            received.append((path, document))
        return answer(path, document, headers)

    with serving(route) as root:
        yield root


def quick(url, **fields):
    return Load(**{"url": url, "rate_per_s": 200.0, "duration_s": 0.2, **fields})


def test_a_body_is_sent_as_it_is(url, received):
    summary, evidence = run(quick(f"{url}/predict", body='{"inputs": ["hello"]}'))
    assert summary.offered == len(received) > 0
    assert summary.errors == {}
    assert received[0] == ("/predict", {"inputs": ["hello"]})
    assert evidence.kind == "load"
    assert evidence.value("p50_ms").n == summary.offered
    assert evidence.settings["plan"] == "Poisson, requests/s: 200:0.2s"
    assert evidence.settings["verdict"] == summary.verdict


def test_rows_of_a_file_take_turns(url, received, tmp_path):
    write_rows(tmp_path / "rows.jsonl", {"text": ["a", "b", "c"], "label": ["x", "y", "x"]})
    run(quick(url, data=tmp_path / "rows.jsonl", rate_per_s=100.0))
    assert {document["inputs"][0] for _, document in received} <= {"a", "b", "c"}
    assert len({document["inputs"][0] for _, document in received}) > 1


def test_a_template_says_how_a_row_is_sent(url, received, tmp_path):
    write_rows(tmp_path / "rows.jsonl", {"age": [3], "plan": ["pro"]})
    load = quick(url, data=tmp_path / "rows.jsonl", input="age", body='{"inputs": ["$input"]}')
    run(load)
    assert received[0][1] == {"inputs": [3]}


def test_a_trace_is_replayed_at_the_speed_that_is_asked_for(url, received, tmp_path):
    trace = tmp_path / "trace.csv"
    trace.write_text("timestamp\n" + "\n".join(str(n) for n in range(5)))
    load = Load(url=f"{url}/predict", body='{"inputs": [1]}', trace=trace, speed=40)
    summary, evidence = run(load)
    assert summary.offered == len(received) == 5
    assert evidence.settings["plan"].startswith("trace trace.csv, 40 times as fast")


def test_the_same_seed_gives_the_same_arrivals(url):
    load = quick(f"{url}/predict", body='{"inputs": [1]}', seed=3)
    assert run(load)[0].offered == run(load)[0].offered


def test_errors_are_counted(url):
    summary, evidence = run(quick(f"{url}/nowhere", body="{}"))
    assert sum(summary.errors.values()) == summary.offered
    assert evidence.value("error_rate").value == 1.0
    assert evidence.table("errors")[0]["requests"] == summary.offered


def test_nothing_to_send_is_refused(url):
    with pytest.raises(UsageError, match="--data FILE or --body"):
        run(quick(url))


def test_a_file_that_is_not_there_is_refused(url, tmp_path):
    with pytest.raises(DataError, match=r"rows\.jsonl"):
        run(quick(url, data=tmp_path / "rows.jsonl"))


def test_the_evidence_holds_what_the_summary_says_second_by_second(url):
    summary, evidence = run(quick(f"{url}/predict", body='{"inputs": [1]}', callers="2"))
    assert len(evidence.table("timeline")) == len(summary.timeline)
    assert [row["status"] for row in evidence.table("statuses")] == ["200"]
    assert len(evidence.table("callers")) == 2
    assert evidence.value("goodput_per_s").value == summary.goodput_per_s
