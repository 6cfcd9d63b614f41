import unicodedata

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from seatrial.evidence.documents import Evidence
from seatrial.report.characters import LONGEST, cleaned, visible


@given(st.text(st.characters(codec=None)))
def test_whatever_comes_in_is_one_printable_line_that_can_be_written_to_a_file(text):
    shown = visible(text)
    assert len(shown.splitlines()) <= 1
    assert not any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in shown)
    shown.encode("utf-8")


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=LONGEST))
def test_ordinary_text_in_any_script_stays_as_it_is(text):
    assert visible(text) == text


def test_bidi_overrides_are_shown_and_do_not_act():
    for code in (0x202A, 0x202E, 0x2066, 0x2069, 0x200F, 0x061C, 0xFEFF):
        assert visible(f"a{chr(code)}b") == f"a\\u{code:04x}b"


def test_joiners_that_emoji_and_persian_need_are_kept():
    family, persian = (
        "\U0001f468\u200d\U0001f467",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    )
    assert visible(family) == family
    assert visible(persian) == persian


def test_a_document_is_cleaned_through_and_through(evidences, hostile_text):
    batching = msgspec.structs.replace(
        evidences[0],
        criticisms=(hostile_text,),
        settings={hostile_text: [{"deep": hostile_text}]},
    )
    clean = cleaned(batching)
    assert isinstance(clean, Evidence)
    for text in (
        clean.criticisms[0],
        *clean.settings,
        clean.settings[visible(hostile_text)][0]["deep"],
    ):
        assert text == visible(hostile_text)
    assert clean.tables == msgspec.convert(batching.tables, type=dict[str, tuple[dict, ...]])
