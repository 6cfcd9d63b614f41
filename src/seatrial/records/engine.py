"""DuckDB, set up the one way this package uses it: in memory, offline, nothing loaded by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}
"""No download behind the user's back, and no Python variable readable from SQL."""


@contextmanager
def connection() -> Iterator[Any]:
    """Open a private in-memory database and close it at the end."""
    import duckdb

    opened = duckdb.connect(":memory:", config=CONFIG)
    try:
        opened.execute("SET TimeZone = 'UTC'")
        # It would write between the lines of an answer.
        opened.execute("SET enable_progress_bar = false")
        yield opened
    finally:
        opened.close()


def text(value: str) -> str:
    """Quote a text for SQL.

    >>> text("it's")
    "'it''s'"
    """
    return "'" + value.replace("'", "''") + "'"


def name(value: str) -> str:
    """Quote an identifier for SQL.

    >>> print(name('a"b'))
    "a""b"
    """
    return '"' + value.replace('"', '""') + '"'


def path(value: Path) -> str:
    """Quote a file name for SQL so that DuckDB reads it as that one file, never as a pattern.

    >>> from pathlib import Path
    >>> path(Path("a[1].csv"))
    "'a[[]1].csv'"
    """
    return text("".join(f"[{mark}]" if mark in "[*?" else mark for mark in str(value)))
