"""Memory is asked after every call, so asking must be right and cheap."""

from __future__ import annotations

import psutil
import pytest

from seatrial.models.resident import ResidentMemory


def test_it_is_what_the_system_says():
    told = ResidentMemory().bytes()
    assert told == pytest.approx(psutil.Process().memory_info().rss, rel=0.05)


def test_it_grows_with_what_is_held():
    memory = ResidentMemory()
    before = memory.bytes()
    held = bytearray(b"x") * (64 << 20)
    assert memory.bytes() - before > 60 << 20
    del held


def test_where_no_file_tells_it_the_system_is_asked_now_and_then(monkeypatch):
    memory = ResidentMemory()
    monkeypatch.setattr(memory, "_told", False)
    first = memory.bytes()
    assert first == pytest.approx(psutil.Process().memory_info().rss, rel=0.05)
    monkeypatch.setattr(psutil, "Process", None)
    assert memory.bytes() == first
