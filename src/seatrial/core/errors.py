"""Every error seatrial raises on purpose, in one tree.

    SeatrialError
    ├── UsageError                     the caller asked for something that cannot be done (exit 2)
    │   ├── SettingsError              a setting is unknown, of the wrong type or missing
    │   ├── UnknownNameError           a name that is not in the list of known ones
    │   ├── DataError                  a data file cannot be used as configured
    │   ├── UnauthorizedError          no key, or none that is valid
    │   ├── ForbiddenError             a valid key that may not do this
    │   ├── ConflictError              somebody else changed it meanwhile
    │   └── InputError                 one request or one row is malformed
    │       ├── BodyTooLargeError      a request is larger than the server accepts
    │       ├── HeadTooLargeError      the headers of a request are
    │       ├── QuarantinedError       an input that has killed workers is not tried again
    │       └── MalformedBodyError     a request body is not JSON at all
    ├── EnvironmentMismatchError       this machine lacks something (exit 3)
    │   ├── MissingLibraryError        an optional library is not installed
    │   ├── UntrustedCodeError         a file carries code that nobody has trusted
    │   └── UnreachableError           a service that should answer does not
    ├── ModelError                     the user's model misbehaved (exit 1)
    │   ├── ModelLoadError             it could not be loaded
    │   ├── ModelRaisedError           it raised while answering
    │   ├── OutputContractError        it returned too few, too many or misshapen answers
    │   ├── NonFiniteOutputError       it answered NaN or infinity
    │   └── NotConvertibleError        a cheaper version of it cannot be made
    └── ServingError                   the server could not answer in time (retry may help)
        ├── OverloadedError            the queue is full
        ├── RateLimitedError           one caller asks more than it may
        ├── KilledError                an operator has switched answering off
        ├── DeadlineExceededError      the caller's deadline passed
        ├── CallerGoneError            the caller went away before there was an answer
        └── WorkerLostError            the process that ran the model died

A message gives what was received, what is accepted and what to do; the last part is the hint.
Exit and HTTP status are properties of the class, so that no caller invents its own.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar


class SeatrialError(Exception):
    """Base of all errors raised on purpose.

    Args:
        message: What was received and what is accepted, one sentence, no traceback.
        hint: What to do about it.
        details: Named facts for machines (a row number, a column, a JSON pointer).
    """

    code: ClassVar[str] = "internal"
    exit_status: ClassVar[int] = 1
    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(
        self, message: str, *, hint: str = "", details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details: dict[str, Any] = dict(details or {})

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class UsageError(SeatrialError):
    """The caller asked for something that cannot be done."""

    code = "usage"
    exit_status = 2
    http_status = 400


class SettingsError(UsageError):
    """A setting is unknown, of the wrong type, out of range or missing."""

    code = "settings-invalid"


class UnknownNameError(UsageError):
    """A name that is not in the list of known ones; suggests the nearest."""

    code = "name-unknown"
    http_status = 404

    @classmethod
    def of(cls, what: str, received: str, known: Iterable[str]) -> UnknownNameError:
        """Build the error for ``received``, listing the ``known`` names of that kind."""
        names = sorted(known)
        return cls(
            f"unknown {what} {received!r}; known: {', '.join(names) or 'none'}.",
            hint=nearest(received, names),
            details={"received": received, "known": names},
        )


class DataError(UsageError):
    """A data file is missing, unreadable, empty, or lacks what the settings name."""

    code = "data-invalid"


class UnauthorizedError(UsageError):
    """A caller shows no key, or none that is valid."""

    code = "unauthorized"
    http_status = 401


class ForbiddenError(UsageError):
    """A caller shows a valid key, which may not do this."""

    code = "forbidden"
    http_status = 403


class ConflictError(UsageError):
    """What was to be changed is not what it was when the caller looked."""

    code = "conflict"
    http_status = 409


class InputError(UsageError):
    """One request or one row is malformed."""

    code = "input-invalid"
    http_status = 422


class BodyTooLargeError(InputError):
    """A request is larger than the server accepts."""

    code = "body-too-large"
    http_status = 413


class HeadTooLargeError(InputError):
    """The headers of a request are larger than the server accepts."""

    code = "head-too-large"
    http_status = 431


class QuarantinedError(InputError):
    """An input that has killed model processes; it is not tried again."""

    code = "input-quarantined"
    http_status = 422


class MalformedBodyError(InputError):
    """A request body is not JSON at all."""

    code = "body-malformed"
    http_status = 400


class EnvironmentMismatchError(SeatrialError):
    """This machine lacks something that the work needs."""

    code = "environment-mismatch"
    exit_status = 3


class MissingLibraryError(EnvironmentMismatchError):
    """An optional library is not installed."""

    code = "library-missing"

    @classmethod
    def of(cls, library: str, *, purpose: str, extra: str) -> MissingLibraryError:
        """Build the error for ``library``, needed for ``purpose`` and part of ``extra``."""
        return cls(
            f"{library} is not installed; it is needed to {purpose}.",
            hint=f"Install it with: pip install 'seatrial[{extra}]'",
            details={"library": library, "extra": extra},
        )


class UntrustedCodeError(EnvironmentMismatchError):
    """A file carries code (pickle, joblib, Python) that nobody has said they trust."""

    code = "code-untrusted"
    http_status = 403


class UnreachableError(EnvironmentMismatchError):
    """A service that should answer does not, or a port cannot be had."""

    code = "unreachable"
    http_status = 502
    retryable = True


class ModelError(SeatrialError):
    """The user's model misbehaved."""

    code = "model"


