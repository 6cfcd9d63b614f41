"""What travels over HTTP on the native routes. These types are the only validation there is."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from seatrial.core.settings import InputKind

T = TypeVar("T")

Scalar = str | int | float | bool | None
"""A cell of a record: what JSON knows besides containers."""

Number = int | float | bool | None
"""An element of an array; ``null`` is a missing value."""

RANK_MAX = 8
"""Most dimensions of an array or a tensor: more than any model takes."""


class PredictRequest(Struct, Generic[T], forbid_unknown_fields=True):
    """Body of ``POST /predict``: ``inputs`` for several rows, ``input`` for one."""

    inputs: list[T] | UnsetType = UNSET
    input: T | UnsetType = UNSET


class Result(Struct, frozen=True):
    """The answer to one row; ``output`` is null where the model abstained."""

    output: Any
    confidence: float | None
    scores: dict[str, float] | None
    abstained: bool


class PredictAnswer(Struct, frozen=True):
    """Answer of ``POST /predict``: one result per row, in order."""

    id: str
    release: str
    results: list[Result]


class FeedbackRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST /feedback``: what row ``row`` of request ``id`` should have been."""

    id: str
    row: int = 0
    label: Any = UNSET
    rating: float | UnsetType = UNSET


class FeedbackAnswer(Struct, frozen=True):
    """Answer of ``POST /feedback``."""

    id: str
    row: int


def request_type(kind: InputKind) -> Any:
    """Return the type that a request body for a model of this input kind must have.

    Arrays are checked for being lists or numbers here; what is inside is the parser's to check.
    """
    return {
        "text": PredictRequest[str],
        "record": PredictRequest[dict[str, Scalar]],
        "array": PredictRequest[list[Any] | int | float],
        "image": PredictRequest[str],
        "chat": PredictRequest[str | list[dict[str, Any]]],
    }[kind]


encode = msgspec.json.Encoder().encode
