import numpy as np
import pytest

from seatrial.core.errors import DataError, UsageError
from seatrial.measure.load.callers import drawn, parse_callers, read_keys


def test_callers_are_drawn_by_weight():
    callers = parse_callers("greedy=3, modest=1")
    counts = np.bincount(drawn(callers, 8000, rng=np.random.default_rng(0)))
    assert counts / 8000 == pytest.approx([0.75, 0.25], abs=0.02)


def test_a_number_of_callers_is_even_and_each_says_who_it_is():
    first, second = parse_callers("2")
    assert (first.weight, second.weight) == (1.0, 1.0)
    assert second.headers == {"X-Caller": "caller-2"}


@pytest.mark.parametrize("text", ["", "0", "a=0", "a=-1", "a=x", "=2", "a=1,,b", "zoë=1"])
def test_what_names_no_callers_is_refused(text):
    with pytest.raises(UsageError, match="greedy=10"):
        parse_callers(text)


def test_keys_become_bearer_tokens_and_are_never_printed(tmp_path):
    path = tmp_path / "keys.txt"
    path.write_text("# callers\n\nbig sk-one 10\nsmall sk-two\nsk-three\n")
    callers = read_keys(path)
    assert [(one.name, one.weight) for one in callers] == [
        ("big", 10.0),
        ("small", 1.0),
        ("caller-3", 1.0),
    ]
    assert callers[2].headers == {"Authorization": "Bearer sk-three"}
    assert "sk-" not in repr(callers)


@pytest.mark.parametrize(("text", "said"), [("# none\n", "no key"), ("a b c d\n", "line 1")])
def test_a_file_without_keys_is_refused(tmp_path, text, said):
    path = tmp_path / "keys.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=said):
        read_keys(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match="one key per line"):
        read_keys(tmp_path / "keys.txt")
