"""What the log holds: one record per request row, whatever became of it, and what was said later.

Three kinds of events share the log, told apart by ``event``: a :class:`Record` is written before
its answer leaves, a :class:`Feedback` whenever somebody says what the answer should have been, a
:class:`Dropped` when the log itself had to let rows go and says how many.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

Origin = Literal["user", "warmup", "golden", "drill", "shadow", "replay"]
"""Who caused a request; only ``user`` counts in production figures."""

Status = Literal["answered", "abstained", "rejected", "timed_out", "failed", "killed", "cancelled"]
"""What became of a row: ``killed`` by the kill switch, ``cancelled`` by a caller who went away."""

Cache = Literal["off", "miss", "hit", "joined"]
"""``joined``: waited for an identical request already under way."""

Degraded = Literal["variant", "queue", "reject"]
"""The rung of the degradation ladder that was used."""

FeedbackSource = Literal["user", "review"]


def _described(description: str, unit: str = "") -> Meta:
    return Meta(description=description, extra={"unit": unit})


class Record(Struct, frozen=True, kw_only=True, tag_field="event", tag="request"):
    """One row of one request. Accuracy counts rows, latency counts requests."""

    id: Annotated[str, _described("Request id, ours; also in the X-Request-Id header")]
    row: Annotated[int, _described("Place of the row in its request, from 0")] = 0
    time: Annotated[datetime, _described("Wall time of arrival, UTC")]
    monotonic_s: Annotated[
        float | None, _described("Arrival on the server's monotonic clock", "s")
    ] = None
    origin: Annotated[Origin, _described("Who caused it; only user counts in production")]
    release: Annotated[str, _described("name@digest of what answered, or would have")]
    variant: Annotated[str, _described("Which variant of the model answered")] = "original"
    route: Annotated[str, _described("Path of the request")] = "/predict"
    input: Annotated[Any, _described("The input as it came; unset where only digests are kept")] = (
        None
    )
    input_digest: Annotated[
        str | None, _described("SHA-256 of the input's canonical JSON, where inputs are not kept")
    ] = None
    descriptors: Annotated[
        dict[str, Any] | None, _described("What the input looks like; added when sealed")
    ] = None
    output: Annotated[Any, _described("The answer")] = None
    confidence: Annotated[float | None, _described("The model's confidence in it")] = None
    scores: Annotated[dict[str, float] | None, _described("Score of each class")] = None
    status: Annotated[Status, _described("What became of it")]
    error: Annotated[str | None, _described("Error code, where it was not answered")] = None
    degraded: Annotated[Degraded | None, _described("Rung of the degradation ladder used")] = None
    cache: Annotated[Cache, _described("Whether the answer came from the cache")] = "off"
    batch_size: Annotated[
        int | None, _described("Rows in the model call that answered it", "rows")
    ] = None
    admit_ms: Annotated[float | None, _described("Parsing and admission", "ms")] = None
    queue_ms: Annotated[float | None, _described("Waiting for a worker", "ms")] = None
    model_ms: Annotated[float | None, _described("In the worker, its whole batch", "ms")] = None
    send_ms: Annotated[
        float | None, _described("From the model's answer to this record being written", "ms")
    ] = None
    total_ms: Annotated[
        float | None, _described("From arrival to this record being written", "ms")
    ] = None
    cost_usd: Annotated[float | None, _described("What this row cost", "USD")] = None
    key_id: Annotated[str | None, _described("Which key the caller showed; never the key")] = None
    sampling_probability: Annotated[
        float, _described("Chance that a row like this one was recorded with its input")
    ] = 1.0
    rating: Annotated[
        float | None, _described("Latest rating given; joined from feedback when queried")
    ] = None
    label: Annotated[
        Any, _described("Latest true answer given; joined from feedback when queried")
    ] = None

    @property
    def abstained(self) -> bool:
        """Whether the model's answer was withheld for lack of confidence."""
        return self.status == "abstained"


class Feedback(Struct, frozen=True, kw_only=True, tag_field="event", tag="feedback"):
    """What somebody said later about the answer to row ``row`` of request ``id``.

    Attributes:
        source: ``review`` where a person was shown a row that was drawn for it.
        reviewer: Who that was.
        tags: What they noted, as "wrong language".
        skipped: They looked and would not say.
    """

    id: str
    row: int = 0
    time: datetime
    label: Any = None
    rating: float | None = None
    source: FeedbackSource = "user"
    key_id: str | None = None
    reviewer: str | None = None
    tags: tuple[str, ...] = ()
    skipped: bool = False


class Dropped(Struct, frozen=True, kw_only=True, tag_field="event", tag="dropped"):
    """The log could not be written for a while, and this many events were let go."""

    time: datetime
    count: int


Event = Record | Feedback | Dropped


class FieldRow(Struct, frozen=True):
    """One field of the record, for documentation."""

    name: str
    type: str
    description: str
    unit: str


def table() -> Iterator[FieldRow]:
    """Yield every field of :class:`Record`, in the order of the columns.

    >>> [row.name for row in table()][:3]
    ['id', 'row', 'time']
    """
    for entry in msgspec.structs.fields(Record):
        kind: Any = msgspec.inspect.type_info(entry.type)
        description, unit = "", ""
        while isinstance(kind, msgspec.inspect.Metadata):
            description = (kind.extra_json_schema or {}).get("description", description)
            unit = (kind.extra or {}).get("unit", unit)
            kind = kind.type
        yield FieldRow(entry.name, _type_name(kind), description, unit)


def _type_name(kind: Any) -> str:
    if isinstance(kind, msgspec.inspect.Metadata):
        return _type_name(kind.type)
    if isinstance(kind, msgspec.inspect.UnionType):
        parts = (_type_name(part) for part in kind.types)
        return " or ".join(part for part in parts if part != "unset") + ", or unset"
    if isinstance(kind, msgspec.inspect.LiteralType):
        return ", ".join(str(value) for value in kind.values)
    names = {
        "StrType": "text",
        "IntType": "whole number",
        "FloatType": "number",
        "DateTimeType": "time",
        "DictType": "object",
        "AnyType": "any JSON",
        "NoneType": "unset",
    }
    return names.get(type(kind).__name__, type(kind).__name__)
