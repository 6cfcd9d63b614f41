"""What answers say about themselves in their headers, and how it is kept request by request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

SERVER_TIMING: Final = b"server-timing"
RETRY_AFTER: Final = b"retry-after"
LOCATION: Final = b"location"
SERVED_BY: Final = b"x-served-by"
DEGRADED: Final = b"x-degraded"
RELEASE: Final = b"x-release"

NOTED: Final = (SERVER_TIMING, RETRY_AFTER, LOCATION, SERVED_BY, DEGRADED, RELEASE)
LABEL_LONGEST = 120
LABELS_MAX = 1_000
"""Different values kept of one header; what should name a server may hold a request's number."""

OTHERS = "others"
DENIALS = frozenset({b"", b"0", b"no", b"none", b"false"})
"""Values of ``X-Degraded`` that say that an answer is not degraded."""


@dataclass(frozen=True)
class Labels:
    """One of a few texts per request.

    Attributes:
        names: The texts.
        codes: Which of them each request has, shape (n,); -1: none.
    """

    names: tuple[str, ...]
    codes: NDArray[np.int16]

    @classmethod
    def of(cls, names: Sequence[str], codes: NDArray[np.int64]) -> Labels:
        """Build from places in ``names``."""
        return cls(tuple(names), codes.astype(np.int16))

    @classmethod
    def none(cls, count: int) -> Labels:
        """Return labels of requests that have none."""
        return cls((), np.full(count, -1, dtype=np.int16))

    def since(self, first: int) -> Labels:
        """Return the labels of the requests from ``first`` on."""
        return Labels(self.names, self.codes[first:])

    def counts(self) -> dict[str, int]:
        """Return how many requests have each label, the most frequent first."""
        found = np.bincount(self.codes[self.codes >= 0], minlength=len(self.names))
        pairs = sorted(zip(self.names, found.tolist(), strict=True), key=lambda pair: -pair[1])
        return {name: count for name, count in pairs if count}

    def having(self, name: str) -> NDArray[np.bool_]:
        """Return which requests have a label, shape (n,)."""
        return np.asarray(self.codes == self.names.index(name))

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which requests have any, shape (n,)."""
        return np.asarray(self.codes >= 0)


class Notes:
    """Headers of answers while a load runs; equal values are kept once."""

    def __init__(self) -> None:
        self.by_header: dict[bytes, dict[int, bytes]] = {name: {} for name in NOTED}
        self._known: dict[bytes, bytes] = {}

    def keep(self, request: int, name: bytes, value: bytes) -> None:
        """Keep a header of an answer; several ``Server-Timing`` of one answer are one list."""
        column = self.by_header[name]
        if name is SERVER_TIMING:
            known = column.get(request)
            column[request] = value if known is None else known + b", " + value
        else:
            column[request] = self._known.setdefault(value, value)

    def forget(self, request: int) -> None:
        """Drop what an earlier attempt of a request was told."""
        for column in self.by_header.values():
            column.pop(request, None)

    def labels(self, name: bytes, count: int) -> Labels:
        """Return the values of a header as labels, shape (count,)."""
        column = self.by_header[name]
        codes = np.full(count, -1, dtype=np.int64)
        places: dict[str, int] = {}
        for request, value in column.items():
            if name is DEGRADED and value.strip().lower() in DENIALS:
                continue
            codes[request] = places.setdefault(_label(value, places), len(places))
        return Labels.of(tuple(places), codes)


def _label(value: bytes, known: Mapping[str, int]) -> str:
    text = value.decode("latin-1")[:LABEL_LONGEST]
    return text if text in known or len(known) < LABELS_MAX else OTHERS
