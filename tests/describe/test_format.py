"""Form: wrappings off, set as the reference is set."""

# ruff: noqa: RUF001 - characters that look alike are what is tested

import pytest

from seatrial.describe.format import Format, measures, tokens_changed
from seatrial.describe.vocabulary import Vocabulary


def fitted(texts):
    return Format.fit(texts, Vocabulary.fit(texts))


@pytest.fixture(scope="module")
def prose(reference):
    return fitted(reference)


@pytest.fixture(scope="module")
def split(tokenised):
    return fitted(tokenised)


def undone(form, text):
    return form.as_set(form.unwrapped(text), english=True)


def test_wrappings_are_taken_off_one_inside_the_other(prose):
    text = '{"html": "<p>Where is &lt;b&gt;my&lt;/b&gt; order?</p>"}'
    assert undone(prose, text) == "Where is my order?"


def test_wrappings_are_named(prose):
    assert prose.signs("<p>Hi</p>") == {"html"}
    assert prose.signs("Hi\n> old\nOn Monday A wrote:\n> older") == {"thread"}
    assert prose.signs("Where is my order?") == set()


def test_raw_text_is_set_as_a_tokenised_reference_is(split):
    assert (
        undone(split, "<p>It isn’t good, but it’s SHORT!</p>") == "it is n't good , but it 's short"
    )


def test_traces_of_a_wrapping_are_left_and_whole_ones_taken_off():
    reference = [f"the film number {n} is good and not too long at all" for n in range(95)]
    reference += [f"salt &amp; pepper is film {n} and it is not too long" for n in range(5)]
    form = Format.fit(reference, Vocabulary.fit(reference))
    assert "html" in form.traces
    assert form.unwrapped(reference[-1]) == reference[-1]
    wrapped = "<p><b>the</b> <i>film</i><br><span>is</span> <em>good</em></p>"
    assert form.unwrapped(wrapped).split() == ["the", "film", "is", "good"]
    again = Format.from_document(form.to_document(), form.vocabulary)
    assert again.unwrapped(wrapped) == form.unwrapped(wrapped)
    assert again.unwrapped(reference[-1]) == reference[-1]


def test_a_habit_of_the_reference_is_not_undone():
    links = fitted([f"see https://x.y/{number} for more" for number in range(40)])
    assert "links" in links.habits
    assert undone(links, "see https://x.y/1 for more") == "see https://x.y/1 for more"


def test_a_reference_of_pages_has_no_format_shift_in_pages():
    pages = [f"<p>page <b>{number}</b></p>" for number in range(40)]
    form = fitted(pages)
    assert undone(form, pages[0]) == pages[0]


def test_typographic_detail_is_no_other_form(prose):
    before = ["It’s here, and the other one isn’t."]
    after = [undone(prose, before[0])]
    found = prose.intensity(before, after, measures(before))
    assert after == ["It's here, and the other one isn't."]
    assert 0.0 < found[0] < 0.5


@pytest.mark.parametrize(
    "text", ["<p>Where is it?</p>", "WHERE IS MY ORDER", "can u send it pls", "where is my order"]
)
def test_another_form_is_present(prose, text):
    assert prose.intensity([text], [undone(prose, text)], measures([text]))[0] >= 0.5


def test_emoji_are_another_form_though_nothing_undoes_them(prose):
    text = "Where is my order? 😀😀"
    assert undone(prose, text) == text
    assert prose.intensity([text], [text], measures([text]))[0] >= 0.5


def test_what_is_measured_is_shares():
    found = measures(["AB cd!", "", "12 ab"])
    assert found["capitals"].tolist() == [0.5, 0.0, 0.0]
    assert found["digits"].tolist() == [0.0, 0.0, 0.5]


def test_changed_tokens_are_counted_whatever_their_order():
    assert tokens_changed("a b c", "c b a") == 0.0
    assert tokens_changed("", "") == 0.0
    assert tokens_changed("a b", "a b c d") == 0.5
