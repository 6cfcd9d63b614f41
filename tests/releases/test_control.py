"""An order holds from the moment it is given, for every process, until another one is given."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from seatrial.core.errors import ConflictError, EnvironmentMismatchError
from seatrial.releases.control import Control, decode, fold
from seatrial.releases.places import ControlPlaces
from seatrial.testing.clock import START, ManualClock

KILLER = """
import sys
from pathlib import Path
from seatrial.releases.control import Control
control = Control(Path(sys.argv[1]))
print("ready", flush=True)
while True:
    print(control.order("kill-on", by="a process", reason="x" * 900).generation, flush=True)
"""


@pytest.fixture
def control(tmp_path):
    return Control(tmp_path, clock=ManualClock())


def log_of(folder):
    return ControlPlaces.of(folder).log


def test_nothing_is_ordered_at_first_and_reading_makes_no_file(control, tmp_path):
    assert control.changed()
    state = control.read()
    assert (state.killed, state.generation, state.problem) == (False, 0, "")
    assert not control.changed()
    assert list(tmp_path.iterdir()) == []


def test_a_kill_says_who_when_and_why(control):
    state = control.order("kill-on", by="ada", reason="wrong answers for refunds")
    assert state.killed
    assert (state.by, state.reason, state.since) == ("ada", "wrong answers for refunds", START)
    assert state.generation == 1
    assert not control.order("kill-off", by="ada").killed


def test_fault_K1_an_order_reaches_every_reader_and_survives_a_restart(control, tmp_path):
    """The file alone: no keeper, no server, no database."""
    running = Control(tmp_path)
    assert not running.read().killed
    assert not running.changed()
    control.order("kill-on", by="ada")
    assert running.changed()
    assert running.read().killed
    assert not running.changed()
    assert Control(tmp_path).read().killed, "after a restart"
    control.order("kill-off", by="ada")
    assert running.changed()
    assert not running.read().killed


def test_reload_and_drain_are_counted_and_leave_the_kill_alone(control):
    control.order("kill-on", by="ada", reason="why")
    control.order("reload", by="bob")
    state = control.order("drain", by="bob")
    assert state.killed
    assert (state.reason, state.by) == ("why", "ada")
    assert (state.reloaded, state.drained, state.generation) == (2, 3, 3)


def test_of_two_who_decide_on_the_same_state_one_wins(control, tmp_path):
    other = Control(tmp_path)
    seen = control.read().generation
    control.order("kill-on", by="ada", expected=seen)
    with pytest.raises(ConflictError) as refused:
        other.order("kill-off", by="bob", expected=seen)
    assert refused.value.http_status == 409
    assert other.read().killed
    other.order("kill-off", by="bob", expected=1)


def test_orders_at_one_time_are_all_kept_in_some_order(tmp_path):
    def work(name):
        control = Control(tmp_path)
        for _ in range(10):
            control.order("reload", by=name)

    threads = [threading.Thread(target=work, args=(str(n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    state = Control(tmp_path).read()
    assert (state.generation, state.problem) == (40, "")


def test_half_an_order_was_never_given(control, tmp_path):
    control.order("kill-off", by="ada")
    control.order("kill-on", by="ada")
    whole = log_of(tmp_path).read_bytes()
    first = whole.index(b"\n") + 1
    for size in range(first, len(whole)):
        log_of(tmp_path).write_bytes(whole[:size])
        state = Control(tmp_path).read()
        assert (state.killed, state.generation, state.problem) == (False, 1, "")
    assert Control(tmp_path).order("kill-on", by="bob").generation == 2


def test_a_damaged_order_counts_as_a_kill_until_somebody_looks(control, tmp_path):
    """It might have been one, whatever bit has flipped."""
    control.order("reload", by="ada")
    whole = log_of(tmp_path).read_bytes()
    for place in range(0, len(whole) - 1, 7):
        harmed = bytearray(whole)
        harmed[place] ^= 1
        if b"\n" not in harmed[:-1]:
            state = fold(bytes(harmed).split(b"\n")[:-1])
            assert state.killed, place
            assert "order 1" in state.problem
    log_of(tmp_path).write_bytes(whole.replace(b"reload", b"relaod"))
    other = Control(tmp_path)
    assert other.read().killed
    healed = other.order("kill-off", by="ada", reason="looked at it")
    assert (healed.killed, healed.generation, healed.problem) == (False, 2, "")


def test_an_order_that_was_taken_out_is_noticed(control, tmp_path):
    for action in ("kill-off", "kill-on", "reload"):
        control.order(action, by="ada")
    first, _, third = log_of(tmp_path).read_bytes().splitlines(keepends=True)
    log_of(tmp_path).write_bytes(first + third)
    assert Control(tmp_path).read().killed


@pytest.mark.parametrize("harm", ["gone", "shortened", "unreadable"])
def test_what_held_holds_when_the_log_is_lost_under_a_server(control, tmp_path, harm):
    control.order("kill-on", by="ada")
    log = log_of(tmp_path)
    if harm == "gone":
        log.unlink()
    elif harm == "shortened":
        log.write_bytes(b"")
    else:
        log.unlink()
        log.mkdir()
    assert control.changed()
    state = control.read()
    assert state.killed
    assert state.problem
    # One that could not be read may say something else as soon as it can be.
    assert control.changed() is (harm == "unreadable")


def test_a_log_that_was_never_readable_is_an_error(tmp_path):
    log_of(tmp_path).mkdir(parents=True)
    with pytest.raises(EnvironmentMismatchError, match="cannot be read"):
        Control(tmp_path).read()


def test_an_order_that_cannot_be_written_was_not_taken(tmp_path):
    (tmp_path / ".seatrial").write_text("a file where a folder should be")
    control = Control(tmp_path)
    with pytest.raises(EnvironmentMismatchError, match="not taken"):
        control.order("kill-on", by="ada")


def test_what_people_write_cannot_break_a_line(control, tmp_path):
    state = control.order("kill-on", by="a\nb", reason='"}\n{"' + "x" * 5_000)
    assert state.killed
    assert state.problem == ""
    assert len(state.reason) == 1_000
    (line,) = log_of(tmp_path).read_bytes().splitlines()
    assert decode(line).by == "a\nb"


def test_bytes_of_a_command_line_that_are_no_text_do_not_stop_a_kill(control):
    state = control.order("kill-on", by="ada", reason=os.fsdecode(b"br\xfcken"))
    assert (state.killed, state.reason) == (True, "br?ken")


def test_fault_K1_orders_that_were_acknowledged_survive_the_death_of_who_gave_them(tmp_path):
    told = [sys.executable, "-c", KILLER, str(tmp_path)]
    for round_number in range(3):
        with subprocess.Popen(told, stdout=subprocess.PIPE, text=True) as giver:
            for _ in range(4 + round_number):
                acknowledged = giver.stdout.readline()
            os.kill(giver.pid, signal.SIGKILL)
        state = Control(tmp_path).read()
        assert state.killed
        assert state.problem == ""
        assert state.generation >= int(acknowledged)
