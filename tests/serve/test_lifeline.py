"""A server ends with the one that started it."""

import subprocess
import sys

HELD = """
import signal, sys, time
from seatrial.serve.lifeline import hold_lifeline
{before}
hold_lifeline()
print("held", flush=True)
while True:
    signal.pause()
"""
DRAINS = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))"


def start(before=""):
    return subprocess.Popen(
        [sys.executable, "-c", HELD.format(before=before)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_the_end_of_standard_input_is_a_request_to_drain():
    with start(DRAINS) as process:
        assert process.stdout.readline() == "held\n"
        assert process.poll() is None
        process.stdin.close()
        assert process.wait(30) == 7


def test_what_is_written_to_it_changes_nothing():
    with start(DRAINS) as process:
        process.stdin.write("still here\n")
        process.stdin.flush()
        assert process.stdout.readline() == "held\n"
        assert process.poll() is None
        process.stdin.close()
        assert process.wait(30) == 7


def test_one_that_does_not_drain_is_ended():
    ignores = "import seatrial.serve.lifeline as lifeline; lifeline.GRACE_S = 0.1\n"
    ignores += "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    with start(ignores) as process:
        assert process.stdout.readline() == "held\n"
        process.stdin.close()
        assert process.wait(30) == 1
