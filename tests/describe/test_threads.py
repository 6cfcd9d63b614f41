"""The newest message of a thread."""

import pytest

from seatrial.describe.threads import newest

NEW = "The second box is still missing."


@pytest.mark.parametrize(
    "old",
    [
        "On Tue 4 March, Support wrote:\n> We sent both.\n>> Where are they?",
        "Am 4. März schrieb Support:\n> Beide sind unterwegs.",
        "Le 4 mars, Support a écrit :\n> Les deux sont partis.",
        "> We sent both boxes.\n> Regards",
        "-----Original Message-----\nFrom: Support\nWe sent both.",
        "---- Previous correspondence ----\n[Support] We sent both.",
        "________________\nFrom: Support\nSent: Monday\nWe sent both.",
        "From: Support\nTo: me\nSubject: boxes\n\nWe sent both.",
        "[12:04] Support: We sent both.\n[12:05] Me: When?",
        "-- \nMartin, Ockley Joinery Ltd",
        "Sent from my iPhone",
    ],
)
def test_what_is_older_goes(old):
    assert newest(f"{NEW}\n\n{old}") == NEW


def test_a_header_on_top_goes():
    assert newest(f"From: Me\nTo: Support\nSubject: box\n\n{NEW}") == NEW
    assert newest(f"Re: Re: box\n\n{NEW}") == NEW


def test_an_answer_below_the_quotation_is_kept():
    assert newest(f"> We sent both.\n{NEW}") == NEW


@pytest.mark.parametrize(
    "text",
    [
        NEW,
        "First line.\nSecond line.",
        "My sister wrote: it broke.\nAnd then it did.",
        "To: whom it may concern\nThe lamp is broken.",
        "> only a quotation",
    ],
)
def test_a_text_that_is_no_thread_stays(text):
    assert newest(text) == text


def test_taking_the_newest_twice_changes_nothing_more():
    once = newest(f"{NEW}\n\nOn Monday Ada wrote:\n> old")
    assert newest(once) == once
