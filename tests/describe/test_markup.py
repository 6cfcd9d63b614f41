"""Taking off HTML, JSON, Markdown, escapes and links."""

# ruff: noqa: RUF001 - characters that look alike are what is tested

import html
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.describe.markup import (
    without_escapes,
    without_html,
    without_json,
    without_links,
    without_markdown,
)

PLAIN = st.text(st.sampled_from("abc de.,!?'"), min_size=3).filter(str.strip)


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        ("<p>One</p><p>Two</p>", "One\nTwo"),
        ("<b>bold</b> and <i>slanted</i>", "bold and slanted"),
        ("R&amp;D costs &pound;5 &lt;net&gt;", "R&D costs £5 <net>"),
        ("<style>p {color: red}</style><p>Hello</p>", "Hello"),
        ("<!-- note -->Hello<br/>there", "Hello\nthere"),
        ("&lt;p&gt;twice escaped&lt;/p&gt;", "twice escaped"),
        ("<review><body>fine film</body></review>", "fine film"),
        ("New one.<blockquote>Old one.</blockquote>", "New one."),
        ("<p>cut off <span style='co", "cut off"),
    ],
)
def test_html_becomes_what_a_page_would_show(page, shown):
    assert without_html(page).strip() == shown


@pytest.mark.parametrize("text", ["I <3 this", "a < b and c > d", "AT&T", "x<y>z", "5 > 3", "&"])
def test_text_that_only_looks_like_html_stays(text):
    assert without_html(text) == text


def test_a_quotation_alone_is_not_cut_away():
    assert without_html("<blockquote>All there is.</blockquote>").strip() == "All there is."


@given(PLAIN)
def test_any_text_survives_being_put_on_a_page(text):
    page = f'<div class="x">{html.escape(text)}</div>'
    assert without_html(page).split() == text.split()


@pytest.mark.parametrize(
    "document",
    [
        {"id": 7, "message": "where is it?"},
        {"data": {"comment": "where is it?", "user": "a-long-identifier-0123456789"}},
        [{"lang": "en"}, {"text": "where is it?"}],
        "where is it?",
    ],
)
def test_the_text_inside_json_is_found(document):
    assert without_json(json.dumps(document)) == "where is it?"


def test_json_that_was_cut_off_still_gives_its_text():
    assert without_json('{"id": 7, "text": "where is it? I have wai') == "where is it? I have wai"


@pytest.mark.parametrize("text", ["{see below}", "[1] a note", '"quite" good', "{", "[]", "{}"])
def test_text_that_only_looks_like_json_stays(text):
    assert without_json(text) == text


@pytest.mark.parametrize(
    ("escaped", "plain"),
    [
        (r"don\u2019t", "don’t"),
        (r"say \"hi\"", 'say "hi"'),
        ("donâ€™t", "don’t"),
        ("cafÃ©", "café"),
        ("where%20is+it%3F", "where is it?"),
        ("100% sure", "100% sure"),
        (r"C:\new", r"C:\new"),
    ],
)
def test_escapes_become_the_characters_they_stand_for(escaped, plain):
    assert without_escapes(escaped) == plain


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        ("# Title\ntext", "Title\ntext"),
        ("a **bold** and __strong__ word", "a bold and strong word"),
        ("see [the page](https://x.y/z)", "see the page"),
        ("```python\ncode\n```\n", "code\n"),
        ("run `make` now", "run make now"),
        ("**list**\n- one\n- two", "list\none\ntwo"),
    ],
)
def test_markdown_loses_its_signs(marked, plain):
    assert without_markdown(marked) == plain


@pytest.mark.parametrize("text", ["2 * 3 * 4", "snake_case_name", "`` quoted ''", "a - b", "#1"])
def test_text_that_only_looks_like_markdown_stays(text):
    assert without_markdown(text) == text


def test_links_and_mentions_go_and_hashtags_become_words():
    assert without_links("@shop look https://x.y/z #Sale now") == "look Sale now"


@pytest.mark.parametrize("text", ["write to a@b.org", "order #4412", "5 @ 3.50"])
def test_addresses_and_numbers_stay(text):
    assert without_links(text) == text
