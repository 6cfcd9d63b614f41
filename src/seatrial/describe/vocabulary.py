"""The words of the reference: what is known there, how often, and in which case."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Self

from seatrial.describe.packing import pack_words, unpack_words

WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
"""Letters, with apostrophes inside: "don't" is one word."""

WORDS_MAX = 30_000
"""Most words kept, the most frequent: about 150 kB packed, and rarer ones say nothing."""

COMMON = 150
"""How many of the most frequent words make a language felt: its function words, mostly."""


class Vocabulary:
    """Counts of lower-cased words, and the case of those that are never plain.

    Args:
        counts: Lower-cased word to occurrences, most frequent first.
        cased: Lower-cased word to the form it always has ("monday" to "Monday").
        capitals: Lower-cased words that occur in capitals ("stop" for "STOP").
    """

    def __init__(
        self,
        counts: Mapping[str, int],
        *,
        cased: Mapping[str, str] | None = None,
        capitals: Iterable[str] = (),
    ) -> None:
        self.counts = dict(counts)
        self.cased = dict(cased or {})
        self.capitals = frozenset(capitals)
        self.total = sum(self.counts.values())

    @classmethod
    def fit(cls, texts: Sequence[str]) -> Self:
        """Count the words of the reference."""
        forms: Counter[str] = Counter()
        for text in texts:
            forms.update(WORD.findall(text))
        counts: Counter[str] = Counter()
        for form, count in forms.items():
            counts[form.lower()] += count
        kept = dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))[:WORDS_MAX])
        large = {form.lower() for form in forms if form.isupper()}
        return cls(kept, cased=_cased(forms, kept), capitals=large & kept.keys())

    def __contains__(self, word: object) -> bool:
        return word in self.counts

    @cached_property
    def common(self) -> frozenset[str]:
        """The most frequent words, those of the language rather than of the subject."""
        return frozenset(list(self.counts)[:COMMON])

    @cached_property
    def novelty(self) -> float:
        """Chance that the next word is a new one: words seen once / all (Good, 1953, eq. 9)."""
        once = sum(1 for count in self.counts.values() if count == 1)
        return max(once, 1) / max(self.total, 1)

    def to_document(self) -> dict[str, Any]:
        """Return words and counts, packed."""
        return {
            "words": pack_words(list(self.counts)),
            "counts": pack_words([str(count) for count in self.counts.values()]),
            "cased": pack_words(list(self.cased.values())),
            "capitals": pack_words(sorted(self.capitals)),
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """Return what was frozen."""
        counts = (int(count) for count in unpack_words(document["counts"]))
        return cls(
            dict(zip(unpack_words(document["words"]), counts, strict=True)),
            cased={form.lower(): form for form in unpack_words(document["cased"])},
            capitals=unpack_words(document["capitals"]),
        )


def _cased(forms: Mapping[str, int], kept: Mapping[str, int]) -> dict[str, str]:
    """Return the one form of words that never occur in lower case ("I", "Monday", "VAT")."""
    best: dict[str, str] = {}
    for form, count in forms.items():
        low = form.lower()
        plain = form == low or low in forms or low not in kept
        if not plain and count > forms.get(best.get(low, ""), 0):
            best[low] = form
    return dict(sorted(best.items()))
