"""The review sample as Label Studio's JSON: tasks out, tasks with annotations back.

A label is a result named ``label``, of the type ``choices``, ``number`` or ``textarea``; tags are
``choices`` or a ``textarea`` named ``tags``; a cancelled annotation is a skipped row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import msgspec
from msgspec import Struct

from seatrial.core.errors import DataError
from seatrial.records.reviewing import ReviewLabel, ReviewRow
from seatrial.web.pictures import Picture
from seatrial.web.question import UNKNOWN_RIGHT, Question
from seatrial.web.shown import plain, shown
from seatrial.web.transfer import Incoming

LABEL, TAGS, INPUT = "label", "tags", "input"
"""Names of the controls and of what they are about."""

TYPES = {"choices": "choices", "typed": "choices", "number": "number", "judged": "textarea"}


class Person(Struct, frozen=True):
    """Who annotated, as some exports tell it."""

    email: str = ""
    id: int | str = ""


class Result(Struct, frozen=True):
    """One answer of an annotation."""

    from_name: str = ""
    type: str = ""
    value: dict[str, Any] = {}


class Annotation(Struct, frozen=True):
    """What one person said about a task; ``reviewer`` is ours, others leave it out."""

    result: list[Result] = []
    was_cancelled: bool = False
    completed_by: Person | int | str | None = None
    reviewer: str = ""


class Task(Struct, frozen=True):
    """One row."""

    data: dict[str, Any]
    annotations: list[Annotation] = []


def write(file: BinaryIO, rows: Iterable[ReviewRow], *, asked: Question, answers: bool) -> int:
    """Write rows as tasks; return how many.

    Args:
        file: Open for writing.
        rows: Of the sample.
        asked: What reviewers are asked.
        answers: Show what the model said, which leads those who label.
    """
    count = 0
    for row in rows:
        file.write(b"[\n" if not count else b",\n")
        file.write(msgspec.json.encode(_task(row, asked, answers=answers)))
        count += 1
    file.write(b"\n]\n" if count else b"[]\n")
    return count


def _task(row: ReviewRow, asked: Question, *, answers: bool) -> dict[str, Any]:
    data: dict[str, Any] = {
        "seatrial_id": row.id,
        "seatrial_row": row.row,
        INPUT: _input(row.input, asked),
        "status": row.status,
        "stratum": row.stratum,
        "probability": row.probability,
    }
    if answers:
        data |= {"output": row.output, "confidence": row.confidence}
    given = sorted(row.labels.values(), key=lambda one: one.reviewer)
    return {"data": data, "annotations": [_annotation(one, asked) for one in given]}


def _input(value: Any, asked: Question) -> Any:
    if asked.kind == "image" and isinstance(picture := shown(value, kind="image"), Picture):
        return picture.url
    if asked.kind == "chat" and isinstance(value, list):
        return [
            {"author": str(one.get("role", "")), "text": plain(one.get("content", ""))}
            for one in value
            if isinstance(one, dict)
        ]
    return value if isinstance(value, (str, dict)) else plain(value)


def _annotation(given: ReviewLabel, asked: Question) -> dict[str, Any]:
    results = []
    if given.label is not None:
        kind = TYPES[asked.mode]
        value = given.label if kind == "number" else [plain(given.label)]
        results.append(_result(LABEL, kind, value))
    if given.tags:
        results.append(_result(TAGS, "choices", list(given.tags)))
    return {
        "result": results,
        "was_cancelled": given.skipped,
        "created_at": given.time.isoformat(),
        "reviewer": given.reviewer,
    }


def _result(name: str, kind: str, value: Any) -> dict[str, Any]:
    key = "text" if kind == "textarea" else kind
    return {"from_name": name, "to_name": INPUT, "type": kind, "value": {key: value}}


def read(file: BinaryIO) -> Iterator[Incoming]:
    """Yield every annotation of a file.

    Raises:
        DataError: It is no such file.
    """
    try:
        tasks = msgspec.json.decode(file.read(), type=list[Task])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(
            f"the file is no list of Label Studio tasks: {error}.",
            hint="Export it from Label Studio as JSON (not JSON-MIN).",
        ) from None
    for number, task in enumerate(tasks, 1):
        for annotation in task.annotations:
            yield _incoming(task, annotation, f"task {number}")


def _incoming(task: Task, annotation: Annotation, place: str) -> Incoming:
    id_, row = task.data.get("seatrial_id"), task.data.get("seatrial_row")
    if not isinstance(id_, str) or not isinstance(row, int) or isinstance(row, bool):
        raise DataError(
            f"{place} has no seatrial_id and seatrial_row in its data.",
            hint="Import into Label Studio what --export wrote: they say which row it is.",
        )
    text: str | None = None
    value: Any = None
    tags: tuple[str, ...] = ()
    for result in annotation.result:
        said = _said(result)
        if result.from_name == TAGS:
            tags = tuple(map(str, said))
        elif result.from_name == LABEL:
            if len(said) > 1 or text is not None or value is not None:
                raise DataError(
                    f"{place} has more than one label.", hint="Let one label be chosen."
                )
            if result.type == "number":
                value = said[0] if said else None
            else:
                text = str(said[0]) if said else None
    return Incoming(
        place=place,
        id=id_,
        row=row,
        reviewer=_reviewer(annotation),
        text=UNKNOWN_RIGHT if text == "" else text,
        value=value,
        tags=tags,
        skipped=annotation.was_cancelled,
    )


def _said(result: Result) -> list[Any]:
    value = result.value.get("text" if result.type == "textarea" else result.type, [])
    return value if isinstance(value, list) else [value]


def _reviewer(annotation: Annotation) -> str:
    who = annotation.completed_by
    if annotation.reviewer or who is None:
        return annotation.reviewer
    if isinstance(who, Person):
        return who.email or f"user {who.id}"
    return who if isinstance(who, str) else f"user {who}"
