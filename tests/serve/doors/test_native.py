from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.core.errors import BodyTooLargeError, InputError, OverloadedError
from seatrial.serve.doors.door import Reading, Request
from seatrial.serve.doors.native import NativeDoor
from seatrial.serve.messages import Result


def request(body, headers=None):
    return Request("POST", "/predict", "", headers or {}, body)


def test_rows_deadline_and_answer_pass_the_door():
    """JSON in, JSON out; one row tells its confidence in a header too."""
    door = NativeDoor("text")
    reading = door.read(request(b'{"inputs": ["a", "b"]}', {b"x-request-timeout-ms": b"250"}))
    assert reading == Reading(["a", "b"], 0.25)
    results = [
        Result("A", 0.5, {"A": 0.5}, abstained=False),
        Result(None, 0.1, None, abstained=True),
    ]
    told = door.answer(reading, id="x", release="m@1", results=results)
    assert msgspec.json.decode(told.body) == {
        "id": "x",
        "release": "m@1",
        "results": [
            {"output": "A", "confidence": 0.5, "scores": {"A": 0.5}, "abstained": False},
            {"output": None, "confidence": 0.1, "scores": None, "abstained": True},
        ],
    }
    assert (told.status, told.headers) == (200, [(b"content-type", b"application/json")])
    alone = door.answer(reading, id="x", release="m@1", results=results[:1])
    assert (b"x-confidence", b"0.5") in alone.headers


def test_a_deadline_is_asked_for_or_left_to_the_server():
    """Nothing said is no deadline of the caller's; absurd ones are cut."""
    door = NativeDoor("text")
    body = b'{"input": "a"}'
    assert door.read(request(body)).timeout_s is None
    assert door.read(request(body, {b"x-request-timeout-ms": b"1e12"})).timeout_s == 600


@pytest.mark.parametrize("said", [b"soon", b"-1", b"0", b"nan", b"", b"1_000"])
def test_an_impossible_deadline_is_refused(said):
    """A number of milliseconds above 0, or nothing."""
    with pytest.raises(InputError, match="X-Request-Timeout-Ms"):
        NativeDoor("text").read(request(b'{"input": "a"}', {b"x-request-timeout-ms": said}))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({b"content-type": b"text/csv"}, 415),
        ({b"content-encoding": b"gzip"}, 415),
        ({b"content-encoding": b"identity"}, None),
        ({b"content-type": b" Application/JSON ; charset=utf-8"}, None),
        ({b"content-type": b"application/vnd.api+json"}, None),
    ],
)
def test_another_form_than_json_is_415(headers, status):
    """Before the body is looked at."""
    door = NativeDoor("text")
    if status is None:
        assert door.read(request(b'{"input": "a"}', headers)).rows == ["a"]
    else:
        with pytest.raises(InputError) as caught:
            door.read(request(b"a,b", headers))
        assert door.refuse(caught.value, id="x", release="m@1").status == status


def test_too_many_rows_are_refused_and_as_many_as_allowed_logged():
    """The log is bounded as the request is."""
    door = NativeDoor("text", rows_max=2)
    many = request(b'{"inputs": ["a", "b", "c"]}')
    with pytest.raises(BodyTooLargeError, match="3 rows; accepted are 2"):
        door.read(many)
    assert door.seen(many) == ["a", "b"]


def test_errors_are_problem_documents_that_say_when_to_come_back():
    """RFC 9457."""
    error = OverloadedError("full.", details={"retry_after_s": 2})
    told = NativeDoor("text").refuse(error, id="x", release="m@1")
    assert told.status == 503
    assert (b"content-type", b"application/problem+json") in told.headers
    assert (b"retry-after", b"2") in told.headers
    assert msgspec.json.decode(told.body)["retry_after_ms"] == 2000


@given(st.binary(max_size=100), st.dictionaries(st.binary(), st.binary()))
def test_whatever_is_sent_becomes_rows_or_an_error_of_ours(body, headers):
    """No other exception leaves the door."""
    door = NativeDoor("record")
    with contextlib.suppress(InputError):
        assert isinstance(door.read(request(body, headers)).rows, list)
    assert isinstance(door.seen(request(body, headers)), list)
