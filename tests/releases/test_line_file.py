"""What was appended is there, whole, whoever else appends and whenever somebody dies."""

import fcntl
import os
import threading

import pytest

from seatrial.core.errors import ConflictError, EnvironmentMismatchError
from seatrial.releases import line_file
from seatrial.releases.line_file import LineFile


@pytest.fixture
def file(tmp_path):
    return LineFile(tmp_path / "lines")


def test_lines_come_back_in_order(file):
    assert file.lines() == []
    for number in range(3):
        file.append(lambda _, number=number: b"line %d" % number)
    assert file.lines() == [b"line 0", b"line 1", b"line 2"]


def test_only_its_owner_reads_it(file):
    file.append(lambda _: b"x")
    assert file.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("torn", [b"half a li", b"x" * 200_000])
@pytest.mark.parametrize("whole", [[], [b"first"], [b"first", b"y" * 200_000]])
def test_half_a_line_is_cut_off(file, whole, torn):
    for line in whole:
        file.append(lambda _, line=line: line)
    with file.path.open("ab") as raw:
        raw.write(torn)
    assert file.lines() == whole
    seen = []
    file.append(lambda last: seen.append(last) or b"next")
    assert seen == [whole[-1] if whole else b""]
    assert file.lines() == [*whole, b"next"]


def test_nothing_is_appended_where_the_line_cannot_be_made(file):
    file.append(lambda _: b"first")

    def refuse(_):
        raise ConflictError("changed meanwhile")

    with pytest.raises(ConflictError):
        file.append(refuse)
    assert file.lines() == [b"first"]


def test_every_cut_leaves_the_lines_before_it(file):
    for number in range(3):
        file.append(lambda _, number=number: b"%d" % number * 5)
    whole = file.path.read_bytes()
    for size in range(len(whole) + 1):
        file.path.write_bytes(whole[:size])
        assert file.lines() == whole[:size].split(b"\n")[:-1]


def test_appends_at_one_time_see_each_other(file):
    def count(last):
        return b"%d" % (int(last or b"0") + 1)

    def work():
        for _ in range(20):
            file.append(count)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert file.lines() == [b"%d" % number for number in range(1, 81)]


def test_a_lock_that_is_never_given_back_is_an_error_not_a_hang(file, monkeypatch):
    monkeypatch.setattr(line_file, "LOCK_TRIES", 3)
    file.append(lambda _: b"first")
    held = os.open(file.path, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(EnvironmentMismatchError, match="lock"):
            file.append(lambda _: b"second")
    finally:
        os.close(held)
    assert file.lines() == [b"first"]


def test_a_full_disk_is_an_error_and_leaves_whole_lines(file, monkeypatch):
    file.append(lambda _: b"first")
    writes = iter([3, OSError(28, "No space left on device")])

    def write(descriptor, data):
        outcome = next(writes)
        if isinstance(outcome, OSError):
            raise outcome
        return os.pwrite(descriptor, data[:outcome], os.fstat(descriptor).st_size)

    with monkeypatch.context() as patched:
        patched.setattr(line_file.os, "write", write)
        with pytest.raises(EnvironmentMismatchError, match="No space left"):
            file.append(lambda _: b"second")
    assert file.path.read_bytes() == b"first\n"
