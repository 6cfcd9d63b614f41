"""Request bodies that came compressed: inflated as far as a body may be large, and no further."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from seatrial.core.errors import BodyTooLargeError, MalformedBodyError
from seatrial.serve.doors.headers import shown, unsupported

_WINDOWS = {
    b"gzip": 16 + zlib.MAX_WBITS,
    b"x-gzip": 16 + zlib.MAX_WBITS,
    b"deflate": zlib.MAX_WBITS,
}


def inflated(headers: Mapping[bytes, bytes], body: bytes, *, max_bytes: int) -> bytes:
    """Return the body without its ``Content-Encoding``: gzip, deflate or none.

    Raises:
        InputError: Another encoding; status 415.
        MalformedBodyError: It does not inflate, or has not ended where it should.
        BodyTooLargeError: It would be larger than ``max_bytes``; the rest is not inflated.

    >>> inflated({b"content-encoding": b"deflate"}, zlib.compress(b"{}"), max_bytes=10)
    b'{}'
    """
    said = headers.get(b"content-encoding")
    if said is None or (encoding := said.strip().lower()) in {b"", b"identity"}:
        return body
    if encoding not in _WINDOWS:
        raise unsupported(f"content-encoding {shown(said)}; accepted are gzip and deflate")
    inflating = zlib.decompressobj(_WINDOWS[encoding])
    try:
        whole = inflating.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise _broken(str(error)) from None
    if len(whole) > max_bytes:
        raise BodyTooLargeError(
            f"the body is too large: it inflates to more than {max_bytes} bytes.",
            hint="Send fewer rows in one request, or raise serving.body_max_mib.",
            details={"limit": max_bytes},
        )
    if not inflating.eof or inflating.unused_data:
        raise _broken("it ends too early, or something follows it")
    return whole


def _broken(why: str) -> MalformedBodyError:
    return MalformedBodyError(
        f"the body does not inflate: {why}.", hint="Send it without Content-Encoding."
    )
