from __future__ import annotations

import json
import math
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from seatrial.records import lines


class Load:
    """Callers who ask again and again until told to stop, and keep what they got."""

    def __init__(self, server, callers=4):
        self.statuses = []
        self.refused = 0
        self._server = server
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._call) for _ in range(callers)]

    def _call(self):
        while not self._stopping.is_set():
            try:
                self.statuses.append(self._server.predict("sleep 0.005").status)
            except (ConnectionRefusedError, ConnectionResetError):
                self.refused += 1
                return

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        self._server.eventually(lambda: len(self.statuses) > 10)
        return self

    def __exit__(self, *_):
        self._stopping.set()
        for thread in self._threads:
            thread.join()


def worker_pids(server):
    told = server.ask("GET", "/readyz?verbose").json
    return [worker["pid"] for worker in told["workers"] if worker["state"] == "ready"]


def test_a_worker_that_is_killed_costs_at_most_its_batch(serve):
    """The front lives, another worker answers, the killed one is replaced."""
    server = serve("--workers", "2")
    before = worker_pids(server)
    with Load(server) as load:
        psutil.Process(before[0]).kill()
        server.eventually(lambda: server.metric("seatrial_worker_losses_total") == 1)
        server.eventually(lambda: len(worker_pids(server)) == 2)
    assert before[0] not in worker_pids(server)
    assert set(load.statuses) <= {200, 502}
    assert load.statuses.count(502) <= 4
    assert load.refused == 0


def test_a_row_that_crashes_the_worker_is_told_and_the_server_goes_on(serve):
    """502, retryable; the next request waits for the new worker."""
    server = serve("--workers", "1")
    answer = server.predict("die")
    assert (answer.status, answer.json["code"], answer.json["retryable"]) == (
        502,
        "worker-lost",
        True,
    )
    assert "SIGSEGV" in answer.json["detail"]
    assert server.record_of(answer)["status"] == "failed"
    assert server.predict("a").status == 200


def test_a_hang_costs_its_own_request_and_its_worker(serve):
    """504 at the deadline; meanwhile the other worker answers; the hung one is replaced."""
    server = serve("--workers", "2")
    before = worker_pids(server)
    with ThreadPoolExecutor(1) as callers:
        hung = callers.submit(server.predict, "hang", headers={"X-Request-Timeout-Ms": "400"})
        server.eventually(lambda: server.metric("seatrial_inflight_requests") == 1)
        assert server.predict("a").status == 200
        answer = hung.result()
    assert (answer.status, answer.json["code"]) == (504, "deadline-exceeded")
    assert server.record_of(answer)["status"] == "timed_out"
    server.eventually(lambda: len(worker_pids(server)) == 2 and worker_pids(server) != before)
    assert server.predict("a").status == 200


def test_a_request_that_expires_in_the_queue_is_never_run(serve):
    """Its deadline passes while the only worker is busy."""
    server = serve("--workers", "1")
    with ThreadPoolExecutor(1) as callers:
        busy = callers.submit(server.predict, "sleep 1")
        server.eventually(lambda: server.metric("seatrial_inflight_requests") == 1)
        answer = server.predict("late", headers={"X-Request-Timeout-Ms": "50"})
        assert busy.result().status == 200
    assert answer.status == 504
    assert server.record_of(answer)["batch_size"] is None


def test_a_full_queue_answers_503_and_when_to_come_back(serve):
    """Rows beyond the bound are refused at once; a request that could never fit is 413."""
    server = serve("--workers", "1", toml="[serving]\nqueue_rows = 4\n")
    with ThreadPoolExecutor(2) as callers:
        busy = callers.submit(server.predict, "sleep 1")
        server.eventually(lambda: server.metric("seatrial_inflight_requests") == 1)
        waiting = callers.submit(server.predict, "a", "b", "c")
        server.eventually(lambda: server.metric("seatrial_queue_depth") == 3)
        answer = server.predict("d", "e")
        assert [busy.result().status, waiting.result().status] == [200, 200]
    assert (answer.status, answer.json["code"]) == (503, "overloaded")
    assert int(answer.headers["retry-after"]) >= 1
    again_ms = answer.json["retry_after_ms"]
    assert again_ms == int(answer.headers["retry-after-ms"])
    assert int(answer.headers["retry-after"]) == math.ceil(again_ms / 1000)
    assert server.record_of(answer, 1)["status"] == "rejected"
    assert server.predict(*"abcde").status == 413


def test_a_model_that_is_not_sure_abstains(serve):
    """Below the threshold the output is withheld from the caller and kept in the log."""
    server = serve("--workers", "1", toml="[serving]\nconfidence_min = 0.5\n")
    answer = server.predict("unsure", "a")
    assert [(r["output"], r["abstained"]) for r in answer.json["results"]] == [
        (None, True),
        ("A", False),
    ]
    assert answer.json["results"][0]["confidence"] == 0.25
    record = server.record_of(answer, 0)
    assert (record["status"], record["output"]) == ("abstained", "?")


