"""The error tree: codes, statuses and messages."""

import inspect

import pytest

from seatrial.core import errors
from seatrial.core.errors import SeatrialError, UnknownNameError, from_wire, nearest, tree


def test_every_error_has_a_docstring_that_says_when_it_occurs():
    for cls in tree().values():
        assert inspect.getdoc(cls), cls


def test_every_error_is_drawn_in_the_tree_at_the_top():
    for name in tree():
        assert name in errors.__doc__


def test_exit_statuses_are_those_of_the_design():
    assert {cls.exit_status for cls in tree().values()} == {1, 2, 3}


def test_http_statuses_are_client_or_server_errors():
    for cls in tree().values():
        assert 400 <= cls.http_status < 600


def test_the_hint_follows_the_message():
    assert str(SeatrialError("three rows.", hint="Add one.")) == "three rows. Add one."


def test_an_unknown_name_lists_the_known_ones_and_suggests_the_nearest():
    error = UnknownNameError.of("verb", "trail", ["trial", "gap"])
    assert "'trail'" in str(error)
    assert "gap, trial" in str(error)
    assert 'Did you mean "trial"?' in str(error)


def test_nothing_is_suggested_for_a_name_that_is_like_no_other():
    assert nearest("qqqq", ["trial", "gap"]) == ""


@pytest.mark.parametrize("cls", list(tree().values()), ids=lambda cls: cls.__name__)
def test_an_error_survives_the_wire(cls):
    sent = cls("message", hint="hint", details={"row": 3})
    received = from_wire(sent.code, sent.message, hint=sent.hint, details=sent.details)
    assert received.code == sent.code
    assert received.exit_status == sent.exit_status
    assert received.http_status == sent.http_status
    assert str(received) == str(sent)
    assert received.details == {"row": 3}


def test_an_unknown_code_gives_the_base_class():
    assert type(from_wire("no-such-code", "x")) is SeatrialError
