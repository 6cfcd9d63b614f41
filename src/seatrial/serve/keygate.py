"""Lets calls in by the key that their caller shows."""

from __future__ import annotations

from seatrial.serve.call import Call
from seatrial.serve.keys import ANYBODY, Keyring


class KeyGate:
    """Asks for keys where there are any, and holds each to its limits.

    Args:
        keyring: Knows the keys.
    """

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def __call__(self, call: Call) -> None:
        """Let a call in and name its caller; :meth:`leave` has to follow.

        Raises:
            UnauthorizedError: No key, or none that is valid.
            ForbiddenError: The key may not ask for predictions.
            RateLimitedError: It asks more than it may.
        """
        if not self._keyring.required:
            return
        caller = self._keyring.identify(call.request.headers, peer=call.peer)
        if caller is ANYBODY:
            return
        call.key_id = caller.id
        self._keyring.enter(caller)
        call.caller = caller

    def leave(self, call: Call) -> None:
        """Count a call out again, whatever became of it."""
        if call.caller is not None:
            self._keyring.leave(call.caller)
            call.caller = None

    def refresh(self) -> str:
        """Take over what the file of keys says now; return what is wrong with it."""
        self._keyring.refresh()
        return self._keyring.problem
