"""A machine that gives no port, no descriptors, no processes (P3)."""

from __future__ import annotations

import subprocess
import time

import psutil
import pytest

HANG_S = 60

FILES = "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, ({0}, {0}))\n"

NO_PROCESSES_AT_TIMES = """
import errno, os, subprocess, sys
from pathlib import Path
flag, fork = Path(sys.argv[2]) / ".no-processes", subprocess._fork_exec

def few(*arguments):
    if flag.exists():
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return fork(*arguments)

subprocess._fork_exec = few
"""


def failed_start(command):
    return subprocess.run(command, capture_output=True, text=True, timeout=HANG_S, check=False)


def test_fault_P3_a_port_that_is_taken_is_said_in_one_line(serve, project, command, tmp_path):
    """Exit 3; the server that has it goes on."""
    server = serve("--workers", "1")
    folder = project(tmp_path / "other")
    ended = failed_start([*command(folder), "--port", str(server.port)])
    assert (ended.returncode, ended.stdout) == (3, "")
    (line,) = ended.stderr.strip().splitlines()
    assert f"cannot listen on 127.0.0.1 port {server.port}" in line
    assert server.predict("a").status == 200


def test_fault_P3_where_no_process_can_be_started_the_start_fails_in_one_line(
    project, command, tmp_path
):
    """Exit 3, with keeper and without."""
    folder = project(tmp_path / "project")
    (folder / ".no-processes").touch()
    for flags in ((), ("--no-keeper",)):
        ended = failed_start(command(folder, *flags, prelude=NO_PROCESSES_AT_TIMES))
        assert (ended.returncode, ended.stdout) == (3, "")
        assert "Traceback" not in ended.stderr
        last = ended.stderr.strip().splitlines()[-1]
        assert "a model process could not be started" in last
        assert "Resource temporarily unavailable" in last


def test_fault_P3_too_few_descriptors_to_serve_at_all_are_said_at_the_start(
    project, command, tmp_path
):
    folder = project(tmp_path / "project")
    ended = failed_start(command(folder, "--workers", "2", prelude=FILES.format(30)))
    assert (ended.returncode, ended.stdout) == (3, "")
    (line,) = ended.stderr.strip().splitlines()
    assert "30 files may be open" in line
    assert "ulimit -n" in line


@pytest.mark.parametrize("forks", ["true", "false"])
def test_fault_P3_where_processes_cannot_be_replaced_it_goes_on_with_those_it_has(faulty, forks):
    """And replaces them as soon as it can, be they forked or started."""
    toml = f"[serving]\nfork_workers = {forks}\n"
    model = faulty("--workers", "2", prelude=NO_PROCESSES_AT_TIMES, toml=toml)
    model.flag("no-processes")
    psutil.Process(model.worker_pids()[0]).kill()
    model.server.eventually(lambda: losses(model) >= 2)
    assert [model.server.predict(f"row {n}").status for n in range(20)] == [200] * 20
    assert len(model.worker_pids()) == 1
    model.unflag("no-processes")
    model.server.eventually(lambda: len(model.worker_pids()) == 2, limit_s=HANG_S)
    assert model.server.predict("a").status == 200


def losses(model):
    return model.server.metric("seatrial_worker_losses_total")


@pytest.fixture
def crowd():
    """Connections that say nothing; they are closed with the test."""
    held = []

    def crowd(server, count):
        for _ in range(count):
            connection = server.connect(timeout=HANG_S)
            held.append(connection)
            connection.connect()
        return held

    yield crowd
    for connection in held:
        connection.close()


def test_fault_P3_with_64_descriptors_connections_wait_and_answers_go_on(faulty, load, crowd):
    """Nobody is turned away, those that rest make room, and what keeps it alive has its own."""
    model = faulty("--workers", "2", prelude=FILES.format(64))
    front = psutil.Process(model.server.popen.pid)
    crowd(model.server, 30)
    with load(model.server, callers=8) as callers:
        callers.more(100)
        psutil.Process(model.worker_pids()[0]).kill()
        model.server.eventually(lambda: len(model.worker_pids()) == 2, limit_s=HANG_S)
        callers.more(100)
    assert set(callers.statuses) <= {200, 502}
    assert callers.statuses.count(502) <= 8  # one batch, of as many as were asking
    assert callers.refused == 0
    assert front.num_fds() < 64


def test_fault_P3_where_all_places_are_taken_it_waits_without_spinning(faulty, crowd, tmp_path):
    """Connections that wait in the kernel cost no processor time."""
    limits = FILES.format(64) + NOBODY_MAKES_ROOM
    with (tmp_path / "said").open("w") as stderr:
        model = faulty("--workers", "1", prelude=limits, stderr=stderr)
    front = psutil.Process(model.server.popen.pid)
    connections = crowd(model.server, 26)
    model.server.eventually(lambda: '"full"' in (tmp_path / "said").read_text())
    before, turns = front.cpu_times(), front.num_ctx_switches()
    until = time.monotonic() + 2.0
    model.server.eventually(lambda: time.monotonic() >= until)
    after, later = front.cpu_times(), front.num_ctx_switches()
    assert after.user + after.system - before.user - before.system < 0.5
    # About twenty looks a second at the control log, and hardly more than those.
    assert later.voluntary - turns.voluntary < 1_000
    for connection in connections:
        connection.close()
    model.server.eventually(lambda: model.server.predict("a").status == 200)


NOBODY_MAKES_ROOM = """
from seatrial.serve import connections
connections.REST_MIN_S = 1000.0
"""
