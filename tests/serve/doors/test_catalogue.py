from __future__ import annotations

import msgspec
import pytest

from seatrial.serve.doors.catalogue import Catalogue
from seatrial.serve.doors.door import Request
from seatrial.serve.doors.signature import Signature


def ask(method, path, body=b"", *, unready=""):
    catalogue = Catalogue(
        "m",
        lambda: Signature("record", "regression", columns=["a"]),
        releases=lambda: ["m@new", "m@old"],
        unready=lambda: unready,
    )
    told = catalogue.answer(Request(method, path, "", {}, body))
    assert dict(told.headers)[b"content-type"] == b"application/json"
    return told.status, msgspec.json.decode(told.body)


def test_the_server_says_what_it_is():
    """Name, version and what it speaks beyond the core."""
    status, told = ask("GET", "/v2")
    assert (status, told["name"]) == (200, "seatrial")
    assert "binary_tensor_data" in told["extensions"]
    assert ask("GET", "/v2/")[0] == 200


def test_probes_tell_life_from_readiness():
    """A server that lives may not answer yet."""
    assert ask("GET", "/v2/health/live", unready="starting") == (200, {"live": True})
    assert ask("GET", "/v2/health/ready") == (200, {"ready": True})
    assert ask("GET", "/v2/health/ready", unready="starting") == (503, {"ready": False})
    assert ask("GET", "/v2/models/m/ready") == (200, {"name": "m", "ready": True})
    status, told = ask("GET", "/v2/models/m/versions/old/ready", unready="starting")
    assert (status, told) == (503, {"name": "m", "ready": False})


def test_a_model_says_what_it_takes_and_gives():
    """In all versions or in one."""
    status, told = ask("GET", "/v2/models/m")
    assert (status, told["name"], told["versions"]) == (200, "m", ["new", "old"])
    assert told["inputs"] == [{"name": "a", "datatype": "BYTES", "shape": [-1]}]
    assert [one["name"] for one in told["outputs"]] == ["output", "abstained"]
    assert ask("GET", "/v2/models/m/versions/old")[1]["versions"] == ["old"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_index_lists_what_there_is(method):
    """With its state and the reason of it."""
    status, told = ask(method, "/v2/repository/index")
    assert status == 200
    assert told[0] == {"name": "m", "version": "new", "state": "READY", "reason": ""}
    told = ask(method, "/v2/repository/index", unready="starting")[1]
    assert (told[0]["state"], told[0]["reason"]) == ("UNAVAILABLE", "starting")


def test_the_index_may_be_of_what_is_ready_alone():
    """As its one parameter says."""
    only = b'{"ready": true}'
    assert ask("POST", "/v2/repository/index", only, unready="starting")[1] == []
    assert len(ask("POST", "/v2/repository/index", only)[1]) == 2
    assert len(ask("POST", "/v2/repository/index", b"{}", unready="starting")[1]) == 2
    for body in (b"{", b"\xff", b"[" * 100_000):
        assert ask("POST", "/v2/repository/index", body)[0] == 400
    assert ask("POST", "/v2/repository/index", b'{"ready": 1}')[0] == 422


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/models/n", 404),
        ("GET", "/v2/models/m/versions/1", 404),
        ("GET", "/v2/models", 404),
        ("POST", "/v2/repository/models/m/load", 404),
        ("GET", "/v2/" + "x" * 5000, 404),
        ("GET", "/v2/models/m/infer", 405),
        ("POST", "/v2/models/m", 405),
        ("DELETE", "/v2", 405),
        ("HEAD", "/v2/health/ready", 200),
    ],
)
def test_what_is_no_route_is_told_in_the_familys_shape(method, path, status):
    """One text, and 405 says what is possible."""
    found, told = ask(method, path)
    assert found == status
    if status != 200:
        assert list(told) == ["error"]
        assert len(told["error"]) < 500
