"""Characters that cannot be seen are named; the rest is left as it is."""

from __future__ import annotations

import pytest

from seatrial.web.runs import RUNS_MAX, text_of


def shown(text, longest=1_000):
    return [(run.text, run.hidden) for run in text_of(text, longest=longest).runs]


def test_plain_text_is_one_run() -> None:
    assert shown("two\nlines\tand more") == [("two\nlines\tand more", False)]
    assert shown("") == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a\u202eb", "\\u202e"),
        ("a\u2066b", "\\u2066"),
        ("a\u200bb", "\\u200b"),
        ("a\x00b", "\\x00"),
        ("a\x1b[31mb", "\\x1b"),
        ("a\ud800b", "\\ud800"),
        ("a\U000e0041b", "\\U000e0041"),
        ("a\u2028b", "\\u2028"),
        ("a\rb", "\\r"),
    ],
)
def test_what_has_no_form_is_named(text, name) -> None:
    runs = shown(text)
    assert runs[0] == ("a", False)
    assert runs[1] == (name, True)


def test_what_scripts_and_emoji_need_is_left_alone() -> None:
    family = "\U0001f469\u200d\U0001f469\u200d\U0001f467"
    persian = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    assert shown(f"{persian} {family}") == [(f"{persian} {family}", False)]


def test_windows_line_ends_are_line_ends() -> None:
    assert shown("a\r\nb") == [("a\nb", False)]


def test_many_hidden_characters_are_counted() -> None:
    (run,) = text_of("\u200b" * 5_000, longest=10_000).runs
    assert run.text.endswith("and 4994 more")


def test_a_long_text_is_cut_and_says_so() -> None:
    text = text_of("x" * 1_000, longest=300)
    assert [len(run.text) for run in text.runs] == [300]
    assert text.cut == 700


def test_a_text_cannot_ask_for_more_elements_than_a_page_holds() -> None:
    text = text_of("a\u200b" * 50_000, longest=100_000)
    assert len(text.runs) == RUNS_MAX
    assert text.cut == 100_000 - RUNS_MAX
