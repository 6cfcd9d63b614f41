from __future__ import annotations

import errno
from pathlib import Path

import pytest

from seatrial.records.files import Files
from seatrial.records.places import Places
from seatrial.records.segment import Segment, TornWriteError
from seatrial.testing.clock import ManualClock


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places.of(tmp_path)


def open_segment(places: Places, files: Files | None = None) -> Segment:
    return Segment(places, clock=ManualClock(), files=files or Files())


class Stingy(Files):
    """Takes only so many bytes, then has no room."""

    def __init__(self, room: int, *, truncates: bool = True) -> None:
        self.room = room
        self.truncates = truncates

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "no room")
        taken = min(self.room, len(data))
        self.room -= taken
        return super().write(descriptor, data[:taken])

    def truncate(self, descriptor: int, size: int) -> None:
        if not self.truncates:
            raise OSError(errno.EIO, "broken")
        super().truncate(descriptor, size)


class Dribbling(Files):
    """Takes three bytes at a time."""

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        return super().write(descriptor, data[:3])


def test_two_segments_never_share_a_file(places: Places) -> None:
    assert open_segment(places).path != open_segment(places).path


def test_an_open_segment_is_locked_for_as_long_as_its_writer_lives(places: Places) -> None:
    segment = open_segment(places)
    files = Files()
    other = files.open_existing(segment.path)
    assert not files.lock(other)
    segment.abandon()
    assert files.lock(other)
    files.close(other)


def test_a_short_write_is_continued(places: Places) -> None:
    segment = open_segment(places, Dribbling())
    segment.write(b"0123456789\n")
    assert segment.path.read_bytes() == b"0123456789\n"


def test_a_write_that_fails_half_way_leaves_nothing_behind(places: Places) -> None:
    files = Stingy(8)
    segment = open_segment(places, files)
    segment.write(b"one\n")
    with pytest.raises(OSError, match="no room"):
        segment.write(b"two, long\n")
    files.room = 100
    segment.write(b"three\n")
    assert segment.path.read_bytes() == b"one\nthree\n"


def test_a_fragment_that_cannot_be_cut_off_ends_before_the_next_line(places: Places) -> None:
    files = Stingy(7, truncates=False)
    segment = open_segment(places, files)
    with pytest.raises(TornWriteError) as raised:
        segment.write(b"one\ntwo\nthree\n")
    assert raised.value.kept_lines == 1
    files.room = 2
    with pytest.raises(TornWriteError) as raised:
        segment.write(b"two\n")
    assert raised.value.kept_lines == 0
    files.room = 100
    segment.write(b"two\n")
    assert segment.path.read_bytes().split(b"\n") == [b"one", b"two", b"t", b"two", b""]


def test_a_retired_segment_lies_among_the_closed_ones(places: Places) -> None:
    segment = open_segment(places)
    segment.write(b"x\n")
    segment.retire()
    assert [path.name for path in places.closed.iterdir()] == [segment.name]
    assert not list(places.open.iterdir())


def test_a_segment_that_holds_nothing_leaves_nothing(places: Places) -> None:
    open_segment(places).retire()
    assert not list(places.open.iterdir())
    assert not places.closed.exists()


def test_a_segment_deleted_under_its_writer_is_noticed(places: Places) -> None:
    segment = open_segment(places)
    assert not segment.lost()
    segment.path.unlink()
    assert segment.lost()


def test_a_keeper_that_sweeps_in_the_moment_of_opening_costs_a_second_try(places: Places) -> None:
    class Swept(Files):
        swept = False

        def lock(self, descriptor: int) -> bool:
            if not self.swept:
                self.swept = True
                next(places.open.iterdir()).unlink()
            return super().lock(descriptor)

    segment = open_segment(places, Swept())
    segment.write(b"x\n")
    assert segment.path.read_bytes() == b"x\n"
