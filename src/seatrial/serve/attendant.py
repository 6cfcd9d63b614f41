"""A process of our own beside the front that ends when the front does, however that ends."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys


class Attendant:
    """``python -m MODULE ARGUMENTS --lifeline FD``, in a process group of its own.

    Args:
        module: Its main function calls :func:`seatrial.models.lifeline.die_with_parent`.
        arguments: What it is told.
        output: Where its standard output goes; default our standard error.
        niceness: How far it stands back from its first moment on.
    """

    def __init__(
        self, module: str, arguments: list[str], *, output: int | None = None, niceness: int = 0
    ) -> None:
        life_read, self._lifeline = os.pipe()
        if output is None:
            output = sys.__stderr__.fileno() if sys.__stderr__ else subprocess.DEVNULL
        command = [sys.executable, "-P", "-m", module, *arguments, "--lifeline", str(life_read)]
        try:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                pass_fds=(life_read,),
                process_group=0,
            )
        except BaseException:
            os.close(self._lifeline)
            raise
        finally:
            os.close(life_read)
        if niceness:
            os.setpriority(os.PRIO_PROCESS, self.process.pid, niceness)

    def alive(self) -> bool:
        """Say whether it runs."""
        return self.process.poll() is None

    async def stop(self, *, limit_s: float) -> None:
        """Ask it to end, wait, and end it where it does not."""
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._wait, limit_s)

    def kill(self) -> None:
        """End it now."""
        self._wait(0.0)

    def _wait(self, limit_s: float) -> None:
        try:
            self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1
