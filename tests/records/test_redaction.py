from __future__ import annotations

import json
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.records.log import LogWriter
from seatrial.records.places import Places
from seatrial.records.query import Log
from seatrial.records.redaction import PATTERNS, HookRedaction, Redaction
from seatrial.records.sealing import seal

EVERY = Redaction(list(PATTERNS))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("write to ann.o'neil@mail.example.org now", "write to ann.o'[email] now"),
        ("a+b@x.co, c@y.org", "[email], [email]"),
        ("card 4111 1111 1111 1111 please", "card [card] please"),
        ("card 4111-1111-1111-1111", "card [card]"),
        ("amex 378282246310005.", "amex [card]."),
        ("no card 4111 1111 1111 1112", "no card 4111 1111 1111 1112"),
        ("pay DE89 3704 0044 0532 0130 00 today", "pay [iban] today"),
        ("pay GB82WEST12345698765432", "pay [iban]"),
        ("call +49 170 1234567", "call [phone]"),
        ("call (030) 1234 5678 or 0170/1234567", "call [phone] or [phone]"),
        ("call +1-202-555-0143.", "call [phone]."),
        ("from 192.168.1.20 came", "from [ip] came"),
    ],
)
def test_what_is_personal_is_taken_out(text, kept) -> None:
    assert EVERY(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "I paid 1200 for 2 of 3",
        "on 2026-11-20 at 12:30",
        "version 3.11.7",
        "order 12345678",
        "1,234,567,890 people",
        "pi is 3.14159265358979",
        "a @ b and x@y",
        "IS THIS AB12 A TEST OF WORDS",
        "",
    ],
)
def test_what_is_not_stays(text) -> None:
    assert EVERY(text) == text


def test_only_the_kinds_that_were_asked_for_are_taken_out() -> None:
    text = "ann@example.org +49 170 1234567"
    assert Redaction(["email"])(text) == "[email] +49 170 1234567"
    assert Redaction([])(text) == text


def test_texts_inside_lists_and_objects_are_read_and_all_else_is_left() -> None:
    chat = [{"role": "user", "content": "I am a@b.org", "n": 5, "x": None}]
    assert EVERY(chat) == [{"role": "user", "content": "I am [email]", "n": 5, "x": None}]


@settings(deadline=None)
@given(st.text(max_size=200))
def test_redacting_twice_is_redacting_once(text) -> None:
    once = EVERY(text)
    assert EVERY(once) == once


@pytest.mark.parametrize(
    "unit", ["a", "1", "1 ", "a.", "a@", "@a", "AB12 ", "+1 ", "(1)", "1.1.1."]
)
def test_hostile_texts_take_time_in_proportion(unit) -> None:
    """Twenty times the text may take no more than a hundred times as long."""

    def seconds(length: int) -> float:
        text = unit * (length // len(unit))
        begun = time.process_time()
        EVERY(text)
        return time.process_time() - begun

    assert seconds(200_000) < 100 * max(seconds(10_000), 1e-3)


def test_a_hook_changes_what_is_sealed_and_the_raw_segment_goes(tmp_path, make_record) -> None:
    with LogWriter(tmp_path) as writer:
        writer.append([make_record(0, input="my name is Ann"), make_record(1, input=None)])
    hook = HookRedaction(lambda text: re.sub("Ann", "[name]", text))
    assert seal(tmp_path, redact=hook).problems == ()
    assert Log(tmp_path).production_rows().inputs == ["my name is [name]", None]
    assert not list(Places.of(tmp_path).closed.iterdir())
    assert hook.failures == 0


@pytest.mark.parametrize("hook", [lambda _: 1 / 0, lambda _: object(), lambda _: None])
def test_a_hook_that_fails_costs_the_input_not_the_row(tmp_path, make_record, hook) -> None:
    with LogWriter(tmp_path) as writer:
        writer.append([make_record(0)])
    seal(tmp_path, redact=HookRedaction(hook))
    assert Log(tmp_path).production_rows().inputs == [None]
    assert Log(tmp_path).counts()[0].rows == 1


def test_a_failing_hook_says_what_it_raised() -> None:
    hook = HookRedaction(lambda _: 1 / 0)
    hook([{"input": json.dumps("a")}, {"input": None}, {}])
    assert (hook.failures, hook.last) == (1, "ZeroDivisionError: division by zero")


def test_damaged_lines_are_not_kept_raw_where_a_hook_decides(tmp_path, make_record) -> None:
    with LogWriter(tmp_path) as writer:
        writer.append([make_record(n) for n in range(3)])
    (segment,) = Places.of(tmp_path).closed.iterdir()
    segment.write_bytes(segment.read_bytes().replace(b"text 1", b"text X"))
    done = seal(tmp_path, redact=HookRedaction(str.upper))
    assert (done.rows, done.corrupt, done.quarantined) == (2, 1, ())
    assert Log(tmp_path).production_rows().inputs == ["TEXT 0", "TEXT 2"]
