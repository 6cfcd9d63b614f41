"""Answers given before, and identical rows on their way: neither asks the model twice.

Both are pure: time is passed in, and nothing here waits. An entry is found by what made it (the
release, the variant, the canonical input, the parameters), so it cannot outlive a release; what is
still being made when releases are swapped lands under the key it was begun with.
"""

from __future__ import annotations

import hashlib
import math
import sys
from collections.abc import Hashable, Iterable, Mapping
from operator import attrgetter
from typing import Any, Generic, TypeVar

import cachetools
import msgspec
from msgspec import Struct

from seatrial.core.errors import CallerGoneError, DeadlineExceededError, InputError, SeatrialError
from seatrial.models.answers import Answer

Asker = TypeVar("Asker", bound=Hashable)

ENTRY_BYTES = 512
"""What holding one entry takes beside its answer, at worst: the key and its places in three
tables just after they were doubled (at most 486 in trials)."""

URL_TTL_S = 300.0
"""Age at which answers from behind a URL are forgotten: what answers there may change unseen."""

_ARRAY, _NUMBER, _TEXT, _TABLE = 1, 2, 3, 4
"""Kinds of value that MessagePack does not know, as its extension types."""


def key_of(release: str, variant: str, value: Any, parameters: Any = None) -> bytes:
    """Return the key of an answer: SHA-256 over the canonical form of all that makes it.

    Types count (1, 1.0, True and "1" are four inputs), the order of names in an object does not.

    Args:
        release: Content-addressed; for a model behind a URL it holds the declared version.
        variant: Which variant of it.
        value: One input, as a door read it: JSON values, bytes or arrays.
        parameters: Whatever else the answer depends on.

    Raises:
        InputError: The input is nested too deeply.

    >>> key_of("m@1", "original", {"a": 1, "b": 2}) == key_of("m@1", "original", {"b": 2, "a": 1})
    True
    >>> key_of("m@1", "original", 1) == key_of("m@1", "original", 1.0)
    False
    """
    made_by = (release, variant, value, parameters)
    try:
        text = _encoded(made_by)
    except RecursionError:
        raise InputError(
            "an input is nested too deeply.", hint="Send lists and objects of fewer levels."
        ) from None
    return hashlib.sha256(text).digest()


def _encoded(value: Any) -> bytes:
    try:
        return _ENCODER.encode(value)
    except (OverflowError, UnicodeEncodeError, TypeError):
        return _ENCODER.encode(_encodable(value))


class Wish(Struct, frozen=True):
    """What a caller allows.

    Attributes:
        read: It may get an answer that was made for somebody else, earlier or just now.
        write: Its answer may be kept for others.
    """

    read: bool = True
    write: bool = True


ANY = Wish()
FRESH = Wish(read=False)
PRIVATE = Wish(read=False, write=False)


def wish_of(cache_control: bytes | None) -> Wish:
    """Return what the ``Cache-Control`` of a request asks for (RFC 9111, section 5.2.1).

    >>> wish_of(None) is ANY, wish_of(b"no-cache") is FRESH, wish_of(b"No-Store") is PRIVATE
    (True, True, True)
    """
    if cache_control is None:
        return ANY
    said = {part.strip() for part in cache_control.lower().split(b",")}
    if b"no-store" in said:
        return PRIVATE
    return FRESH if said & {b"no-cache", b"max-age=0"} else ANY


class AnswerCache:
    """The answers used last, as many as fit.

    What is kept is what the model said, so that policies (abstaining, calibration) apply to a
    cached answer as to a new one. Errors have no place here; whoever gets an answer must not
    change it.

    Args:
        bytes_max: Memory for everything held, the cache's own included; 0 keeps nothing.
        ttl_s: Age at which an answer is forgotten; default never.
    """

    def __init__(self, bytes_max: int, *, ttl_s: float | None = None) -> None:
        self._held = _Held(bytes_max)
        self._ttl_s = math.inf if ttl_s is None else ttl_s

    def __len__(self) -> int:
        return len(self._held)

    @property
    def bytes_held(self) -> int:
        """Memory taken."""
        return int(self._held.currsize)

    @property
    def evictions(self) -> int:
        """Answers dropped for newer ones."""
        return self._held.evictions

    def get(self, key: bytes, *, now_s: float) -> Answer | None:
        """Return the answer under ``key``, ``None`` where there is none young enough."""
        entry: _Entry | None = self._held.get(key)
        if entry is not None and now_s < entry.expires_s:
            return entry.answer
        if entry is not None:
            del self._held[key]
        return None

    def put(self, key: bytes, answer: Answer, *, now_s: float) -> bool:
        """Keep an answer; say whether it was kept.

        One that holds NaN or infinity, is larger than the whole cache, or holds something whose
        size nobody can tell is not.
        """
        size_bytes = _size_bytes(answer)
        if size_bytes is None or size_bytes > self._held.maxsize:
            return False
        self._held[key] = _Entry(answer, size_bytes, now_s + self._ttl_s)
        return True


