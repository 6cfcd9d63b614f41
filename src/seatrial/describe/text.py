"""What a text looks like beside the eval set's texts: five factors, two of which can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from seatrial.core.errors import UnknownNameError
from seatrial.describe import length as lengths
from seatrial.describe.band import PRESENT
from seatrial.describe.domain import Domain
from seatrial.describe.format import Format, measures, tokens_changed
from seatrial.describe.language import Language, labels, posterior
from seatrial.describe.length import Length
from seatrial.describe.memory import remembered
from seatrial.describe.tampering import Tampering
from seatrial.describe.vocabulary import Vocabulary

FACTORS = ("language", "domain", "length", "format", "tampering")

UNDONE = ("format", "tampering")

SLIPS = 0.5
"""Intensity of one corrected slip: people mistype too. Look-alikes and hidden characters, which
nobody types, start above it."""

HIDDEN = 0.75
"""Intensity from which look-alike and hidden characters count."""


TEXT_MAX = 50_000
"""Characters that are read of a text; a longer one is not repaired. Nobody writes so much to a
classifier, and whoever sends it shall not hold the describer up."""


class Reading(Struct):
    """What was found out about some texts, each at the index of its text.

    Attributes:
        raw: As they came.
        clean: Unwrapped, in characters that are what they look like.
        probabilities: Posterior over languages of the clean text, shape (n, languages).
        known: Probability of a language of the reference, shape (n,).
        formatted: With the factor format undone.
        untampered: With the factor tampering undone.
        whole: With both undone.
    """

    raw: list[str]
    clean: list[str]
    probabilities: NDArray[np.float64]
    known: NDArray[np.float64]
    formatted: list[str]
    untampered: list[str]
    whole: list[str]


class TextDescriber:
    """Describes texts; see :class:`seatrial.describe.describer.Describer`.

    Format and tampering can be undone. Length, language and domain cannot: no cut of a long text
    keeps its label for certain, and nothing here translates.
    """

    factor_ids: tuple[str, ...] = FACTORS

    def __init__(
        self,
        *,
        vocabulary: Vocabulary,
        language: Language,
        length: Length,
        form: Format,
        tampering: Tampering,
        domain: Domain,
    ) -> None:
        self.vocabulary = vocabulary
        self.language = language
        self.length = length
        self.form = form
        self.tampering = tampering
        self.domain = domain
        self._unwrapped = remembered(form.unwrapped)
        self._unveiled = remembered(tampering.unveiled)
        self._reworded = remembered(tampering.reworded)

    @classmethod
    def fit(cls, inputs: Sequence[Any]) -> Self:
        """Learn the reference."""
        texts = [text_of(value)[:TEXT_MAX] for value in inputs]
        vocabulary = Vocabulary.fit(texts)
        form = Format.fit(texts, vocabulary)
        tampering = Tampering.fit(texts, vocabulary)
        clean = [tampering.unveiled(form.unwrapped(text)) for text in texts]
        return cls(
            vocabulary=vocabulary,
            language=Language.fit(clean, vocabulary),
            length=Length.fit(clean),
            form=form,
            tampering=tampering,
            domain=Domain.fit(clean, vocabulary),
        )

    def describe(self, inputs: Sequence[Any]) -> dict[str, NDArray[Any]]:
        """Return the descriptors."""
        return self.read(inputs)[0]

    def factors(self, inputs: Sequence[Any]) -> dict[str, NDArray[np.float64]]:
        """Return the intensities."""
        return self.read(inputs)[1]

    def read(
        self, inputs: Sequence[Any]
    ) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[np.float64]]]:
        """Return descriptors and intensities from one pass over the inputs."""
        reading = self._reading([text_of(value)[:TEXT_MAX] for value in inputs])
        measured = measures(reading.raw)
        counts = lengths.words(reading.clean)
        distances = self.domain.distances(reading.whole)
        best = reading.probabilities.argmax(axis=1)
        described: dict[str, NDArray[Any]] = {
            "characters": np.array([len(text_of(value)) for value in inputs], dtype=float),
            "words": counts,
            "length_position": self.length.position(counts),
            "language": np.array([labels()[index] for index in best], dtype=object),
            "language_confidence": reading.probabilities.max(axis=1, initial=0.0),
            "language_known": reading.known,
            "wrappings": np.array(
                ["+".join(sorted(self.form.signs(text))) for text in reading.raw], dtype=object
            ),
            **measured,
            "format_changed": _changes(reading.raw, reading.formatted),
            "tampering_changed": _changes(reading.raw, reading.untampered),
            "domain_distance": distances,
            "domain_position": self.domain.positions(distances),
        }
        return described, {
            "language": 1.0 - reading.known,
            "domain": np.where(reading.known >= PRESENT, self.domain.intensity(distances), 0.0),
            "length": self.length.intensity(counts),
            "format": self.form.intensity(reading.raw, reading.formatted, measured),
            "tampering": self._tampering(reading),
        }

    def repair(self, factor: str, inputs: Sequence[Any]) -> list[Any] | None:
        """Undo format or tampering; the other factors cannot be undone."""
        if factor not in FACTORS:
            raise UnknownNameError.of("factor", factor, FACTORS)
        if factor not in UNDONE:
            return None
        texts = [text_of(value) for value in inputs]
        read = [text if len(text) <= TEXT_MAX else "" for text in texts]
        done = self._formatted(read) if factor == "format" else self._untampered(read)
        return [new if old else text for text, old, new in zip(texts, read, done, strict=True)]

    def _reading(self, texts: list[str]) -> Reading:
        clean = [self._unveiled(self._unwrapped(text)) for text in texts]
        formatted = self._formatted(texts)
        untampered = self._untampered(texts)
        return Reading(
            raw=texts,
            clean=clean,
            probabilities=posterior(clean),
            known=self._known(clean),
            formatted=formatted,
            untampered=untampered,
            whole=self._untampered(formatted),
        )

    def _formatted(self, texts: list[str]) -> list[str]:
        """Take wrappings off every text, and set those in a known language."""
        bare = [self._unwrapped(text) for text in texts]
        english = "en" in self.language.known
        done = [self.form.as_set(text, english=english) for text in bare]
        return self._where_known(bare, done)

    def _untampered(self, texts: list[str]) -> list[str]:
        """Unveil every text, and mend the words of those in a known language."""
        bare = [self._unveiled(text) for text in texts]
        done = [self._reworded(text) for text in bare]
        return self._where_known(bare, done)

    def _where_known(self, bare: list[str], done: list[str]) -> list[str]:
        """Return what was done where it differs and the language is the reference's."""
        rows = [row for row, (old, new) in enumerate(zip(bare, done, strict=True)) if old != new]
        known = self._known([self._unveiled(self._unwrapped(bare[row])) for row in rows])
        chosen = list(bare)
        for row, probability in zip(rows, known, strict=True):
            if probability >= PRESENT:
                chosen[row] = done[row]
        return chosen

    def _known(self, clean: list[str]) -> NDArray[np.float64]:
        """Return the probability of a known language; slips do not make a text foreign."""
        mended = [self._reworded(text) for text in clean]
        known = self.language.known_mass(posterior(clean), clean)
        rows = [row for row, text in enumerate(clean) if text != mended[row]]
        changed = [mended[row] for row in rows]
        known[rows] = np.maximum(known[rows], self.language.known_mass(posterior(changed), changed))
        return known

    def _tampering(self, reading: Reading) -> NDArray[np.float64]:
        intensities = np.zeros(len(reading.raw))
        for row, (raw, mended) in enumerate(zip(reading.raw, reading.untampered, strict=True)):
            if raw != mended:
                least = HIDDEN if self._unveiled(raw) != raw else SLIPS
                share = tokens_changed(raw, mended)
                intensities[row] = least + (1.0 - least) * share
        return intensities

    def to_document(self) -> dict[str, Any]:
        """Return the frozen reference."""
        return {
            "kind": "text",
            "vocabulary": self.vocabulary.to_document(),
            "language": self.language.to_document(),
            "length": self.length.to_document(),
            "format": self.form.to_document(),
            "tampering": self.tampering.to_document(),
            "domain": self.domain.to_document(),
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """Return what was frozen."""
        vocabulary = Vocabulary.from_document(document["vocabulary"])
        return cls(
            vocabulary=vocabulary,
            language=Language.from_document(document["language"], vocabulary),
            length=Length.from_document(document["length"]),
            form=Format.from_document(document["format"], vocabulary),
            tampering=Tampering.from_document(document["tampering"], vocabulary),
            domain=Domain.from_document(document["domain"], vocabulary),
        )


def text_of(value: Any) -> str:
    """Return an input as text; what is missing is empty."""
    return value if isinstance(value, str) else "" if value is None else str(value)


def _changes(before: Sequence[str], after: Sequence[str]) -> NDArray[np.float64]:
    return np.array([tokens_changed(*pair) for pair in zip(before, after, strict=True)], float)
