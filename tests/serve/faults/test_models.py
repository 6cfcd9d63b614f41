"""What a model does to the process it runs in: it grows (M5), it meddles (M9)."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import psutil

LEAKING = '''
import os

HELD = []

class Model:
    """Keeps a megabyte of every call, and says who it is and how large it has become."""

    def predict(self, inputs):
        HELD.append(bytearray(b"x") * 2**20)
        with open("/proc/self/statm") as file:
            rss_bytes = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        return [[os.getpid(), rss_bytes] for _ in inputs]

def load():
    return Model()
'''

MEDDLING = '''
import os, random, signal, stat, sys, threading, time

class Model:
    """Answers its input in capitals; some inputs are deeds."""

    def predict(self, inputs):
        for value in inputs:
            getattr(self, value, str)()
        return [value.upper() for value in inputs]

    def prints(self):
        print("printed on standard output")
        sys.stderr.write("written to standard error\\n")
        os.write(1, b"straight to the descriptor\\n")

    def prints_without_end(self):
        for number in range(60_000):
            print("line", number, "of far too many")

    def closes_its_streams(self):
        sys.stdout.close()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

    def goes_elsewhere(self):
        os.chdir("/")
        os.umask(0o777)

    def takes_signals(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, signal.SIG_IGN)

    def sends_signals(self):
        for number in (signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, signal.SIG_IGN)
            os.killpg(0, number)

    def empties_its_environment(self):
        os.environ.clear()
        random.seed(0)

    def starts_threads(self):
        for _ in range(20):
            threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()

    def replaces_what_it_finds(self):
        time.sleep = time.monotonic = None

    def scribbles_on_the_wire(self):
        for number in descriptors():
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                os.write(number, b"what is no frame at all")

    def cuts_the_shared_memory(self):
        for number in descriptors():
            if "seatrial-arrays" in os.readlink(f"/proc/self/fd/{number}"):
                os.ftruncate(number, 0)

def descriptors():
    found = [int(name) for name in os.listdir("/proc/self/fd") if int(name) > 2]
    return [number for number in found if os.path.exists(f"/proc/self/fd/{number}")
            or os.path.islink(f"/proc/self/fd/{number}")]

def load():
    return Model()
'''


class TestLeak:
    def test_fault_M5_a_worker_that_grows_is_replaced_and_no_request_is_lost(self, serve):
        """Before its ceiling, while others and itself go on answering."""
        ceiling_mib = 160
        server = serve(
            "--workers", "1", model=LEAKING, toml=f"[serving]\nworker_memory_mib = {ceiling_mib}\n"
        )
        answers, failed, enough = [], [], threading.Event()

        def call():
            while not enough.is_set():
                answer = server.predict("a")
                if answer.status != 200:
                    failed.append(answer.body)
                    return
                answers.append(tuple(answer.json["results"][0]["output"]))

        callers = [threading.Thread(target=call) for _ in range(4)]
        for caller in callers:
            caller.start()
        try:
            server.eventually(lambda: failed or len({pid for pid, _ in answers}) > 2, limit_s=60)
        finally:
            enough.set()
            for caller in callers:
                caller.join()
        assert failed == []
        assert max(rss_bytes for _, rss_bytes in answers) < (ceiling_mib + 8) * 2**20
        assert server.metric("seatrial_worker_losses_total") == 0


DEEDS = (
    "prints",
    "goes_elsewhere",
    "takes_signals",
    "sends_signals",
    "starts_threads",
    "cuts_the_shared_memory",
    "closes_its_streams",
    "empties_its_environment",
    "replaces_what_it_finds",
)


class TestMeddling:
    def test_fault_M9_what_a_model_does_to_its_process_stays_there(self, serve):
        server = serve("--workers", "1", model=MEDDLING)
        before = state(server)
        for deed in DEEDS:
            for value in (deed, "next", deed, "last"):
                answer = server.predict(value)
                assert answer.status == 200, (deed, answer.body)
                assert answer.json["results"][0]["output"] == value.upper()
            assert state(server) == before
        assert server.metric("seatrial_worker_losses_total") == 0

    def test_fault_M9_what_a_model_prints_is_kept_line_by_line_and_bounded(self, serve, tmp_path):
        with (tmp_path / "stderr").open("w") as stderr:
            patient = "[serving]\ntimeout_ms = 60000\n"
            server = serve("--workers", "1", model=MEDDLING, stderr=stderr, toml=patient)
            assert server.predict("prints").status == 200
            assert server.predict("prints_without_end").status == 200
            assert server.predict("next").status == 200
        seen = (tmp_path / "stderr").read_text()
        for line in (
            "printed on standard output",
            "written to standard error",
            "straight to the descriptor",
            "line 0 of far too many",
        ):
            assert line in seen.splitlines()
        assert len(seen) < 2 << 20

    def test_fault_M9_what_a_model_writes_on_the_wire_costs_its_worker_alone(self, serve):
        """The front takes it for no answer, and another worker answers."""
        server = serve("--workers", "1", model=MEDDLING)
        answer = server.predict("scribbles_on_the_wire")
        assert answer.status in {500, 502}, answer.body
        assert json.loads(answer.body)["code"]
        server.eventually(lambda: server.predict("next").status == 200)
        assert server.metric("seatrial_worker_losses_total") == 1


def state(server):
    """What of a server a model could have changed."""
    process = psutil.Process(server.popen.pid)
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    kept = ("SigBlk", "SigIgn", "SigCgt", "Umask")
    return process.cwd(), [line for line in lines if line.startswith(kept)]