class Flights(Generic[Asker]):
    """Identical rows on their way to the model: the first asker leads, the others wait for it.

    An asker is one row of one request, in whatever form the shell names it. How it is used::

        if flights.join(key, asker):     # True: run it, nobody else does
            submit(asker)
        for each in flights.land(key):   # it is answered, or failed by its own fault
            settle(each, answer_or_error)
        for key, heir in flights.leave([(key, asker)]):   # its caller went, or waits no longer
            submit(heir)                 # or let what runs already land for the heir
    """

    def __init__(self) -> None:
        self._flights: dict[bytes, dict[Asker, None]] = {}

    def __len__(self) -> int:
        return len(self._flights)

    def join(self, key: bytes, asker: Asker) -> bool:
        """Take an asker in; say whether it leads, and so has to be run."""
        flight = self._flights.setdefault(key, {})
        flight[asker] = None
        return len(flight) == 1

    def leader(self, key: bytes) -> Asker | None:
        """Return who is run for all that ask for ``key``."""
        return next(iter(self._flights.get(key, ())), None)

    def land(self, key: bytes) -> list[Asker]:
        """End a flight: return everybody who gets its answer, or its error, the leader first."""
        return list(self._flights.pop(key, ()))

    def leave(self, gone: Iterable[tuple[bytes, Asker]]) -> list[tuple[bytes, Asker]]:
        """Take askers out whose callers wait no longer.

        All rows of one request leave in one call, so that none of them inherits from another.

        Returns:
            Who leads now, for every flight that lost its leader and has others in it.
        """
        orphaned = []
        for key, asker in gone:
            flight = self._flights.get(key, {})
            if asker not in flight:
                continue
            if next(iter(flight)) == asker:
                orphaned.append(key)
            del flight[asker]
            if not flight:
                del self._flights[key]
        heirs = ((key, self.leader(key)) for key in dict.fromkeys(orphaned))
        return [(key, heir) for key, heir in heirs if heir is not None]


def is_shared(error: SeatrialError) -> bool:
    """Say whether an error is about the row, so that all who asked for it get it.

    The leader's own deadline or departure is not: another one takes over.
    """
    return not isinstance(error, (CallerGoneError, DeadlineExceededError))


class _Entry(Struct, frozen=True):
    answer: Answer
    size_bytes: int
    expires_s: float


class _Held(cachetools.LRUCache[bytes, _Entry]):
    """Counts what it drops."""

    def __init__(self, bytes_max: int) -> None:
        super().__init__(bytes_max, getsizeof=attrgetter("size_bytes"))
        self.evictions = 0

    def popitem(self) -> tuple[bytes, _Entry]:
        self.evictions += 1
        return super().popitem()


def _size_bytes(answer: Answer) -> int | None:
    """Return the memory of an entry, ``None`` for what must not be kept."""
    parts = (_weight(answer.output), _weight(answer.confidence), _weight(answer.scores))
    own = ENTRY_BYTES + sys.getsizeof(answer)
    total = own + sum(parts)
    return int(total) if math.isfinite(total) else None


def _weight(value: Any) -> float:
    """Return the bytes of a value, infinite for what must not be kept."""
    kind = type(value)
    if kind is float:
        return sys.getsizeof(value) if math.isfinite(value) else math.inf
    if kind in _LEAVES:
        return sys.getsizeof(value)
    if kind is dict:
        inside = sum(_weight(name) + _weight(held) for name, held in value.items())
    elif kind is list or kind is tuple:
        inside = sum(map(_weight, value))
    else:
        return math.inf
    return sys.getsizeof(value) + inside


_LEAVES = frozenset({str, bytes, int, bool, type(None)})


def _extended(value: Any) -> Any:
    """Encode an array or one of its scalars: with its type and shape, for they count."""
    if hasattr(value, "dtype") and hasattr(value, "tobytes"):
        held = value.tolist() if value.dtype.hasobject else value.tobytes()
        told = _ENCODER.encode((value.dtype.str, value.shape, held))
        return msgspec.msgpack.Ext(_ARRAY, told)
    raise NotImplementedError(f"a {type(value).__name__} has no canonical form")


_ENCODER = msgspec.msgpack.Encoder(order="deterministic", enc_hook=_extended)


def _encodable(value: Any) -> Any:
    """Return a value with whatever MessagePack refuses (huge integers, half characters) marked."""
    if isinstance(value, (list, tuple)):
        return [_encodable(held) for held in value]
    if isinstance(value, Mapping):
        pairs = sorted(
            _ENCODER.encode((_encodable(name), _encodable(held))) for name, held in value.items()
        )
        return msgspec.msgpack.Ext(_TABLE, b"".join(pairs))
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return msgspec.msgpack.Ext(_NUMBER, b"%x" % value if value >= 0 else b"-%x" % -value)
    if isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value):
        return msgspec.msgpack.Ext(_TEXT, value.encode("utf-8", "surrogatepass"))
    return value
