"""Content addresses: SHA-256 of bytes, of files and of canonical JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NewType

import msgspec

Digest = NewType("Digest", str)
"""64 lower-case hexadecimal digits of a SHA-256."""

ABBREVIATED = 12
"""Digits shown to people: 48 bits, no collision among any number of releases one team makes."""


def of_bytes(data: bytes) -> Digest:
    """Return the digest of ``data``.

    >>> of_bytes(b"")[:12]
    'e3b0c44298fc'
    """
    return Digest(hashlib.sha256(data).hexdigest())


def of_file(path: Path) -> Digest:
    """Return the digest of a file's content, read in blocks."""
    with path.open("rb") as file:
        return Digest(hashlib.file_digest(file, "sha256").hexdigest())


def canonical_json(document: Any) -> bytes:
    """Return the one JSON text of ``document``: keys sorted, no spaces.

    >>> canonical_json({"b": 1, "a": [1.5, None]})
    b'{"a":[1.5,null],"b":1}'
    """
    return msgspec.json.encode(document, order="deterministic")


def of_document(document: Any) -> Digest:
    """Return the digest of the canonical JSON of ``document``."""
    return of_bytes(canonical_json(document))


def of_files(files: Mapping[str, Path]) -> Digest:
    """Return the digest of a set of files by name, the same on any machine.

    Args:
        files: Name as it is known (a relative POSIX path) to where it lies.
    """
    manifest = {
        name: {"sha256": of_file(path), "size_bytes": path.stat().st_size}
        for name, path in sorted(files.items())
    }
    return of_document(manifest)


def abbreviated(digest: str) -> str:
    """Return the first digits, for people."""
    return digest[:ABBREVIATED]
