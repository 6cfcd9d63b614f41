"""The form a text comes in: what it is wrapped in and how it is set, beside the reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from seatrial.describe import chat, markup, threads
from seatrial.describe.band import PRESENT, Band
from seatrial.describe.style import Style
from seatrial.describe.vocabulary import Vocabulary

CHANGED_MAX = 0.005
"""Share of the reference that one step may change. A step that changes more is a habit of the
reference (it holds links, say), and undoing it there would harm: the step is left out, or, where
the reference has traces of it only, kept for texts that are full of it."""

ROUNDS = 3
"""Most passes over one text: taking one thing off may bring another to light."""

SLIGHT = 0.5
"""Share of a text's words that a trace of a wrapping may change: an entity in a tweet, quotation
marks around it. Texts wrapped whole are then foreign to the reference all the same."""

WRAPPINGS: dict[str, Callable[[str], str]] = {
    "json": markup.without_json,
    "escapes": markup.without_escapes,
    "html": markup.without_html,
    "thread": threads.newest,
    "markdown": markup.without_markdown,
    "links": markup.without_links,
}
"""What a text may be wrapped in, outermost first; taken off in any language."""

ENCLOSING = frozenset({"json", "html", "thread"})
"""Wrappings that hold a text whole, and not words of it."""

SETTINGS = ("typed", "chat", "spacing", "marks", "case")
"""Steps that set a text as the reference is set; in the reference's languages alone."""

LIGHT = frozenset({"typed", "marks"})
"""Steps whose change alone is no other form: a dash is a dash."""

FLOORS = {"capitals": 0.2, "punctuation": 0.1, "digits": 0.15, "chat_signs": 0.05}
"""Half-way distance outside the reference's band, at the least, by descriptor."""