@pytest.mark.parametrize("task", ["classification", "generation"])
def test_what_is_redacted_never_reaches_the_disk(serve, task, monkeypatch):
    """The caller gets the whole answer; answers are redacted where they are texts of their own."""
    monkeypatch.setenv("SEATRIAL_MODEL__TASK", task)
    server = serve("--workers", "1", toml='[log]\nredact = ["email", "card"]\n')
    answer = server.predict("ann@example.org paid with 4111 1111 1111 1111")
    assert answer.json["results"][0]["output"] == "ANN@EXAMPLE.ORG PAID WITH 4111 1111 1111 1111"
    record = server.record_of(answer, 0)
    assert record["input"] == "[email] paid with [card]"
    kept = "[email] PAID WITH [card]"
    assert (record["output"] == kept) is (task == "generation")


def test_inputs_can_be_kept_out_of_the_log(serve):
    """Then only their digests are recorded."""
    server = serve("--workers", "1", "--origin", "drill", toml="[serving]\nlog_inputs = false\n")
    answer = server.predict("secret")
    record = server.record_of(answer)
    assert record["input"] is None
    assert len(record["input_digest"]) == 64
    assert record["origin"] == "drill"
    log = server.folder / ".seatrial" / "log"
    assert not any(b"secret" in path.read_bytes() for path in log.rglob("*.ndjson"))


def test_inputs_that_are_kept_out_of_the_log_are_not_told_on_standard_error_either(serve, tmp_path):
    """What a model raises often quotes its input; where it was raised says enough."""
    model = "def load():\n    return lambda inputs: [int(value) for value in inputs]\n"
    with (tmp_path / "said").open("wb") as said:
        settings = "[serving]\nlog_inputs = false\n"
        server = serve("--workers", "1", model=model, toml=settings, stderr=said)
        answer = server.predict("secret")
    assert answer.status == 500
    event = json.loads((tmp_path / "said").read_text())
    assert event["id"] == answer.headers["x-request-id"]
    assert event["raised"] == "ValueError"
    assert event["message"].startswith("(model.py:2, in ")
    assert "secret" not in json.dumps(event)


def test_the_whole_path_is_walked_before_the_server_says_that_it_is_ready(serve, project, tmp_path):
    """So that the first caller finds it warm; the rows count as warm-up."""
    folder = project(tmp_path / "project", toml='[eval]\ndata = "eval.jsonl"\n')
    (folder / "eval.jsonl").write_text('{"text": "a", "label": "b"}\n')
    walked = [one for one in serve(folder=folder).records() if one["route"] == "/predict"]
    assert walked
    assert {one["origin"] for one in walked} == {"warmup"}


def test_workers_are_warmed_with_eval_inputs_that_count_as_nothing(serve, tmp_path):
    """Growing batches, as long as they get cheaper by the row; the log says warm-up."""
    (tmp_path / "project").mkdir()
    rows = [json.dumps({"text": f"eval {n}", "label": "x"}) for n in range(30)]
    (tmp_path / "project" / "eval.jsonl").write_text("\n".join(rows))
    server = serve(
        "--workers", "1", toml='[eval]\ndata = "eval.jsonl"\n[serving]\nbatch_max = 10\n'
    )
    warm = server.records()
    assert {record["origin"] for record in warm} == {"warmup"}
    assert {1, 2} <= {record["batch_size"] for record in warm} <= {1, 2, 4, 8, 10}
    assert server.metric("seatrial_requests_total") == 0
    assert list((server.folder / ".seatrial" / "control").glob("samples-*.json"))


RECORDS = """
class Model:
    def predict(self, inputs):
        return [" ".join(type(value).__name__ for value in row.values()) for row in inputs]

def load():
    return Model()
"""


def test_records_reach_the_model_with_their_types(serve):
    """A whole number beyond 64 bits comes as the number that JSON means, with a fraction part."""
    server = serve("--workers", "1", model=RECORDS, kind="record")
    answer = server.predict({"a": 1, "b": 1.0, "c": None, "d": True, "e": "x"}, {})
    outputs = [result["output"] for result in answer.json["results"]]
    assert outputs == ["int float NoneType bool str", ""]
    large = server.predict({"a": 1}, {"a": 2**70})
    assert [result["output"] for result in large.json["results"]] == ["int", "float"]
    assert server.predict({"a": [1]}).json["errors"][0]["pointer"] == "/inputs/0/a"


