"""The fields of ``seatrial load --json`` and what each means, from the classes themselves."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any, get_args

import msgspec
from msgspec import Struct

from seatrial.measure.load.summary import LoadSummary

ATTRIBUTE = re.compile(r"^    (\w+): (.*(?:\n {8}.*)*)", flags=re.M)


def fields(document: type[Struct] = LoadSummary) -> Iterator[tuple[str, str]]:
    """Yield every field with its meaning, nested ones by their path; a class is told once.

    >>> next(fields())
    ('url', 'What was asked.')
    """
    yield from _fields(document, "", set())


def _fields(document: type[Struct], path: str, told: set[type]) -> Iterator[tuple[str, str]]:
    told.add(document)
    meanings = {
        name: " ".join(text.split())
        for name, text in ATTRIBUTE.findall(inspect.getdoc(document) or "")
    }
    for field in msgspec.structs.fields(document):
        yield f"{path}{field.name}", meanings.get(field.name, "")
        inner, many = _struct_in(field.type)
        if inner is not None and inner not in told:
            yield from _fields(inner, f"{path}{field.name}{'[]' if many else ''}.", told)


def _struct_in(kind: Any) -> tuple[type[Struct] | None, bool]:
    for part in (kind, *get_args(kind)):
        if isinstance(part, type) and issubclass(part, Struct):
            return part, getattr(kind, "__origin__", None) is tuple
    return None, False
