from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from seatrial.records.files import Files
from seatrial.records.query import Log
from seatrial.records.record import Record

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


class Killed(BaseException):
    """The process died here: nothing after it runs."""


class FaultyFiles(Files):
    """A file system whose n-th call fails, or is the last that the process makes.

    Args:
        at: Which call, from 1.
        fault: An ``OSError`` to raise instead of the call, or ``Killed()``.
        lasts: How many calls fail from there on.
        half: Write half of the data before failing, where the call writes.
    """

    COUNTED = tuple(name for name in vars(Files) if not name.startswith("_"))
    OPENING = ("create", "open_append", "open_lock", "open_existing")

    def __init__(
        self, at: int, fault: BaseException, *, lasts: int = 1, half: bool = False
    ) -> None:
        self.calls = 0
        self.at = at
        self.fault = fault
        self.last = at + lasts
        self.half = half
        self.open: set[int] = set()
        for name in self.COUNTED:
            setattr(self, name, self.counted(getattr(Files(), name), name))

    def counted(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        def counting(*arguments: Any) -> Any:
            self.calls += 1
            dead = isinstance(self.fault, Killed) and self.calls > self.at
            if dead or self.at <= self.calls < self.last:
                if self.half and not dead:
                    taken = self._half(name, call, arguments)
                    if taken and isinstance(self.fault, OSError):
                        # As the kernel does: a short count now, the error at the next call.
                        self.last += 1
                        self.half = False
                        return taken
                raise self.fault
            result = call(*arguments)
            if name in self.OPENING:
                self.open.add(result)
            if name == "close":
                self.open.discard(arguments[0])
            return result

        return counting

    def reached(self) -> bool:
        return self.calls >= self.at

    def bury(self) -> None:
        """Close what a dead process held, as the kernel does."""
        for descriptor in self.open:
            os.close(descriptor)
        self.open.clear()

    @staticmethod
    def _half(name: str, call: Callable[..., Any], arguments: tuple[Any, ...]) -> int | None:
        if name not in {"write", "put"}:
            return None
        where, data = arguments
        return call(where, bytes(data)[: len(data) // 2])


@pytest.fixture
def faulty_files() -> type[FaultyFiles]:
    return FaultyFiles


@pytest.fixture
def killed() -> type[Killed]:
    return Killed


@pytest.fixture
def make_record() -> Callable[..., Record]:
    def make(number: int, **fields: Any) -> Record:
        given: dict[str, Any] = {
            "id": f"r{number}",
            "time": START + timedelta(milliseconds=number),
            "origin": "user",
            "release": "m@0",
            "status": "answered",
            "input": f"text {number}",
            "output": "yes",
            **fields,
        }
        return Record(**given)

    return make


@pytest.fixture
def ids_in() -> Callable[[Path], Counter[str]]:
    """How often each request id stands in the log of a folder."""

    def count(folder: Path) -> Counter[str]:
        return Counter(Log(folder).rows(columns=("id",)).column("id"))

    return count