def test_a_model_behind_a_url_is_served_too(serve, server, tmp_path):
    """The same guards before a service that is not ours."""
    folder = tmp_path / "remote"
    folder.mkdir()
    (folder / "seatrial.toml").write_text(f'[model]\nurl = "{server.ready["url"]}"\n')
    front = serve("--workers", "2", folder=folder)
    answer = front.predict("a", "b")
    assert [result["output"] for result in answer.json["results"]] == ["A", "B"]
    assert answer.headers["x-release"] != server.ready["release"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_under_load_loses_no_request(serve, number):
    """What is in flight is answered, then the listener closes, then the exit is 0."""
    server = serve("--workers", "2", "--drain-delay", "0.3")
    family = server.family()
    with Load(server) as load:
        server.popen.send_signal(number)
        assert server.popen.wait(30) == 0
    assert set(load.statuses) == {200}
    answered = [r for r in server.records() if r["status"] == "answered"]
    assert len(answered) == len(load.statuses)
    assert not list((server.folder / ".seatrial" / "log" / "open").iterdir())
    for pid in family:
        server.eventually(lambda pid=pid: not psutil.pid_exists(pid) or zombie(pid))


def test_while_it_drains_it_is_not_ready_but_answers(serve):
    """Balancers see it first."""
    server = serve("--workers", "1", "--drain-delay", "2")
    server.popen.terminate()
    server.eventually(lambda: server.ask("GET", "/readyz").status == 503)
    assert server.ask("GET", "/livez").status == 200
    assert server.predict("a").status == 200
    assert server.popen.wait(30) == 0


def test_a_second_signal_ends_it_at_once(serve):
    """Even with a request that would take a while."""
    server = serve("--workers", "1", "--drain-delay", "60")
    family = server.family()
    server.popen.terminate()
    server.eventually(lambda: server.ask("GET", "/readyz").status == 503)
    server.popen.terminate()
    assert server.popen.wait(30) == 128 + signal.SIGTERM
    for pid in family:
        server.eventually(lambda pid=pid: not psutil.pid_exists(pid) or zombie(pid))


def test_kill_leaves_no_process_and_the_next_start_seals_what_was_left(serve, tmp_path):
    """``kill -9`` of the front, keeper and hung worker included; no acknowledged row is lost."""
    first = serve("--workers", "2", "--keeper")
    answers = [first.predict(f"row {number}").json["id"] for number in range(20)]
    hung = socket.create_connection(("127.0.0.1", first.port))
    body = b'{"input": "hang"}'
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
    hung.sendall(head % len(body) + body)
    first.eventually(lambda: first.metric("seatrial_inflight_requests") == 1)
    family = first.family()
    assert len(family) == 5
    first.popen.kill()
    hung.close()
    for pid in family:
        first.eventually(lambda pid=pid: not psutil.pid_exists(pid) or zombie(pid))
    log = first.folder / ".seatrial" / "log"
    (stale,) = (log / "open").iterdir()
    logged = [json.loads(body) for body in lines.read(stale.read_bytes()).bodies]
    assert [record["id"] for record in logged] == answers
    second = serve("--workers", "1", "--keeper", folder=first.folder)
    second.eventually((log / "sealed" / f"{stale.stem}.parquet").exists)
    second.eventually(lambda: not stale.exists())
    assert second.predict("a").status == 200


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"location": "model:broken"}, (1, "no weights here")),
        ({"location": "model:nothing"}, (1, "nothing")),
        ({"toml": "[serving]\nworkerz = 2\n"}, (2, 'Did you mean "workers"?')),
    ],
)
def test_a_server_that_cannot_start_says_why_in_one_line(
    tmp_path, project, command, change, expected
):
    """The exit status is that of the error; nothing is said on standard output."""
    folder = project(tmp_path / "project", **change)
    run = subprocess.run(command(folder), capture_output=True, text=True, timeout=60, check=False)
    status, words = expected
    assert run.returncode == status
    assert run.stdout == ""
    assert words in run.stderr.strip().splitlines()[-1]
    assert "Traceback" not in run.stderr


def test_a_taken_port_is_exit_3(tmp_path, project, command):
    """With the address, the reason and what to do."""
    folder = project(tmp_path / "project")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = subprocess.run(
            [*command(folder), "--port", str(port)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert run.returncode == 3
    assert f"cannot listen on 127.0.0.1 port {port}" in run.stderr
    assert "--port 0" in run.stderr


def test_a_signal_while_the_model_loads_stops_it(tmp_path, project, command):
    """No need to wait for a model that takes minutes."""
    folder = project(tmp_path / "project", model="import time; time.sleep(1000)")
    popen = subprocess.Popen(command(folder), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with popen:
        parent = psutil.Process(popen.pid)
        until_hosted(parent)
        family = parent.children(recursive=True)
        popen.send_signal(signal.SIGINT)
        assert popen.wait(30) == 0
    psutil.wait_procs(family, timeout=10)
    assert not [process for process in family if not zombie(process.pid)]


def until_hosted(parent):
    while not any("seatrial.models.host" in " ".join(c.cmdline()) for c in parent.children()):
        pass


def zombie(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_the_front_imports_neither_user_code_nor_heavy_libraries():
    """DuckDB, plotly, scikit-learn and SciPy belong to other processes."""
    script = (
        "import sys; import seatrial.serve.command, seatrial.cli.serve;"
        "print(sorted({'duckdb', 'plotly', 'sklearn', 'scipy', 'rich'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
