"""serving-skew: the service prepares its inputs otherwise than the notebook did.

``sick`` and ``healthy`` are what the service answers with; ``notebook`` is the model as it was
trained. Both twins hold the same weights: only what happens to an input on its way differs.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

import numpy as np

from seatrial.testing.bank import parts
from seatrial.testing.bank.entry import FORMS, Failure, Model, Parameters
from seatrial.testing.bank.parts import Floats

ROWS = 60
HASHED = 256
COUNTRIES = ("Österreich", "España", "Türkiye", "Česko", "France", "日本")
SAMPLES = ("Größe passt nicht", "très déçu", "¿dónde está?", "naïve café", "ПРИВЕТ", "GREAT value")
"""Non-ASCII letters and capitals: what re-encoding and lower-casing act on."""

PRIME = 16_777_619
"""Keeps one position of a text from cancelling another."""


def _cut(text: str, parameters: Parameters) -> str:
    return text[: parameters.limit]


def _lowered(text: str, _: Parameters) -> str:
    return text.lower()


def _misread(text: str, _: Parameters) -> str:
    return text.encode().decode("latin-1")


def _decomposed(text: str, _: Parameters) -> str:
    return unicodedata.normalize("NFD", text)


def _ascii(text: str, _: Parameters) -> str:
    return text.encode("ascii", "ignore").decode()


def _single_spaced(text: str, _: Parameters) -> str:
    return " ".join(text.split())


def _as_float32(record: dict[str, Any], _: Parameters) -> dict[str, Any]:
    return {
        key: float(np.float32(value)) if isinstance(value, float) else value
        for key, value in record.items()
    }


def _as_locale(record: dict[str, Any], _: Parameters) -> dict[str, Any]:
    """Read a decimal point as a separator of thousands, as a German spreadsheet does."""
    return {
        key: float(repr(value).replace(".", "")) if isinstance(value, float) else value
        for key, value in record.items()
    }


def _reordered(record: dict[str, Any], _: Parameters) -> dict[str, Any]:
    return dict(sorted(record.items()))


def _without_missing(record: dict[str, Any], _: Parameters) -> dict[str, Any]:
    return {key: value for key, value in record.items() if value is not None}


def _missing_as_zero(record: dict[str, Any], _: Parameters) -> dict[str, Any]:
    return {key: 0.0 if value is None else value for key, value in record.items()}


def _rounded(record: dict[str, Any], _: Parameters) -> dict[str, Any]:
    return {
        key: round(value) if isinstance(value, float) else value for key, value in record.items()
    }


Preparation = Callable[[Any, Parameters], Any]
TEXT_STYLES: dict[str, Preparation] = {
    "truncates": _cut,
    "lower-cases": _lowered,
    "reads UTF-8 as Latin-1": _misread,
    "decomposes Unicode": _decomposed,
    "drops non-ASCII": _ascii,
    "collapses spaces": _single_spaced,
}
RECORD_STYLES: dict[str, Preparation] = {
    "float32": _as_float32,
    "locale": _as_locale,
    "reorders fields": _reordered,
    "drops None": _without_missing,
    "None as zero": _missing_as_zero,
    "rounds": _rounded,
}
STYLES = (*TEXT_STYLES, *RECORD_STYLES, "labels as text")


def draw(seed: int) -> Parameters:
    """Return the parameters of one pair."""
    rng = np.random.default_rng(seed)
    style = STYLES[seed % len(STYLES)]
    form = FORMS[(seed // len(STYLES) + seed) % len(FORMS)]
    return Parameters(
        seed=seed,
        style=style,
        form="numbers" if style == "labels as text" else form,
        width=int(rng.choice((4, 6, 9))),
        classes=int(rng.choice((3, 5, 8))),
        limit=int(rng.choice((16, 24, 32, 48))),
        dtype="float64",
        rows=ROWS,
    )


def inputs(parameters: Parameters) -> list[Any]:
    """Return texts or records, as the style wants."""
    rng = parameters.rng(1)
    if parameters.style in RECORD_STYLES:
        return [_record(parameters, rng, row) for row in range(parameters.rows)]
    return [
        f"{text}  {rng.choice(SAMPLES)} " + " ".join(rng.choice(parts.WORDS, 6))
        for text in parts.texts(parameters)
    ]


def notebook(parameters: Parameters) -> Model:
    """Return the model as it was trained."""
    return _Model(parameters).predict


def healthy(parameters: Parameters) -> Model:
    """Return a service that passes its inputs to the model as they came."""
    return notebook(parameters)


def sick(parameters: Parameters) -> Model:
    """Return a service that prepares its inputs in the way of the style."""
    model = _Model(parameters)
    if parameters.style == "labels as text":
        return lambda rows: [str(answer) for answer in model.predict(rows)]
    prepare = {**TEXT_STYLES, **RECORD_STYLES}[parameters.style]
    return lambda rows: model.predict([prepare(row, parameters) for row in rows])


def _record(parameters: Parameters, rng: np.random.Generator, row: int) -> dict[str, Any]:
    """Return a record with a number too long for float32 and values missing now and then."""
    record: dict[str, Any] = {
        f"z{column}": None if (row + column) % 5 == 0 else round(float(rng.normal(0, 20)), 3)
        for column in range(parameters.width)
    }
    record["account"] = float(rng.integers(2**24, 2**26)) + 0.5
    record["country"] = str(rng.choice(COUNTRIES))
    return record


class _Model:
    """Hashes an input into features and classifies them with a fixed matrix."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self._out = parts.weights(parameters, HASHED, parameters.classes) * 20

    def predict(self, rows: list[Any]) -> list[Any]:
        """Answer a batch; every row for itself, so that company changes nothing."""
        return [self._one(row) for row in rows]

    def _one(self, row: Any) -> Any:
        features: Floats = np.zeros(HASHED)
        for place, token in enumerate(self._tokens(row)):
            features[(parts.tokens(token)[0] * PRIME + place) % HASHED] += 1.0
        return parts.answers((features @ self._out)[None, :], self._parameters.form)[0]

    def _tokens(self, row: Any) -> list[str]:
        if isinstance(row, str):
            return [row[start : start + 3].replace(" ", "_") for start in range(0, len(row), 3)]
        # By position, as an array without names reaches a model.
        return [f"{value!r}".replace(" ", "_") for value in row.values()]


SERVING_SKEW = Failure(
    id="serving-skew",
    family="serving",
    evidence="skew",
    draw=draw,
    sick=sick,
    healthy=healthy,
    inputs=inputs,
    notebook=notebook,
    through=frozenset({"url"}),
)
