"""A dictionary and a register function: the one door for our own parts and for anybody else's.

An entry is an object or a lazy ``"module:attribute"`` string, imported when it is chosen. Third
parties register through an entry point of the registry's group, or by calling ``register``.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar, cast

from seatrial.core.errors import UnknownNameError, UsageError

T = TypeVar("T")


class Registry(Generic[T]):
    """Named things of one kind.

    Args:
        what: The kind, as it is called in messages ("adapter").
        group: Entry-point group through which other distributions add theirs.
        builtin: Our own entries.

    >>> shapes = Registry[type]("shape", group="example.shapes", builtin={"list": list})
    >>> shapes.get("list")
    <class 'list'>
    >>> shapes.get("lists")
    Traceback (most recent call last):
    seatrial.core.errors.UnknownNameError: unknown shape 'lists'; known: list. Did you mean "list"?
    """

    def __init__(
        self, what: str, *, group: str, builtin: Mapping[str, T | str] | None = None
    ) -> None:
        self.what = what
        self.group = group
        self._entries: dict[str, T | str] = dict(builtin or {})
        self._scanned = False

    def register(self, name: str, entry: T | str) -> None:
        """Add an entry; a name can be taken once.

        Raises:
            UsageError: The name is taken.
        """
        self._scan()
        if name in self._entries:
            raise UsageError(
                f"{self.what} {name!r} is registered already.", hint="Choose another name."
            )
        self._entries[name] = entry

    def names(self) -> list[str]:
        """Return the known names, sorted."""
        self._scan()
        return sorted(self._entries)

    def get(self, name: str) -> T:
        """Return the entry, importing it if it is lazy.

        Raises:
            UnknownNameError: No entry has that name.
        """
        if name not in self:
            raise UnknownNameError.of(self.what, name, self._entries)
        entry = self._entries[name]
        if isinstance(entry, str):
            entry = cast("T", resolve(entry))
            self._entries[name] = entry
        return entry

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __contains__(self, name: object) -> bool:
        # Others' entries take no name that is taken: only for one that is not are they looked for.
        if name not in self._entries:
            self._scan()
        return name in self._entries

    def _scan(self) -> None:
        if self._scanned:
            return
        self._scanned = True
        from importlib.metadata import entry_points  # 35 ms that --help need not pay

        for point in entry_points(group=self.group):
            self._entries.setdefault(point.name, point.value)


def resolve(reference: str) -> Any:
    """Import ``"module:attribute"`` and return the attribute.

    >>> resolve("math:pi")
    3.141592653589793
    """
    module, _, attribute = reference.partition(":")
    return getattr(importlib.import_module(module), attribute)
