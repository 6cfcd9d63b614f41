from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading

import numpy as np
import psutil
import pytest

from seatrial.core.errors import (
    DeadlineExceededError,
    InputError,
    ModelLoadError,
    ModelRaisedError,
    OutputContractError,
    UnknownNameError,
    WorkerLostError,
)
from seatrial.models.process import ModelProcess
from seatrial.models.subject import Subject

MODEL = """
import os, sys, time
import numpy as np

print("loading")

class Model:
    def predict(self, inputs):
        return [self.one(value) for value in inputs]

    def one(self, value):
        if isinstance(value, np.ndarray):
            return value.sum()
        if value == "raise":
            raise ValueError("bad row")
        if value == "exit":
            sys.exit(4)
        if value == "die":
            os._exit(5)
        if value == "orphan":
            if os.fork() == 0:
                time.sleep(1000)
            os._exit(5)
        if value == "segfault":
            os.kill(os.getpid(), 11)
        if value == "hang":
            time.sleep(1000)
        if value == "object":
            return object()
        if value == "child":
            import subprocess
            return subprocess.Popen(["sleep", "1000"]).pid
        if value == "print":
            print("a line of the model's own", flush=True)
            os.write(1, b"straight to the descriptor")
        if value == "threads":
            return os.environ["OMP_NUM_THREADS"]
        if value == "where":
            return os.getcwd()
        return {"output": value, "confidence": 0.75}

    def size(self, value):
        return 3 * len(value)

    def variants(self):
        return {"loud": lambda inputs: [value.upper() for value in inputs]}

def load():
    return Model()

def broken():
    raise OSError("no weights here")
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "seatrial.toml").write_text('[model]\nload = "model:load"\n')
    return tmp_path


@pytest.fixture
def process(folder):
    with ModelProcess(folder, limit_s=20) as process:
        yield process


def test_it_has_the_face_of_a_subject(process):
    """Answers, sizes and variants come from the other process."""
    assert isinstance(process, Subject)
    batch = process.answer(["a", "b"])
    assert [answer.output for answer in batch.answers] == ["a", "b"]
    assert batch.answers[0].confidence == 0.75
    assert batch.rss_bytes > 1_000_000
    assert process.pid != os.getpid()
    assert process.size("four") == 12
    assert process.sizes(["a", "bb"]) == [3, 6]
    assert process.variants()["loud"].answer(["a"]).answers[0].output == "A"
    assert process.answer([np.ones(3)]).answers[0].output == 3.0
    assert process.answer(["threads"]).answers[0].output == "1"


def test_it_works_in_the_folder(process, folder):
    """A model may open its files by relative path."""
    assert process.answer(["where"]).answers[0].output == os.path.realpath(folder)


def test_a_name_of_the_standard_library_in_the_folder_harms_nothing(folder):
    """The folder is not searched before the interpreter's own modules are loaded."""
    (folder / "struct.py").write_text("raise SystemExit('shadowed')")
    with ModelProcess(folder) as process:
        assert process.answer(["a"]).answers[0].output == "a"


def test_what_the_model_prints_goes_to_standard_error(folder, capfd):
    """The wire is out of reach of user code; standard output stays ours."""
    with ModelProcess(folder) as process:
        assert process.answer(["print"]).answers[0].output == "print"
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "a line of the model's own" in captured.err
    assert "straight to the descriptor" in captured.err


@pytest.mark.parametrize("value", ["raise", "exit"])
def test_a_model_that_raises_goes_on_answering(process, value):
    """The error names what was raised and where; the process lives."""
    before = process.pid
    with pytest.raises(ModelRaisedError, match=r"(ValueError: bad row|SystemExit: 4).*model\.py:"):
        process.answer(["a", value])
    assert process.answer(["a"]).answers[0].output == "a"
    assert process.pid == before


