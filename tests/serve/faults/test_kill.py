"""The kill switch under load, with nothing else alive that could help (K1)."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil
import pytest

from seatrial.releases.control import Control

HANG_S = 60


def order(model, action):
    """Order it as an operator does, from another process."""
    command = [sys.executable, "-m", "seatrial", "kill", action, str(model.server.folder)]
    subprocess.run([*command, "--reason", "wrong refunds"], check=True, timeout=HANG_S)


def killed(model):
    return model.server.predict("probe").json.get("code") == "killed"


def test_fault_K1_no_model_call_starts_after_the_kill_is_seen(faulty, load):
    """Under load and with the keeper dead; whoever asks is told so, and the records say it."""
    model = faulty("--workers", "2", "--keeper")
    front = psutil.Process(model.server.popen.pid)
    for process in front.children():
        if "seatrial.serve.keeper" in process.cmdline():
            process.kill()
    with load(model.server, callers=8) as callers:
        callers.more()
        order(model, "on")
        model.server.eventually(lambda: killed(model))
        seen_s = time.perf_counter()
        told = len(callers.answers)
        callers.more(50)
        # Those that were under way when it was seen may still come in, one for each caller.
        after = callers.answers[told + 8 :]
        assert {(at.status, at.json["code"]) for at in after} == {(503, "killed")}
        assert all(int(at.headers["retry-after"]) >= 1 for at in after)
        assert model.calls()[-1][0] < seen_s
        order(model, "off")
        model.server.eventually(lambda: callers.answers[-1].status == 200)
        callers.more()
    assert set(callers.statuses) == {200, 503}
    assert callers.lost == []
    said = [at for at in callers.answers if at.status == 503]
    assert {model.server.record_of(at)["status"] for at in said[:3]} == {"killed"}
    assert "wrong refunds" in said[0].json["detail"]
    kinds = {record["status"] for record in model.server.records()}
    assert kinds == {"answered", "killed"}


@pytest.mark.parametrize("toml", ["", "[serving]\ncache_mib = 8\n"], ids=["plain", "cache"])
def test_fault_K1_what_waits_when_it_comes_is_refused_and_never_run(faulty, toml):
    """So is what runs: its answer is not given any more."""
    model = faulty("--workers", "1", toml=toml)
    rows = ["a", "b", ["c", "d"], "a"]
    with model.waiting(*rows[:3]) as (gate, answers):
        Control(model.server.folder).order("kill-on", by="a test")
        model.server.eventually(lambda: killed(model))
        told = answers()
        model.flag(gate)
    assert [(at.status, at.json["code"]) for at in told] == [(503, "killed")] * 4
    model.server.eventually(lambda: model.server.metric("seatrial_inflight_requests") == 0)
    assert [inputs for _, _, inputs in model.calls()] == [[gate]]
    assert {model.server.record_of(at)["status"] for at in told} == {"killed"}
    Control(model.server.folder).order("kill-off", by="a test")
    model.server.eventually(lambda: model.server.predict("a").status == 200)


@pytest.mark.parametrize("bad", ["raise", "poison"])
def test_fault_K1_rows_of_a_failing_call_are_not_run_again_after_it(faulty, bad):
    """They would be tried one by one; and after a death by another worker."""
    model = faulty("--workers", "1", toml="pure = true\n")
    with model.asking("gate here", bad, "a", "b") as asking:
        asking.ask()
        model.server.eventually(model.calls)
        Control(model.server.folder).order("kill-on", by="a test")
        model.server.eventually(lambda: killed(model))
        assert asking.answer().json["code"] == "killed"
    model.flag("gate here")
    Control(model.server.folder).order("kill-off", by="a test")
    model.server.eventually(lambda: model.server.predict("after").status == 200)
    assert [inputs for _, _, inputs in model.calls()[1:]] == [["after"]]


def test_fault_K1_it_survives_a_restart_and_stops_even_warm_up(faulty, serve):
    """Nothing is asked of the model until somebody switches it on again."""
    model = faulty("--workers", "1")
    assert model.server.predict("a").status == 200
    model.server.popen.kill()
    model.server.popen.wait()
    folder = model.server.folder
    (folder / "eval.csv").write_text("text,label\none,x\ntwo,y\n")
    with (folder / "seatrial.toml").open("a") as settings:
        settings.write('\n[eval]\ndata = "eval.csv"\n')
    order(model, "on")
    before = len(model.calls())
    again = type(model)(serve("--workers", "1", folder=folder))
    answer = again.server.predict("a")
    assert (answer.status, answer.json["code"]) == (503, "killed")
    assert len(again.calls()) == before
    (worker,) = again.worker_pids()
    psutil.Process(worker).kill()
    again.server.eventually(lambda: again.worker_pids() not in ([], [worker]))
    assert len(again.calls()) == before
    order(again, "off")
    again.server.eventually(lambda: again.server.predict("a").status == 200)


def test_fault_K1_it_reaches_a_server_whose_descriptors_were_all_taken(faulty, tmp_path):
    """An order that could not be read when it came is read as soon as it can be."""
    with (tmp_path / "said").open("w") as stderr:
        model = faulty("--workers", "1", prelude=NO_FILES_AT_TIMES, stderr=stderr)
    model.flag("no-files")
    Control(model.server.folder).order("kill-on", by="a test")
    model.server.eventually(lambda: "control-problem" in (tmp_path / "said").read_text())
    assert model.server.predict("a").status == 200
    model.unflag("no-files")
    model.server.eventually(lambda: killed(model))


NO_FILES_AT_TIMES = """
import errno, os, sys
from pathlib import Path
from seatrial.releases.line_file import LineFile
flag, lines = Path(sys.argv[2]) / ".no-files", LineFile.lines

def few(self):
    if flag.exists():
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    return lines(self)

LineFile.lines = few
"""
