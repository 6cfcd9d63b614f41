"""A model that becomes ten times slower while it serves (M7, the part of the limiter)."""

from __future__ import annotations

import pytest

USUAL_S, SLOW_S = 0.01, 0.1

CALLERS = 48

QUICK_STUDY = """
from seatrial.schedule import limiter
limiter.CALIBRATION_S = limiter.CALM_S = 1.0
"""
"""What it learns in ten seconds it learns in one."""

SETTINGS = '[serving]\nbatch_max = 1\ndegrade = ["reject"]\n'
DEADLINE_MS = 18_000
"""With this deadline nobody waits too long, even while it is slow: the limiter alone refuses."""


def limit(model):
    return model.server.metric("seatrial_concurrency_limit")


@pytest.mark.slow  # compares rates: another job on the machine changes them
def test_fault_M7_the_limit_narrows_and_widens_again(faulty, load):
    """More than it then keeps up with is refused; the rest is answered, and later all are."""
    model = faulty("--workers", "1", prelude=QUICK_STUDY, toml=SETTINGS, timeout_ms=DEADLINE_MS)
    model.flag("slow", str(USUAL_S))
    with load(model.server, callers=CALLERS) as callers:
        callers.more(150)
        assert {at.status for at in callers.answers[:50]} == {200}
        model.server.eventually(lambda: limit(model) >= CALLERS, limit_s=60)
        model.flag("slow", str(SLOW_S))
        model.server.eventually(lambda: limit(model) < CALLERS / 2, limit_s=60)
        model.server.eventually(lambda: callers.answers[-1].status == 503, limit_s=60)
        narrowed = len(callers.answers)
        ran = len(model.calls())
        model.server.eventually(lambda: len(model.calls()) > ran + 20, limit_s=60)
        slow = callers.answers[narrowed:]
        model.flag("slow", str(USUAL_S))
        model.server.eventually(lambda: limit(model) >= CALLERS, limit_s=60)
        callers.more(5 * CALLERS)
        assert {at.status for at in callers.answers[-CALLERS:]} == {200}
    assert {at.status for at in slow} == {200, 503}
    refused = [at for at in slow if at.status == 503]
    assert {at.json["code"] for at in refused} == {"overloaded"}
    assert all(int(at.headers["retry-after"]) >= 1 for at in refused)
    assert callers.lost == []
