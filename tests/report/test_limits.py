import msgspec
import pytest

from seatrial.report.limits import limits_of


def test_limits_are_named_as_their_figures(evidences):
    assert limits_of(evidences[1]) == {"p50_ms": 20.0, "p95_ms": 50.0, "p99_ms": 200.0}


@pytest.mark.parametrize(
    "settings", [{}, {"limits": {}}, {"limits": None}, {"limits": {"p50": "x"}}]
)
def test_no_limit_is_no_limit(evidences, settings):
    assert limits_of(msgspec.structs.replace(evidences[1], settings=settings)) == {}
