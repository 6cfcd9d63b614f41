"""The native door: ``POST /predict``, plain JSON, errors as RFC 9457 problem documents."""

from __future__ import annotations

from typing import Any

from seatrial.core.errors import SeatrialError
from seatrial.core.settings import InputKind
from seatrial.serve import problems
from seatrial.serve.doors import headers
from seatrial.serve.doors.door import (
    Reading,
    Request,
    Response,
    check_rows,
    confidence_header,
)
from seatrial.serve.doors.signature import Signature, Signatures
from seatrial.serve.identifiers import ROWS_MAX
from seatrial.serve.messages import PredictAnswer, Result, encode
from seatrial.serve.parsing import PredictParser, row_pointer, rows_seen

_CONTENT_TYPE = (b"content-type", headers.JSON)


class NativeDoor:
    """Reads and answers ``POST /predict`` for a model of one input kind.

    Args:
        kind: What one input is.
        rows_max: Most rows of one request.
        signature: Knows the columns that records must have.

    >>> door = NativeDoor("text")
    >>> asked = door.read(Request("POST", "/predict", "", {}, b'{"input": "good"}'))
    >>> asked.rows
    ['good']
    >>> told = door.answer(asked, id="7", release="m@1", results=[Result("yes", 0.5, None, False)])
    >>> told.body.decode()[:57]
    '{"id":"7","release":"m@1","results":[{"output":"yes","con'
    """

    def __init__(
        self, kind: InputKind, *, rows_max: int = ROWS_MAX, signature: Signatures | None = None
    ) -> None:
        self.route = "/predict"
        self.defers = True
        unknown = Signature(kind, "classification")
        self._rows = PredictParser(kind).rows
        self._rows_max = rows_max
        self._signature = signature or (lambda: unknown)

    def read(self, request: Request) -> Reading:
        """Return what a request asks; see :class:`seatrial.serve.doors.door.Door`."""
        headers.check_media_type(request.headers)
        timeout_s = headers.timeout_s(request.headers)
        rows = self._rows(request.body)
        if len(rows) > self._rows_max:
            check_rows(len(rows), rows_max=self._rows_max)
        table = self._signature().table
        if table is not None and (misfit := table.misfit(rows)) is not None:
            raise table.refused(misfit, record=row_pointer(request.body, misfit.row))
        return Reading(rows, timeout_s)

    def seen(self, request: Request) -> list[Any]:
        """Return the rows of a refused request; see :class:`seatrial.serve.doors.door.Door`."""
        return rows_seen(request.body)[: self._rows_max]

    def answer(
        self,
        reading: Reading,  # noqa: ARG002  (of the seam)
        *,
        id: str,  # noqa: A002  (its name on the wire)
        release: str,
        results: list[Result],
    ) -> Response:
        """Return the response that carries the results."""
        body = encode(PredictAnswer(id, release, results))
        return Response(200, [_CONTENT_TYPE, *confidence_header(results)], body)

    def refuse(self, error: SeatrialError, *, id: str, release: str) -> Response:  # noqa: A002
        """Return the problem document of an error."""
        body = problems.document(error, request=id, release=release)
        return Response(problems.status_of(error), problems.headers(error), body)
