"""What rows may have in common: values of columns and descriptors, signs of factors, words.

No label and no answer is looked at here, so that whatever is chosen here (edges, frequent words)
costs the search for patterns nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seatrial.describe.cell import is_missing, number_of, word_of
from seatrial.describe.vocabulary import WORD

Mask = NDArray[np.bool_]
Family = Literal["described", "word"]

LEAST_ROWS = 10
"""Reviewed rows that a slice must have, and leave outside: fewer show nothing but chance."""

MOST_SHARE = 0.75
"""Of the rows; what holds for more of them is no slice."""

EDGES = (0.1, 0.25, 0.5, 0.75, 0.9)
"""Quantiles of the reviewed rows at which numbers are split; extremes fail first."""

DISTINCT_NUMBERS = 12
"""Distinct numbers up to which each is a value of its own."""

MOST_VALUES = 30
"""Values looked at per column, most frequent first."""

MOST_WORDS = 300
"""Words looked at, most frequent first: a rarer one is in too few reviewed rows to show."""

ABSENT_SHARE = 0.4
"""Share of rows from which a word is usual, so that its absence is worth looking at."""

MOST_DESCRIBED = 600
"""Traits of columns and descriptors looked at; a table of hundreds of columns is cut here."""

PRESENT = 0.5
"""Intensity from which a row has a factor."""

READ_MAX = 20_000
"""Characters of a text in which words are looked for."""

TELL_NOTHING = frozenset(
    {"characters", "length_position", "domain_position", "language_known", "language_confidence"}
)
"""Descriptors that say again what ``words``, ``domain_distance`` and ``language`` say."""

SIGNS = ("missing:", "outside:", "unseen:", "mistyped:")
"""Descriptors of table cells that are there or not."""


@dataclass(frozen=True)
class Trait:
    """One thing that some rows have in common.

    Attributes:
        says: The condition, as a sentence: ``words > 21``.
        family: Where it comes from; each family is paid for by itself.
        rows: Which reviewed rows have it, shape (n,).
        also: Other conditions that hold for the same rows.
    """

    says: str
    family: Family
    rows: Mask
    also: tuple[str, ...] = ()


def traits(
    inputs: Sequence[Any],
    *,
    columns: Mapping[str, Sequence[Any]],
    descriptors: Mapping[str, NDArray[Any]],
    intensity: Mapping[str, NDArray[np.float64]],
) -> list[Trait]:
    """Return every trait that enough rows have, each set of rows once.

    Args:
        inputs: What was asked, n of them: texts, records, arrays or chats.
        columns: The user's slice columns, n values each.
        descriptors: From the describer, n values each.
        intensity: Per ledger factor, n values in [0, 1] each.
    """
    described = [*_of_columns(columns, ""), *_of_descriptors(descriptors), *_of_factors(intensity)]
    words: list[Trait] = []
    cells = _cells(inputs)
    if cells is None:
        words += _of_words([_text(value) for value in inputs], "")
    else:
        described += _of_columns(cells, "")
        for name, values in cells.items():
            if _is_prose(values):
                words += _of_words([word_of(v) if v is not None else "" for v in values], name)
    usable = [trait for trait in described if _is_slice(trait.rows)][:MOST_DESCRIBED]
    return _distinct([*usable, *(trait for trait in words if _is_slice(trait.rows))])


def _is_slice(rows: Mask) -> bool:
    count = int(rows.sum())
    return LEAST_ROWS <= count <= min(MOST_SHARE * rows.size, rows.size - LEAST_ROWS)


def _distinct(found: Iterable[Trait]) -> list[Trait]:
    """Merge traits of the same rows; the first of them is the one that is named."""
    kept: dict[bytes, Trait] = {}
    for trait in found:
        key = np.packbits(trait.rows).tobytes()
        first = kept.get(key)
        kept[key] = trait if first is None else replace(first, also=(*first.also, trait.says))
    return list(kept.values())


def _cells(inputs: Sequence[Any]) -> dict[str, list[Any]] | None:
    """Return the columns of records and arrays; ``None`` for texts and chats."""
    from seatrial.describe.table import columns_of

    first = next((value for value in inputs if value is not None), None)
    if first is None or isinstance(first, str) or _is_chat(first):
        return None
    return columns_of(inputs)


def _is_chat(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)


def _text(value: Any) -> str:
    """Return the words that were asked: of a chat, what its last user said."""
    if isinstance(value, str):
        return value
    if _is_chat(value):
        said = [str(one.get("content", "")) for one in value if one.get("role") == "user"]
        return said[-1] if said else ""
    return ""


def _is_prose(values: Sequence[Any]) -> bool:
    """Say whether a column holds sentences rather than categories."""
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) < len(values) / 2:
        return False
    several = sum(" " in text.strip() for text in texts)
    return several > len(texts) / 2 and len(set(texts)) > len(texts) / 2


def _of_columns(columns: Mapping[str, Sequence[Any]], prefix: str) -> Iterator[Trait]:
    for name, values in columns.items():
        gone = np.array([is_missing(value) for value in values], dtype=bool)
        yield Trait(f"{prefix}{name} is missing", "described", gone)
        yield from _of_values(f"{prefix}{name}", values, ~gone)


def _of_values(name: str, values: Sequence[Any], there: Mask) -> Iterator[Trait]:
    numbers = [
        number_of(value) if here else None for value, here in zip(values, there, strict=True)
    ]
    known = np.array([np.nan if one is None else one for one in numbers], dtype=float)
    if np.isfinite(known).sum() == there.sum() and len(np.unique(known[there])) > DISTINCT_NUMBERS:
        yield from _of_numbers(name, known)
        return
    said = np.array(
        [word_of(v) if here else None for v, here in zip(values, there, strict=True)], dtype=object
    )
    counts = Counter(said[there].tolist())
    for value, _ in counts.most_common(MOST_VALUES):
        yield Trait(f"{name} = {value}", "described", np.asarray(said == value))


def _of_numbers(name: str, values: NDArray[np.float64]) -> Iterator[Trait]:
    finite = values[np.isfinite(values)]
    if not finite.size:
        return
    with np.errstate(invalid="ignore"):
        for edge in np.unique(np.quantile(finite, EDGES, method="lower")):
            yield Trait(f"{name} <= {edge:.4g}", "described", np.asarray(values <= edge))
            yield Trait(f"{name} > {edge:.4g}", "described", np.asarray(values > edge))


def _of_descriptors(descriptors: Mapping[str, NDArray[Any]]) -> Iterator[Trait]:
    for name, values in descriptors.items():
        if name in TELL_NOTHING or name.startswith("position:"):
            continue
        if name.startswith(SIGNS):
            yield Trait(name.replace(":", " "), "described", np.asarray(values >= PRESENT))
        elif values.dtype != object:
            yield from _of_numbers(name, np.asarray(values, dtype=float))
        elif name == "wrappings":
            yield from _of_wrappings(values)
        else:
            yield from _of_values(name, values.tolist(), np.ones(values.size, dtype=bool))


def _of_wrappings(values: NDArray[Any]) -> Iterator[Trait]:
    signs = sorted({sign for value in set(values.tolist()) for sign in str(value).split("+")})
    for sign in signs:
        if sign:
            rows = np.array([sign in str(value).split("+") for value in values], dtype=bool)
            yield Trait(f"wrapped in {sign}", "described", rows)


def _of_factors(intensity: Mapping[str, NDArray[np.float64]]) -> Iterator[Trait]:
    for name, values in intensity.items():
        has = np.asarray(values >= PRESENT)
        yield Trait(f"{name.removeprefix('column:')} unlike the eval set", "described", has)


def _of_words(texts: Sequence[str], column: str) -> Iterator[Trait]:
    """Return presence of the most frequent words, and absence of those that are usual."""
    held = [frozenset(WORD.findall(text[:READ_MAX].lower())) for text in texts]
    counts = Counter(word for words in held for word in words)
    where = f" in {column}" if column else ""
    for word, count in counts.most_common(MOST_WORDS):
        if count < LEAST_ROWS:
            return
        rows = np.array([word in words for words in held], dtype=bool)
        yield Trait(f'has "{word}"{where}', "word", rows)
        if count >= ABSENT_SHARE * len(texts):
            yield Trait(f'lacks "{word}"{where}', "word", ~rows)
