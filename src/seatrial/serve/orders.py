"""Follows the control log: an operator's orders reach the server through a file, by looking at it.

So the kill switch works while nothing else does: no keeper, no database, no network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from seatrial.core.errors import KilledError, SeatrialError
from seatrial.releases.control import Control, ControlState
from seatrial.serve.call import Call
from seatrial.serve.events import Events


class Orders:
    """What an operator has ordered, as far as it has been seen.

    Args:
        control: The control log.
        events: Told of every order.
        on_kill: Told when answering is switched off, with the error that callers get.
        on_reload: Told when the folder is to be loaded anew.
        on_drain: Told when the server is to end.
    """

    def __init__(
        self,
        control: Control,
        *,
        events: Events,
        on_kill: Callable[[SeatrialError], None],
        on_reload: Callable[[], None],
        on_drain: Callable[[], None],
    ) -> None:
        self._control = control
        self._events = events
        self._on_kill = on_kill
        self._on_reload = on_reload
        self._on_drain = on_drain
        self.state: ControlState = control.read()

    @property
    def killed(self) -> bool:
        """Whether no model call may start."""
        return self.state.killed

    def gate(self, call: Call) -> None:  # noqa: ARG002  (of a gate)
        """Let a call in.

        Raises:
            KilledError: Answering is switched off.
        """
        if self.state.killed:
            raise self._killed()

    def look(self) -> None:
        """Look for new orders, and obey them."""
        if self._control.changed():
            self._obey(self._control.read())

    def _obey(self, state: ControlState) -> None:
        before, self.state = self.state, state
        if state.problem and state.problem != before.problem:
            self._events.say("control-problem", {"message": state.problem})
        if state.killed != before.killed:
            told: dict[str, Any] = {"by": state.by, "reason": state.reason}
            self._events.say("killed" if state.killed else "revived", told)
            if state.killed:
                self._on_kill(self._killed())
        if state.reloaded > before.reloaded:
            self._on_reload()
        if state.drained > before.drained:
            self._on_drain()

    def _killed(self) -> KilledError:
        reason = f": {self.state.reason}" if self.state.reason else ""
        return KilledError(
            f"answering has been switched off by an operator{reason}.",
            hint="Try again later; the operator switches it on with: seatrial kill off",
            details={"retry_after_s": 30},
        )
