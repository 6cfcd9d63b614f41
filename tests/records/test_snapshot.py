from __future__ import annotations

from collections import Counter
from threading import Thread

import pytest

from seatrial.records.files import Files
from seatrial.records.log import LogWriter
from seatrial.records.places import Places
from seatrial.records.query import Log
from seatrial.records.sealing import seal
from seatrial.records.snapshot import Verified, gather


@pytest.mark.parametrize("moment", ["names", "read"])
def test_a_segment_that_is_sealed_while_the_log_is_read_counts_once(
    tmp_path, make_record, moment
) -> None:
    """The keeper does its whole work inside the n-th call of the reader, for every n."""
    at, happened = 0, True
    while happened:
        at += 1
        folder = tmp_path / str(at)
        with LogWriter(folder) as writer:
            writer.append([make_record(1)])
        happened = False

        class Meddled(Files):
            calls = 0

            def meddle(self, name, at=at, folder=folder):
                nonlocal happened
                if name == moment:
                    self.calls += 1
                    if self.calls == at:
                        happened = True
                        seal(folder)

            def names(self, path):
                self.meddle("names")
                return super().names(path)

            def read(self, path):
                self.meddle("read")
                return super().read(path)

        seen = gather(Places.of(folder), files=Meddled())
        raw = sum(len(held.bodies) for held in seen.segments.values())
        assert raw + sum(entry.rows for entry in seen.manifest.files) == 1
        assert seen.problems == ()
    assert at > 1


def test_a_segment_that_is_closed_while_the_log_is_read_counts_once(tmp_path, make_record) -> None:
    writer = LogWriter(tmp_path)
    writer.append([make_record(1)])

    class Meddled(Files):
        def read(self, path):
            if path.parent.name == "open":
                writer.close()
            return super().read(path)

    seen = gather(Places.of(tmp_path), files=Meddled())
    assert [len(held.bodies) for held in seen.segments.values()] == [1]


def test_reading_while_a_server_writes_and_a_keeper_seals_sees_every_acknowledged_row(
    tmp_path, make_record
) -> None:
    acknowledged = 0

    def serve() -> None:
        nonlocal acknowledged
        with LogWriter(tmp_path, segment_max_bytes=20_000) as writer:
            for number in range(500):
                writer.append([make_record(number)])
                acknowledged = number + 1

    server = Thread(target=serve)
    server.start()
    log = Log(tmp_path)
    while server.is_alive():
        seal(tmp_path)
        at_least = acknowledged
        found = Counter(log.rows(columns=("id",)).column("id"))
        assert len(found) >= at_least
        assert max(found.values(), default=1) == 1
    server.join()
    seal(tmp_path)
    assert len(log.production_rows()) == 500
    assert log.problems() == ()


def test_a_file_is_read_against_its_digest_once_and_again_when_it_changes(
    tmp_path, make_record
) -> None:
    with LogWriter(tmp_path) as writer:
        writer.append([make_record(1)])
    seal(tmp_path)
    places = Places.of(tmp_path)
    (entry,) = gather(places, files=Files()).manifest.files
    verified = Verified()
    assert verified.damage(entry, places) == ""
    (places.sealed / entry.name).write_bytes(b"x")
    assert "1 bytes instead of" in verified.damage(entry, places)
