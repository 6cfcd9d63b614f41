"""What a text looks like beside the eval set's texts: five factors, two of which can be undone."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from seatrial.core.errors import UnknownNameError
from seatrial.describe.language import Language, posterior
from seatrial.describe.length import Length, words

FACTORS = ("language", "domain", "length", "format", "tampering")
TAG = re.compile(r"<[^<>]+>")
HIDDEN = re.compile("[\u200b-\u200d\u2060\ufeff]")


class TextDescriber:
    """Describes texts; see :class:`seatrial.describe.describer.Describer`."""

    factor_ids: tuple[str, ...] = FACTORS

    def __init__(self, *, language: Language, length: Length) -> None:
        self.language = language
        self.length = length

    @classmethod
    def fit(cls, inputs: Sequence[Any]) -> Self:
        """Learn the reference."""
        texts = [text_of(value) for value in inputs]
        return cls(language=Language.fit(texts), length=Length.fit(texts))

    def describe(self, inputs: Sequence[Any]) -> dict[str, NDArray[Any]]:
        """Return the descriptors."""
        texts = [text_of(value) for value in inputs]
        return {"words": words(texts)}

    def factors(self, inputs: Sequence[Any]) -> dict[str, NDArray[np.float64]]:
        """Return the intensities."""
        texts = [text_of(value) for value in inputs]
        plain = [unmarked(text) for text in texts]
        return {
            "language": 1.0 - self.language.known_mass(posterior(plain)),
            "domain": np.zeros(len(texts)),
            "length": self.length.intensity(words(plain)),
            "format": np.array([float(TAG.search(text) is not None) for text in texts]),
            "tampering": np.array([float(HIDDEN.search(text) is not None) for text in texts]),
        }

    def repair(self, factor: str, inputs: Sequence[Any]) -> list[Any] | None:
        """Undo format or tampering."""
        if factor not in FACTORS:
            raise UnknownNameError.of("factor", factor, FACTORS)
        texts = [text_of(value) for value in inputs]
        if factor == "format":
            return [unmarked(text) for text in texts]
        if factor == "tampering":
            return [HIDDEN.sub("", text) for text in texts]
        return None

    def to_document(self) -> dict[str, Any]:
        """Return the frozen reference."""
        return {
            "kind": "text",
            "language": self.language.to_document(),
            "length": self.length.to_document(),
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """Return what was frozen."""
        return cls(
            language=Language.from_document(document["language"]),
            length=Length.from_document(document["length"]),
        )


def text_of(value: Any) -> str:
    """Return an input as text; what is missing is empty."""
    return value if isinstance(value, str) else "" if value is None else str(value)


def unmarked(text: str) -> str:
    """Return the text without tags."""
    return html.unescape(TAG.sub("", text)) if "<" in text else text