class Format:
    """Takes off wrappings, sets texts as the reference is set, and says how much that changed.

    Args:
        style: The reference's surface.
        vocabulary: The reference's words.
        bands: Usual range of each descriptor of :data:`FLOORS`.
        habits: Steps left out because the reference itself has what they undo.
        traces: Wrappings of which the reference has traces, with the share of a text's words that
            undoing them changes there at most; a text is unwrapped that would lose more.
    """

    def __init__(
        self,
        *,
        style: Style,
        vocabulary: Vocabulary,
        bands: dict[str, Band],
        habits: frozenset[str] = frozenset(),
        traces: Mapping[str, float] | None = None,
    ) -> None:
        self.style = style
        self.vocabulary = vocabulary
        self.bands = bands
        self.habits = habits
        self.traces = dict(traces or {})
        self._settings: dict[str, Callable[[str], str]] = {
            "typed": style.typed,
            "chat": lambda text: chat.spelt_out(text, vocabulary),
            "spacing": style.spaced,
            "marks": style.pared,
            "case": lambda text: style.cased(text, vocabulary),
        }

    @classmethod
    def fit(cls, texts: Sequence[str], vocabulary: Vocabulary) -> Self:
        """Read the reference's habits, and leave out steps that would undo one of them."""
        measured = measures(texts)
        bands = {name: Band.of(measured[name], floor=floor) for name, floor in FLOORS.items()}
        style = Style.of(texts)
        whole = cls(style=style, vocabulary=vocabulary, bands=bands)
        habits = frozenset(
            name
            for name, step in (WRAPPINGS | whole._settings).items()
            if sum(step(text) != text for text in texts) > CHANGED_MAX * len(texts)
        )
        most = {name: _most_changed(WRAPPINGS[name], texts) for name in habits & ENCLOSING}
        traces = {name: share for name, share in most.items() if share < SLIGHT}
        left_out = habits - traces.keys()
        return cls(style=style, vocabulary=vocabulary, bands=bands, habits=left_out, traces=traces)

    def unwrapped(self, text: str) -> str:
        """Return the text without wrappings."""
        return self._through(text, WRAPPINGS)

    def as_set(self, text: str, *, english: bool) -> str:
        """Return a text of a known language as the reference would set it.

        Args:
            text: Unwrapped text.
            english: Whether chat spellings, which are English, may be spelt out.
        """
        steps = dict(self._settings)
        if not english:
            del steps["chat"]
        return self._through(text, steps)

    def signs(self, text: str) -> frozenset[str]:
        """Return the names of the wrappings that the text has."""
        found = set()
        for name, step in WRAPPINGS.items():
            if name not in self.habits:
                bare = self._done(name, step, text)
                if bare != text:
                    found.add(name)
                    text = bare
        return frozenset(found)

    def intensity(
        self, before: Sequence[str], after: Sequence[str], measured: dict[str, NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """Return how far the form is from the reference's.

        From 0.5 on where undoing changes more than typographic detail (0.5 + half the share of
        tokens changed); below that, the share. Unusual capitals, marks, digits or chat signs
        count by their bands, whichever is more.

        Args:
            before: Texts as they came.
            after: The same texts, repaired.
            measured: Their descriptors, from :func:`measures`.
        """
        changed = np.array([self._change(*pair) for pair in zip(before, after, strict=True)])
        unusual = [self.bands[name].intensity(measured[name]) for name in FLOORS]
        most: NDArray[np.float64] = np.maximum.reduce([changed, *unusual])
        return most

    def _change(self, before: str, after: str) -> float:
        if before == after:
            return 0.0
        share = tokens_changed(before, after)
        light = self._through(before, {n: self._settings[n] for n in SETTINGS if n in LIGHT})
        if light == after:
            return PRESENT * share
        return PRESENT + (1.0 - PRESENT) * share

    def _through(self, text: str, steps: dict[str, Callable[[str], str]]) -> str:
        for _ in range(ROUNDS):
            before = text
            for name, step in steps.items():
                if name not in self.habits:
                    text = self._done(name, step, text)
            if text == before:
                break
        return text

    def _done(self, name: str, step: Callable[[str], str], text: str) -> str:
        """Take one step, but for a trace that the reference has as well."""
        done = step(text)
        if name in self.traces and done != text:
            return done if tokens_changed(text, done) > self.traces[name] else text
        return done

    def to_document(self) -> dict[str, Any]:
        """Return the frozen habits."""
        return {
            "style": msgspec.to_builtins(self.style),
            "bands": {name: msgspec.to_builtins(band) for name, band in self.bands.items()},
            "habits": sorted(self.habits),
            "traces": self.traces,
        }

    @classmethod
    def from_document(cls, document: dict[str, Any], vocabulary: Vocabulary) -> Self:
        """Return what was frozen."""
        return cls(
            style=msgspec.convert(document["style"], Style),
            vocabulary=vocabulary,
            bands={name: msgspec.convert(band, Band) for name, band in document["bands"].items()},
            habits=frozenset(document["habits"]),
            traces=document.get("traces"),
        )


def measures(texts: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Return what is counted on the surface of texts, as shares.

    Returns:
        ``capitals`` of letters, ``punctuation`` and ``digits`` of characters, ``chat_signs`` per
        word; each of shape (n,), 0 where there is nothing to divide by.

    >>> measures(["AB cd!"])["capitals"], measures(["AB cd!"])["punctuation"]
    (array([0.5]), array([0.2]))
    """
    rows = np.array([_counts(text) for text in texts], dtype=float).reshape(len(texts), 6)
    upper, letters, marks, digits, signs, words = rows.T
    visible = np.maximum(letters + marks + digits, 1.0)
    return {
        "capitals": upper / np.maximum(letters, 1.0),
        "punctuation": marks / visible,
        "digits": digits / visible,
        "chat_signs": signs / np.maximum(words, 1.0),
    }


def _most_changed(step: Callable[[str], str], texts: Sequence[str]) -> float:
    """Return the share of words that a step changes, exceeded in few texts of the reference."""
    shares = [tokens_changed(text, done) for text in texts if (done := step(text)) != text]
    few = int(CHANGED_MAX * len(texts))
    return sorted(shares)[-few - 1] if len(shares) > few else 0.0


def _counts(text: str) -> tuple[int, int, int, int, int, int]:
    words = text.split()
    packed = "".join(words)
    letters = sum(map(str.isalpha, packed))
    digits = 0 if packed.isalpha() else sum(map(str.isdigit, packed))
    upper = 0 if packed.islower() else sum(map(str.isupper, packed))
    return upper, letters, len(packed) - letters - digits, digits, chat.signs(text), len(words)


def tokens_changed(before: str, after: str) -> float:
    """Return the share of tokens that differ, whatever their order.

    >>> tokens_changed("<b>two words</b>", "two words")
    1.0
    >>> tokens_changed("one two", "one 2")
    0.5
    """
    old, new = Counter(before.split()), Counter(after.split())
    longest = max(old.total(), new.total())
    return 1.0 - (old & new).total() / longest if longest else 0.0
