"""The pipe by whose end a process learns that the one which started it is gone."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import sys
import threading

_F_SETSIG = 10  # Linux; the standard library does not name it


def die_with_parent(lifeline: int) -> None:
    """Arrange that this process group ends when the other end of ``lifeline`` is closed.

    On Linux the kernel itself kills the group, so that user code which holds the interpreter lock,
    and processes it started, go too. Elsewhere, and where the parent is gone already, a thread
    does it as soon as it may run.
    """
    end_with(lifeline)
    if sys.platform == "linux":
        watch(lifeline)


def end_with(lifeline: int) -> None:
    """Do the same without a thread, where the kernel does it."""
    if sys.platform != "linux":
        watch(lifeline)
        return
    group = -os.getpid() if os.getpgrp() == os.getpid() else os.getpid()
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, group)
    fcntl.fcntl(lifeline, _F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([lifeline], [], [], 0)[0]:  # it ended before the kernel was asked
        _end()


def watch(lifeline: int) -> None:
    """Have a thread end this process group with ``lifeline``."""
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True, name="lifeline").start()


def _end_with(lifeline: int) -> None:
    while os.read(lifeline, 1):
        pass
    _end()


def _end() -> None:
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)
