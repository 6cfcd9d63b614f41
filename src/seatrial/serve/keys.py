"""API keys: who asks, what they may, and how much of it.

A server without keys answers everybody. With the first key in its file, or where the settings
demand keys, it answers nobody without one. A key is ``pk_ID_SECRET`` (``ak_`` where it may
administer); only the hash of the whole is kept.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from seatrial.core.clock import SYSTEM, Clock
from seatrial.core.errors import ForbiddenError, RateLimitedError, SettingsError, UnauthorizedError
from seatrial.serve.keyfile import Key, KeyFile, Scope
from seatrial.serve.limits import PeerLimit, TokenBucket

OPEN_PATHS = frozenset(
    {"/livez", "/readyz", "/healthz", "/status", "/v2/health/live", "/v2/health/ready"}
)
"""Probes have no keys, and ``/status`` is for the public."""

SHOWN_MAX_BYTES = 128
"""Longer than any key."""

WRONG_PER_S = 0.2
WRONG_BURST = 20
"""Wrong keys that one peer may show. More are answered 429 without a look at who it is in the log;
valid keys are taken all the same, so that nobody behind the same proxy can be locked out."""

_NOBODY = b"\0" * 32
"""Compared with where there is no such key, so that it takes as long."""


class Caller(Struct, frozen=True):
    """Who asks.

    Attributes:
        id: Of the key; empty where keys are not asked for. Part of the record.
        name: Whose key it is.
        scopes: What it may do.
    """

    id: str = ""
    name: str = ""
    scopes: frozenset[str] = frozenset({"predict", "review"})


ANYBODY = Caller()


class Keyring:
    """Knows the keys of one folder.

    Args:
        folder: The project folder.
        required: Refuse callers without a key even where there is none.
        clock: Where time comes from: monotonic for limits, wall time for expiry.

    Raises:
        SettingsError: The file of keys cannot be used.
    """

    def __init__(self, folder: Path, *, required: bool = False, clock: Clock = SYSTEM) -> None:
        self._file = KeyFile(folder)
        self._path = os.fspath(self._file.path)
        self._clock = clock
        self._keys: dict[bytes, tuple[Key, bytes, Caller]] = {}
        self._limits: dict[str, _Limits] = {}
        self._wrong = PeerLimit(rate_per_s=WRONG_PER_S, burst=WRONG_BURST)
        self.required = required
        self.problem = ""
        self._seen = self._mark()
        try:
            self._take(self._file.keys())
        except OSError as error:
            raise SettingsError(
                f"{self._path} cannot be read: {error.strerror}.",
                hint="Make it readable for the account that serves.",
            ) from None

    def __len__(self) -> int:
        return len(self._keys)

    def refresh(self) -> bool:
        """Look whether the file has changed (one ``stat``) and take over what it says.

        A file that has gone or is damaged changes nothing but ``problem``: keys that were asked
        for stay asked for.
        """
        mark = self._mark()
        if mark == self._seen:
            return False
        self._seen = mark
        try:
            keys = self._file.keys()
        except (OSError, SettingsError) as error:
            self.problem = f"the keys were not read anew: {error}"
            return False
        if keys is None:
            self.problem = f"{self._path} has gone; the keys that were in it stay valid"
            return False
        self.problem = ""
        self._take(keys)
        return True

    def identify(
        self, headers: Mapping[bytes, bytes], *, scope: Scope = "predict", peer: str = ""
    ) -> Caller:
        """Return who asks.

        Args:
            headers: Of the request, names in lower case.
            scope: What is asked for.
            peer: Address of the other side, for counting wrong keys.

        Raises:
            UnauthorizedError: No key, or none that is valid; nothing says which.
            RateLimitedError: This peer has shown too many wrong keys.
            ForbiddenError: The key may not do this.
        """
        if not self.required and scope != "admin":
            return ANYBODY
        shown = shown_in(headers)
        caller = None if shown is None else self.match(shown)
        if caller is None:
            if shown is not None:
                self.count_wrong(peer)
            raise UnauthorizedError(
                "this needs a valid key, and none was shown.",
                hint="Send it as Authorization: Bearer KEY, or as X-API-Key: KEY.",
            )
        if scope not in caller.scopes:
            raise ForbiddenError(
                f"the key that was shown lacks the scope {scope}.",
                hint=f"Ask the operator for one made with: seatrial keys create --scope {scope}",
            )
        return caller

    def match(self, shown: bytes) -> Caller | None:
        """Return whose key this is, in a time that says nothing about how nearly it is one."""
        digest = hashlib.sha256(shown).digest()
        key, expected, caller = self._keys.get(_id_in(shown), (None, _NOBODY, ANYBODY))
        right = hmac.compare_digest(digest, expected)
        if not right or key is None:
            return None
        return caller if key.state_at(self._clock.utc()) == "valid" else None

    def count_wrong(self, peer: str) -> None:
        """Note that a peer showed a wrong key.

        Raises:
            RateLimitedError: It has shown too many.
        """
        wait_s = self._wrong.take(peer, self._clock.now_s())
        if wait_s:
            raise _limited("too many wrong keys came from this address", wait_s)

    def enter(self, caller: Caller) -> None:
        """Count a request of a caller in; :meth:`leave` has to follow, whatever becomes of it.

        Raises:
            RateLimitedError: It asks more often, or more at one time, than its key allows. Then
                nothing was counted.
        """
        limits = self._limits.get(caller.id)
        if limits is not None:
            limits.enter(self._clock.now_s())

    def leave(self, caller: Caller) -> None:
        """Count a request out again."""
        limits = self._limits.get(caller.id)
        if limits is not None:
            limits.inflight = max(limits.inflight - 1, 0)

    def _take(self, keys: list[Key] | None) -> None:
        self._keys = {
            key.id.encode(): (
                key,
                bytes.fromhex(key.sha256),
                Caller(key.id, key.name, frozenset(key.scopes)),
            )
            for key in keys or ()
        }
        known = self._limits
        self._limits = {
            key.id: _Limits.like(key, known.get(key.id))
            for key in keys or ()
            if key.requests_per_s is not None or key.concurrency is not None
        }
        self.required = self.required or bool(keys)

    def _mark(self) -> tuple[int, ...]:
        try:
            found = os.stat(self._path)  # noqa: PTH116  (often, for ever)
        except OSError:
            return ()
        return found.st_ino, found.st_size, found.st_mtime_ns


class _Limits:
    """What one key may ask, and asks now."""

    __slots__ = ("bucket", "concurrency", "inflight")

    def __init__(self, bucket: TokenBucket | None, concurrency: float, inflight: int) -> None:
        self.bucket = bucket
        self.concurrency = concurrency
        self.inflight = inflight

    @classmethod
    def like(cls, key: Key, before: _Limits | None) -> _Limits:
        """Return the limits of a key; what it has used of them stays used."""
        bucket = None
        if key.requests_per_s is not None:
            burst = key.burst or max(math.ceil(key.requests_per_s), 1)
            bucket = TokenBucket(key.requests_per_s, burst)
            kept = before.bucket if before is not None else None
            if kept is not None and (kept.rate_per_s, kept.burst) == (key.requests_per_s, burst):
                bucket = kept
        inflight = 0 if before is None else before.inflight
        return cls(bucket, key.concurrency or math.inf, inflight)

    def enter(self, now_s: float) -> None:
        if self.inflight >= self.concurrency:
            raise _limited(f"{self.inflight} requests with this key are in flight already", 1.0)
        wait_s = self.bucket.take(now_s) if self.bucket is not None else 0.0
        if wait_s:
            raise _limited("this key has asked more often than it may", wait_s)
        self.inflight += 1


def scope_of(path: str) -> Scope | None:
    """Return what a key needs for a route, ``None`` where it needs none.

    >>> scope_of("/predict"), scope_of("/readyz")
    ('predict', None)
    """
    return None if path in OPEN_PATHS else "predict"


def shown_in(headers: Mapping[bytes, bytes]) -> bytes | None:
    """Return the key in the headers of a request; ``Authorization`` comes first.

    >>> shown_in({b"authorization": b"bearer pk_a_b"}), shown_in({b"x-api-key": b" pk_a_b "})
    (b'pk_a_b', b'pk_a_b')
    """
    scheme, _, shown = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() != b"bearer":
        shown = headers.get(b"x-api-key", b"")
    return shown.strip()[:SHOWN_MAX_BYTES] or None


def _id_in(shown: bytes) -> bytes:
    return shown[3:].partition(b"_")[0]


def _limited(what: str, wait_s: float) -> RateLimitedError:
    seconds = max(math.ceil(wait_s), 1)
    return RateLimitedError(
        f"{what}.", hint=f"Try again in {seconds} s.", details={"retry_after_s": seconds}
    )
