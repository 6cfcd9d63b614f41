from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.serve.identifiers import ROWS_MAX, Identifiers, trace_parent


@given(st.integers(0, ROWS_MAX))
def test_an_id_knows_how_many_rows_its_request_had(rows):
    """Any server of the same model recognises it; one of another model does not."""
    identifier = Identifiers("a").new(rows)
    assert Identifiers("a").rows_of(identifier) == rows
    assert Identifiers("b").rows_of(identifier) is None


@given(st.data())
def test_a_changed_id_is_not_recognised(data):
    """One hexadecimal digit is enough."""
    identifier = Identifiers("a").new(1)
    place = data.draw(st.integers(0, len(identifier) - 1))
    digit = data.draw(st.sampled_from(sorted(set("0123456789abcdef") - {identifier[place]})))
    assert Identifiers("a").rows_of(identifier[:place] + digit + identifier[place + 1 :]) is None


@given(st.text())
def test_any_text_may_be_asked_for(text):
    """Nonsense is not an id and not a crash."""
    assert Identifiers("a").rows_of(text) is None


def test_ids_differ_and_sort_by_time():
    """Same moment, different id; later moment, later in order."""
    now_s = [1.0]
    ids = Identifiers("a", wall_s=lambda: now_s[0])
    first, second = ids.new(1), ids.new(1)
    assert first != second
    now_s[0] = 2.0
    assert ids.new(1) > max(first, second)


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"00-" + b"0" * 32 + b"-00f067aa0ba902b7-01",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-" + b"0" * 16 + b"-01",
        b"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        b"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\nx: y",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\n",
    ],
)
def test_a_bad_trace_is_not_passed_on(bad):
    """All-zero ids and anything that could break a header included."""
    assert trace_parent(bad) is None


def test_a_valid_trace_is_passed_on():
    """As it came."""
    valid = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    assert trace_parent(valid) == valid