class ModelLoadError(ModelError):
    """The model could not be loaded."""

    code = "model-load"


class ModelRaisedError(ModelError):
    """The model raised while answering; ``details['row']`` names the row where it is known."""

    code = "model-error"


class OutputContractError(ModelError):
    """The model returned too few, too many or misshapen answers."""

    code = "output-contract"


class NonFiniteOutputError(ModelError):
    """The model answered NaN or infinity."""

    code = "non-finite-output"


class NotConvertibleError(ModelError):
    """A cheaper version of the model cannot be made; the message says why."""

    code = "not-convertible"


class ServingError(SeatrialError):
    """The server could not answer; trying again later may help."""

    code = "serving"
    http_status = 503
    retryable = True


class OverloadedError(ServingError):
    """The queue is full."""

    code = "overloaded"


class RateLimitedError(ServingError):
    """One caller asks more than its key allows, or showed too many wrong keys."""

    code = "rate-limited"
    http_status = 429


class KilledError(ServingError):
    """An operator has switched answering off; see ``seatrial kill``."""

    code = "killed"


class DeadlineExceededError(ServingError):
    """The caller's deadline passed before there was an answer."""

    code = "deadline-exceeded"
    http_status = 504


class CallerGoneError(ServingError):
    """The caller went away before there was an answer; nobody sees this but the log."""

    code = "caller-gone"
    http_status = 499


class WorkerLostError(ServingError):
    """The process that ran the model died while it held this request."""

    code = "worker-lost"
    http_status = 502


def nearest(received: str, known: Iterable[str]) -> str:
    """Say which known name was probably meant, or nothing where none is close.

    >>> nearest("bugdet", ["budget", "model"])
    'Did you mean "budget"?'
    >>> nearest("xyz", ["budget", "model"])
    ''
    """
    close = difflib.get_close_matches(received, list(known), n=1, cutoff=0.6)
    return f'Did you mean "{close[0]}"?' if close else ""


def tree(root: type[SeatrialError] = SeatrialError) -> dict[str, type[SeatrialError]]:
    """Return every error class by name, the root first."""
    found = {root.__name__: root}
    for child in root.__subclasses__():
        found.update(tree(child))
    return found


def from_wire(code: str, message: str, *, hint: str = "", details: Any = None) -> SeatrialError:
    """Rebuild an error that another process sent as data; unknown codes give the base class."""
    classes = {cls.code: cls for cls in reversed(list(tree().values()))}
    cls = classes.get(code, SeatrialError)
    return cls(message, hint=hint, details=details if isinstance(details, dict) else None)
