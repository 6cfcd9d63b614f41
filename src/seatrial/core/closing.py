"""What has to be closed, as a block that closes it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Closing(ABC):
    """Is closed when the block that it was opened for ends, however it ends.

    >>> class Door(Closing):
    ...     shut = False
    ...
    ...     def close(self):
    ...         self.shut = True
    >>> with Door() as door:
    ...     door.shut
    False
    >>> door.shut
    True
    """

    @abstractmethod
    def close(self) -> None:
        """Give back what is held; a second call does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
