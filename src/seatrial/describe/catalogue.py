"""Every descriptor and every factor, in one table: name, unit, meaning."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Descriptor(Struct, frozen=True):
    """One thing that is known about an input.

    Attributes:
        name: As in the results; ``<column>`` stands for the name of a column.
        of: Kind of input: "text", or "record" (arrays are records of numbers).
        unit: Unit, or "label" for words.
        meaning: What it says, in one sentence.
    """

    name: str
    of: Literal["text", "record"]
    unit: str
    meaning: str


DESCRIPTORS: tuple[Descriptor, ...] = (
    Descriptor("characters", "text", "characters", "Length as it came, markup included."),
    Descriptor(
        "words",
        "text",
        "words",
        "Words without markup and quoted messages; two letters count as a word in scripts "
        "without spaces.",
    ),
    Descriptor(
        "length_position",
        "text",
        "quantile",
        "Where the number of words lies among the reference's, 0 (shortest) to 1 (longest).",
    ),
    Descriptor("language", "text", "label", "Likeliest language, ISO 639."),
    Descriptor(
        "language_confidence",
        "text",
        "probability",
        "Posterior of the likeliest of all languages; low for short texts.",
    ),
    Descriptor(
        "language_known",
        "text",
        "probability",
        "Probability that the text is in a language of the reference.",
    ),
    Descriptor(
        "wrappings",
        "text",
        "label",
        "What the text is wrapped in, joined by +: escapes, html, json, links, markdown, thread.",
    ),
    Descriptor("capitals", "text", "share of letters", "Capital letters."),
    Descriptor("punctuation", "text", "share of characters", "Marks and symbols, without blanks."),
    Descriptor("digits", "text", "share of characters", "Digits."),
    Descriptor(
        "chat_signs", "text", "per word", "Emoji, slang, runs of marks and stretched words."
    ),
    Descriptor(
        "format_changed", "text", "share of tokens", "Tokens that undoing the format changes."
    ),
    Descriptor(
        "tampering_changed", "text", "share of tokens", "Tokens that undoing tampering changes."
    ),
    Descriptor(
        "domain_distance",
        "text",
        "standard deviations",
        "Distance from the nearest reference texts and share of new words; 0 is ordinary.",
    ),
    Descriptor(
        "domain_position",
        "text",
        "quantile",
        "Where that distance lies among the reference's own, leaving each text out.",
    ),
    Descriptor("unknown_columns", "record", "columns", "Columns that the reference does not have."),
    Descriptor(
        "missing:<column>",
        "record",
        "intensity",
        "The cell is missing; less, the more the reference misses it.",
    ),
    Descriptor(
        "outside:<column>",
        "record",
        "intensity",
        "A number outside the reference's range, or a text unlike its texts.",
    ),
    Descriptor(
        "unseen:<column>",
        "record",
        "intensity",
        "A category or code that the reference does not have; less where new ones are usual.",
    ),
    Descriptor(
        "mistyped:<column>",
        "record",
        "intensity",
        "No number in a column of numbers; 0.75 where the text spells one.",
    ),
    Descriptor(
        "position:<column>",
        "record",
        "quantile",
        "Where a number lies among the reference's, 0 to 1; NaN for anything else.",
    ),
)

FACTORS: tuple[Descriptor, ...] = (
    Descriptor(
        "language",
        "text",
        "intensity",
        "Probability that the text is in none of the reference's languages; cannot be undone.",
    ),
    Descriptor(
        "domain",
        "text",
        "intensity",
        "Distance to the reference beyond its own 80th percentile, of the repaired text; 0 in "
        "unknown languages; cannot be undone.",
    ),
    Descriptor(
        "length",
        "text",
        "intensity",
        "Words outside the reference's middle 98 %, on a logarithmic scale; cannot be undone.",
    ),
    Descriptor(
        "format",
        "text",
        "intensity",
        "Wrappings, chat speak and a surface unlike the reference's; undone but for emoji and "
        "slang.",
    ),
    Descriptor(
        "tampering",
        "text",
        "intensity",
        "Look-alike and hidden characters, digits for letters, slips of the keyboard; undone.",
    ),
    Descriptor(
        "column:<column>",
        "record",
        "intensity",
        "The cell is missing, out of range, new or of another type; undone only where what was "
        "meant is beyond doubt.",
    ),
)


def pattern(name: str) -> str:
    """Return the catalogue's name of a descriptor or factor.

    >>> pattern("missing:age"), pattern("column:age"), pattern("words")
    ('missing:<column>', 'column:<column>', 'words')
    """
    head, mark, _ = name.partition(":")
    return f"{head}:<column>" if mark else name


_FACTORS = {
    "characters": "length",
    "words": "length",
    "length_position": "length",
    "language": "language",
    "language_confidence": "language",
    "language_known": "language",
    "tampering_changed": "tampering",
    "domain_distance": "domain",
    "domain_position": "domain",
    "unknown_columns": "columns",
}


def factor_of(descriptor: str) -> str:
    """Return the factor that a change of a descriptor speaks of.

    >>> factor_of("words"), factor_of("capitals"), factor_of("missing:age")
    ('length', 'format', 'column:age')
    """
    _, mark, column = descriptor.partition(":")
    return f"column:{column}" if mark else _FACTORS.get(descriptor, "format")
