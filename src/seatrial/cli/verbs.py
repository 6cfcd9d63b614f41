"""The group of all verbs: each is imported when it is called, and every error is one line."""

from __future__ import annotations

import signal
import sys
import warnings
from collections.abc import Mapping
from types import FrameType
from typing import Any

import click

from seatrial.core.errors import SeatrialError
from seatrial.core.registry import resolve

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells expect."""


class Verbs(click.Group):
    """A click group whose commands are ``"module:attribute"`` strings until they are used.

    Args:
        verbs: Name of each command and where it lies.
        settings: Whatever :class:`click.Group` takes.
    """

    def __init__(self, *, verbs: Mapping[str, str] | None = None, **settings: Any) -> None:
        super().__init__(**settings)
        self._verbs = dict(verbs or {})

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's signature)
        """Return the verbs in the order in which people meet them."""
        return list(self._verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one verb."""
        reference = self._verbs.get(cmd_name)
        if reference is None:
            return None
        command: click.Command = resolve(reference)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a verb; print an error of ours as one line and leave with its exit status."""
        previous = signal.signal(signal.SIGTERM, _terminate)
        try:
            with warnings.catch_warnings():
                # No user code runs in this process: a warning here would be ours or a library's,
                # and tell the reader nothing. -W and --debug show them.
                if not (sys.warnoptions or ctx.params.get("debug")):
                    warnings.simplefilter("ignore")
                return super().invoke(ctx)
        except SeatrialError as error:
            if ctx.params.get("debug"):
                raise
            click.echo(f"seatrial: {one_line(error)}", err=True)
            sys.exit(error.exit_status)
        except KeyboardInterrupt:
            click.echo("seatrial: interrupted", err=True)
            sys.exit(INTERRUPTED)
        finally:
            signal.signal(signal.SIGTERM, previous)


def one_line(error: SeatrialError) -> str:
    """Return the error on one line, control characters made visible."""
    return printable(str(error))


def printable(text: str) -> str:
    r"""Return text on one line, control characters made visible.

    >>> printable("a\n\x1b[31mb")
    'a \\x1b[31mb'
    """
    words = " ".join(text.split())
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in words)


def _terminate(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001  (signal's signature)
    """Unwind on SIGTERM as on Ctrl-C, so that everything started is ended."""
    sys.exit(128 + signum)