def test_an_answer_that_cannot_travel_breaks_the_output_contract(process):
    """An object of the model's own type is no answer."""
    with pytest.raises(OutputContractError, match="cannot be sent"):
        process.answer(["object"])
    with pytest.raises(OutputContractError) as raised:
        process.answer(["a", "object", "b"])
    assert raised.value.details["row"] == 1


def test_an_input_that_cannot_travel_is_refused_before_it_is_sent(process):
    """The process is not troubled with it."""
    with pytest.raises(InputError):
        process.answer([2**70])
    assert process.answer(["a"]).answers[0].output == "a"


@pytest.mark.parametrize(
    ("value", "how"),
    [
        ("die", "exit status 5"),
        ("orphan", "exit status 5"),
        ("segfault", "signal SIGSEGV"),
    ],
)
def test_a_process_that_dies_is_named_and_replaced(process, value, how):
    """The call that killed it raises; the next one finds a new process."""
    before = process.pid
    with pytest.raises(WorkerLostError, match=how):
        process.answer([value])
    assert process.answer(["a"]).answers[0].output == "a"
    assert process.pid != before


def test_a_model_that_hangs_is_ended_at_the_limit(folder):
    """A hang costs its own call and nothing else."""
    with ModelProcess(folder, limit_s=1.0) as process:
        pid = process.pid
        with pytest.raises(DeadlineExceededError, match="took longer than 1 s"):
            process.answer(["hang"])
        assert not alive(pid)
        process.limit_s = 20.0
        assert process.answer(["a"]).answers[0].output == "a"


def test_a_model_that_does_not_load_says_why(folder):
    """The cause comes back as a typed error; no process is left."""
    (folder / "seatrial.toml").write_text('[model]\nload = "model:broken"\n')
    with pytest.raises(ModelLoadError, match="OSError: no weights here"):
        ModelProcess(folder)
    assert not [child for child in psutil.Process().children() if alive(child.pid)]


def test_an_unknown_variant_of_the_model_is_named(process):
    """The known ones are listed."""
    with pytest.raises(UnknownNameError, match="known: loud"):
        process.ask("answer", ["a"], variant="quiet")


def test_processes_that_the_model_started_end_with_it(folder):
    """Closing ends the whole group."""
    with ModelProcess(folder) as process:
        child = process.answer(["child"]).answers[0].output
        assert alive(child)
        orphan = psutil.Process(child)
    psutil.wait_procs([orphan], timeout=10)
    assert not alive(child)


def test_it_outlives_the_thread_that_started_it(folder):
    """Only the end of the parent process ends a model process."""
    made = []
    thread = threading.Thread(target=lambda: made.append(ModelProcess(folder)))
    thread.start()
    thread.join()
    with made[0] as process:
        assert process.answer(["a"]).answers[0].output == "a"


@pytest.mark.parametrize("state", ["idle", "in_python", "holding_the_interpreter"])
def test_nothing_outlives_a_parent_that_is_killed(folder, state):
    """``kill -9`` of the parent ends the host and what its model started, busy or not."""
    (folder / "model.py").write_text(
        MODEL.replace(
            "time.sleep(1000)",
            "import re; re.match('(a+)+$', 'a' * 50 + 'b')"
            if state == "holding_the_interpreter"
            else "time.sleep(1000)",
        )
    )
    script = textwrap.dedent("""
        import sys, threading
        from seatrial.models.process import ModelProcess
        process = ModelProcess(sys.argv[1], limit_s=600)
        child = process.answer(["child"]).answers[0].output
        print(process.pid, child, flush=True)
        if sys.argv[2] != "idle":
            process.answer(["hang"])
        threading.Event().wait()
    """)
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(folder), state], stdout=subprocess.PIPE, text=True
    )
    with parent:
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert all(alive(pid) for pid in pids)
        parent.send_signal(signal.SIGKILL)
    _, left = psutil.wait_procs([psutil.Process(p) for p in pids if alive(p)], timeout=10)
    assert not [process for process in left if alive(process.pid)]


def alive(pid):
    """A process that nobody has waited for yet is dead all the same."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
