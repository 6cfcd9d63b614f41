"""Ends this process when the one that started it ends, by whatever means."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

GRACE_S = 15.0
"""How long a drain may take once nobody waits for this server any more."""


def hold_lifeline() -> None:
    """Watch standard input, whose other end only the parent holds: at its end, drain and leave.

    A parent that is killed closes the pipe without a word; that is the word.
    """
    threading.Thread(target=_watch, name="seatrial-lifeline", daemon=True).start()


def _watch() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os._exit(1)
