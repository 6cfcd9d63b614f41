from __future__ import annotations

import json

import pytest

from seatrial.records.descriptions import Descriptions


def row_of(number, value):
    return {"id": b'"r%d"' % number, "status": b'"answered"', "input": json.dumps(value)}


@pytest.fixture
def asked():
    return []


@pytest.fixture
def describe(asked):
    def describing(inputs):
        asked.extend(inputs)
        return [None if value == "?" else {"is": value} for value in inputs]

    return describing


def test_equal_inputs_are_described_once_and_every_row_gets_its_own(describe, asked) -> None:
    adds = Descriptions(describe)
    for _ in range(2):
        rows = [row_of(n, "ab?"[n % 3]) for n in range(9)]
        adds.to(rows)
        told = [json.loads(row["descriptors"])["is"] for row in rows if "descriptors" in row]
        assert told == ["a", "b"] * 3
    assert asked == ["a", "b", "?"]


def test_what_is_remembered_is_bounded_in_memory_and_the_oldest_goes(describe, asked) -> None:
    adds = Descriptions(describe, bytes_max=2 * 350)
    for value in ("a", "b", "a", "c", "a", "b"):
        adds.to([row_of(0, value)])
    assert asked == ["a", "b", "c", "b"]


def test_a_long_input_is_described_and_not_remembered(describe, asked) -> None:
    adds = Descriptions(describe)
    for _ in range(2):
        row = row_of(0, "x" * 3_000)
        adds.to([row])
        assert json.loads(row["descriptors"]) == {"is": "x" * 3_000}
    assert len(asked) == 2


def test_a_share_is_drawn_by_request_whatever_the_input(describe) -> None:
    """All rows of a request or none; the same ones in every run."""
    adds = Descriptions(describe)
    rows = [row_of(n // 2, n) for n in range(4_000)]
    adds.to(rows, share=0.25)
    described = ["descriptors" in row for row in rows]
    assert described[::2] == described[1::2]
    assert 800 < sum(described) < 1200
    assert adds.left_out == 4_000 - sum(described)


def test_rows_that_are_no_requests_or_lost_their_input_are_left_alone(describe, asked) -> None:
    rows = [{"id": b'"1"', "input": '"a"'}, {"id": b'"2"', "status": b'"x"', "input": None}]
    Descriptions(describe).to(rows)
    assert not asked
    assert all("descriptors" not in row for row in rows)
