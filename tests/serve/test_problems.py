from __future__ import annotations

import msgspec
import pytest

from seatrial.core.errors import ModelRaisedError, OverloadedError, UsageError, tree
from seatrial.serve import problems


@pytest.mark.parametrize("error", tree().values(), ids=lambda error: error.__name__)
def test_every_error_of_ours_is_a_problem_document(error):
    """Status, code and whether to retry come from the class; nothing inside is shown."""
    made = msgspec.json.decode(
        problems.document(
            error("what happened.", hint="do this", details={"secret": "inside"}),
            request="abc",
            release="m@1",
        )
    )
    assert made["type"] == f"urn:seatrial:problem:{error.code}"
    assert made["status"] == error.http_status
    assert made["title"]
    assert (made["code"], made["retryable"]) == (error.code, error.retryable)
    assert (made["detail"], made["hint"]) == ("what happened.", "do this")
    assert made["instance"] == "urn:seatrial:request:abc"
    assert "secret" not in str(made)


def test_where_in_the_model_it_happened_is_not_the_callers_business():
    """Its owner finds it in the server's events."""
    where = " (model.py:6, in predict)"
    error = ModelRaisedError("it raised" + where, details={"where": where, "row": 3})
    made = msgspec.json.decode(problems.document(error, request="x", release="m@1"))
    assert made["detail"] == "it raised"
    assert made["errors"] == [{"detail": "it raised", "row": 3}]


def test_headers_say_when_to_come_back_and_what_is_possible():
    """Retry-After in whole seconds, Allow on 405."""
    full = OverloadedError("full", details={"retry_after_s": 6.25})
    assert (b"retry-after", b"7") in problems.headers(full)
    assert (b"retry-after-ms", b"6250") in problems.headers(full)
    wrong = UsageError("no", details={"allow": "POST", "http_status": 405})
    assert (b"allow", b"POST") in problems.headers(wrong)
    assert problems.status_of(wrong) == 405
