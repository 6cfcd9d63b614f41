"""What was done cannot be undone in the audit log without its being seen."""

import threading

import pytest

from seatrial.core.errors import EnvironmentMismatchError
from seatrial.releases.places import ControlPlaces
from seatrial.serve.audit import BEGINNING, AuditLog, broken_at
from seatrial.testing.clock import START, ManualClock


@pytest.fixture
def log(tmp_path):
    return AuditLog(tmp_path, clock=ManualClock())


@pytest.fixture
def path(tmp_path):
    return ControlPlaces.of(tmp_path).audit


def test_an_empty_log_is_whole(log):
    audit = log.read()
    assert (audit.rows, audit.count, audit.head, audit.broken_at) == ([], 0, BEGINNING, None)


def test_rows_say_who_did_what_and_when(log, path):
    log.add("kill-on", by="ada", peer="127.0.0.1", reason="wrong answers")
    log.add("status", by="nobody", outcome="unauthorized")
    first, second = log.read().rows
    assert (first.time, first.by, first.action, first.outcome) == (START, "ada", "kill-on", "done")
    assert (first.peer, first.reason, first.previous) == ("127.0.0.1", "wrong answers", BEGINNING)
    assert second.outcome == "unauthorized"
    assert path.stat().st_mode & 0o777 == 0o600


def test_only_the_last_rows_are_returned_but_all_are_checked(log):
    for number in range(5):
        log.add("reload", by=str(number))
    audit = log.read(last=2)
    assert [row.by for row in audit.rows] == ["3", "4"]
    assert (audit.count, audit.broken_at) == (5, None)
    assert log.read(last=0).rows == []


def test_every_change_of_a_row_but_the_last_breaks_the_chain(log, path):
    for number in range(3):
        log.add("reload", by=f"operator {number}")
    whole = path.read_bytes().splitlines()
    assert broken_at(whole) is None
    for place in range(len(whole[0])):
        harmed = bytearray(whole[0])
        harmed[place] ^= 1
        assert broken_at([bytes(harmed), *whole[1:]]) in {1, 2}, place
    assert broken_at([whole[0], whole[2]]) == 2
    assert broken_at([whole[1], whole[0], whole[2]]) == 1
    assert broken_at([whole[0], whole[0], *whole[1:]]) == 2


def test_a_broken_chain_is_reported_and_goes_on_being_written(log, path):
    for number in range(3):
        log.add("reload", by=str(number))
    path.write_bytes(path.read_bytes().replace(b'"by":"1"', b'"by":"9"'))
    log.add("reload", by="3")
    audit = log.read()
    assert (audit.count, audit.broken_at) == (4, 3)


def test_half_a_row_of_a_writer_that_died_does_not_break_the_chain(log, path):
    log.add("reload", by="0")
    with path.open("ab") as raw:
        raw.write(b'{"time":"2026')
    log.add("reload", by="1")
    assert (log.read().count, log.read().broken_at) == (2, None)


def test_several_processes_may_write_it(tmp_path):
    def work():
        log = AuditLog(tmp_path)
        for _ in range(10):
            log.add("reload", by="one of four")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    audit = AuditLog(tmp_path).read()
    assert (audit.count, audit.broken_at) == (40, None)


def test_what_people_write_stays_within_its_row(log):
    log.add("x\ny" * 1_000, by="\x1b[31m", reason='"}\n')
    (row,) = log.read().rows
    assert row.by == "\x1b[31m"
    assert len(row.action) == 1_000


def test_a_log_that_cannot_be_used_is_an_error(tmp_path, log, path):
    path.mkdir(parents=True)
    with pytest.raises(EnvironmentMismatchError):
        log.read()
    with pytest.raises(EnvironmentMismatchError):
        log.add("reload", by="ada")
