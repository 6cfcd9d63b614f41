"""What a model prints is whole lines, and bounded."""

from __future__ import annotations

import os

import pytest

from seatrial.models import prints
from seatrial.models.prints import Prints


class Printed:
    def __init__(self):
        self.now_s = 0.0
        self.read, self.write = os.pipe()
        os.set_blocking(self.read, False)
        self.stream = Prints(self.write, now_s=lambda: self.now_s)

    def seen(self):
        try:
            return os.read(self.read, 1 << 16).decode()
        except BlockingIOError:
            return ""

    def close(self):
        os.close(self.read)
        os.close(self.write)


@pytest.fixture
def printed():
    made = Printed()
    yield made
    made.close()


def test_lines_are_written_whole_and_at_once(printed):
    print("half a ", end="", file=printed.stream)
    assert printed.seen() == ""
    print("line", file=printed.stream)
    assert printed.seen() == "half a line\n"


def test_a_flush_writes_what_has_begun(printed):
    print("50 %", end="", file=printed.stream, flush=True)
    assert printed.seen() == "50 %\n"


def test_a_long_line_is_cut(printed):
    print("x" * 10_000, file=printed.stream)
    seen = printed.seen()
    assert len(seen.encode()) <= prints.LINE_MAX_BYTES
    assert seen.endswith("…\n")


def test_a_line_without_end_is_cut_like_any_other(printed):
    """It is not collected for ever."""
    for _ in range(10):
        printed.stream.write("x" * 1_000)
    printed.stream.flush()
    seen = printed.seen()
    assert len(seen.encode()) <= prints.LINE_MAX_BYTES
    assert seen.endswith("…\n")


def test_what_is_too_much_is_left_out_and_counted(printed, monkeypatch):
    monkeypatch.setattr(prints, "BURST_BYTES", 100)
    monkeypatch.setattr(prints, "STEADY_BYTES_PER_S", 10)
    printed.stream = Prints(printed.write, now_s=lambda: printed.now_s)
    for _ in range(30):
        print("123456789", file=printed.stream)
    assert printed.seen() == "123456789\n" * 10
    printed.now_s = 6.0
    print("later", file=printed.stream)
    assert printed.seen() == "(20 lines of the model were left out)\nlater\n"


def test_nobody_who_reads_is_no_error_of_the_model(printed):
    os.close(printed.write)
    print("lost", file=printed.stream)
    printed.write = os.open(os.devnull, os.O_WRONLY)


def test_characters_that_no_file_takes_are_escaped(printed):
    print("\ud800", file=printed.stream)
    assert printed.seen() == "\\ud800\n"


def test_libraries_find_what_they_ask_a_stream_for(printed):
    assert printed.stream.fileno() == printed.write
    assert not printed.stream.isatty()
    assert printed.stream.writable()
    assert printed.stream.encoding == "utf-8"
    assert printed.stream.buffer.writable()
