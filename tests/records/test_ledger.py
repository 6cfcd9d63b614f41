from __future__ import annotations

import msgspec
import pytest

from seatrial.core.errors import ConflictError, EnvironmentMismatchError
from seatrial.records.ledger import Ledger


class Entry(msgspec.Struct, frozen=True, tag_field="event", tag="entry"):
    number: int


def numbers(ledger: Ledger) -> list[int]:
    return [msgspec.json.decode(body, type=Entry).number for body in ledger.read().bodies]


@pytest.fixture
def ledger(tmp_path) -> Ledger:
    return Ledger(tmp_path / "folder" / "ledger.ndjson")


def add(ledger: Ledger, *given: int) -> None:
    with ledger.locked() as writing:
        writing.append([Entry(number) for number in given])


def test_a_ledger_that_nobody_wrote_is_empty(ledger) -> None:
    assert numbers(ledger) == []
    assert not ledger.path.parent.exists()


def test_lines_come_back_in_order(ledger) -> None:
    add(ledger, 1, 2)
    add(ledger, 3)
    assert numbers(ledger) == [1, 2, 3]


def test_half_a_line_is_no_line_and_is_cut_off_by_the_next_writer(ledger) -> None:
    add(ledger, 1)
    with ledger.path.open("ab") as file:
        file.write(b'{"crc":"0')
    assert numbers(ledger) == [1]
    add(ledger, 2)
    assert numbers(ledger) == [1, 2]
    assert ledger.read().corrupt == 0


def test_one_writes_at_a_time(ledger) -> None:
    with ledger.locked(), pytest.raises(ConflictError), ledger.locked():
        pass
    add(ledger, 1)


def test_where_the_disk_refuses_nothing_was_written(tmp_path, faulty_files) -> None:
    at, reached = 0, True
    said: list[str] = []
    while reached:
        at += 1
        path = tmp_path / str(at) / "ledger.ndjson"
        add(Ledger(path), 1)
        files = faulty_files(at, OSError(28, "No space left on device"), half=True)
        try:
            add(Ledger(path, files=files), 2, 3)
            wanted = [1, 2, 3]
        except EnvironmentMismatchError as error:
            said.append(str(error))
            wanted = [1]
        files.bury()
        reached = files.reached()
        assert numbers(Ledger(path)) == wanted, f"fault at call {at}"
    assert len(said) > 3
    assert all("No space left" in sentence for sentence in said)


def test_a_ledger_that_cannot_be_read_says_so(ledger) -> None:
    ledger.path.mkdir(parents=True)
    with pytest.raises(EnvironmentMismatchError, match="cannot be read"):
        ledger.read()
