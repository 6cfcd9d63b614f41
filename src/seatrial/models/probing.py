"""Finds out how a service is asked and answers, by asking it a few times.

Used where a URL comes without a template, or with a request template alone. What is found is a
template like any other, so that it can be shown and written down.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from seatrial.core.errors import ModelError, SettingsError
from seatrial.core.settings import InputKind
from seatrial.models.endpoint import Endpoint
from seatrial.models.template import Template, shown

BODIES: Final[Mapping[str, tuple[str, ...]]] = {
    "text": ('{"inputs": "$inputs"}', '{"text": "$input"}', '{"input": "$input"}'),
    "record": ('{"inputs": "$inputs"}', '"$input"', '{"input": "$input"}'),
    "array": ('{"inputs": "$inputs"}', '{"input": "$input"}'),
}
"""Request templates that are tried, by input kind."""

LISTS: Final = ("results", "outputs", "predictions", "answers", "labels", "classes", "output")
OUTPUTS: Final = (
    "output", "label", "prediction", "predicted", "class", "class_name", "category", "answer",
    "value", "result",
)  # fmt: skip
CONFIDENCES: Final = ("confidence", "score", "probability", "prob")
SCORES: Final = ("scores", "probabilities", "probs")
"""Names under which services give answers; where several are present, the first counts."""

NOT_THERE: Final = frozenset({404, 405})
NOT_ALLOWED: Final = frozenset({401, 403})
ROWS: Final = 2
"""Inputs sent to an endpoint that takes lists: one would not tell its list from others."""


def find_template(
    endpoint: Endpoint, *, sample: Any, kind: InputKind, body: str | None = None
) -> Template:
    """Return a template that fits an endpoint.

    Args:
        endpoint: Asked a few times.
        sample: An input to ask with.
        kind: What one input is.
        body: The only request template to try; default: those of :data:`BODIES`, and the field
            that a refusal of FastAPI or pydantic says is missing.

    Raises:
        SettingsError: None fits; says what was tried and what came back.
        ModelRaisedError: It wants credentials.
        UnreachableError: Nothing answers there.
        ServingError: It is overloaded or too slow.
    """
    waiting = [body] if body else list(BODIES.get(kind, BODIES["array"]))
    tried: list[str] = []
    for text in _growing(waiting):
        request = Template.request_only(text)
        rows = ROWS if request.takes_batches else 1
        try:
            document = endpoint.post(request.request([sample] * rows))
        except ModelError as error:
            if error.details.get("status") in NOT_ALLOWED:
                raise
            tried.append(f"{text}: {error.message}")
            if error.details.get("status") in NOT_THERE:
                break
            waiting += [] if body else _named(error.details.get("answer"), besides=waiting)
            continue
        pattern = answer_pattern(document, rows=rows if request.takes_batches else None)
        if pattern is not None:
            return Template(body=text, answer=json.dumps(pattern))
        tried.append(f"{text}: the answer {shown(document)} is of no known shape")
    raise SettingsError(
        f"{endpoint.url} is asked in a way that was not found out; tried {'; '.join(tried)}",
        hint='Say how it is asked and what it answers: --body \'{"text": "$input"}\' --answer '
        '\'{"label": "$output"}\' ("$inputs" and "$outputs" where it takes lists), or '
        "endpoint.body and endpoint.answer in seatrial.toml.",
    )


def answer_pattern(document: Any, *, rows: int | None) -> Any:
    """Return the answer pattern that a response suggests, or ``None``.

    Args:
        document: A response.
        rows: How many inputs it answers; ``None`` where the endpoint takes one.

    >>> answer_pattern({"predictions": ["a", "b"], "took": 3}, rows=2)
    {'predictions': '$outputs'}
    >>> answer_pattern([{"label": "a", "score": 0.5}], rows=None)
    [{'label': '$output', 'score': '$confidence'}]
    """
    if rows is not None:
        return _many(document, rows)
    if isinstance(document, list):
        inner = _one(document[0]) if len(document) == 1 else None
        return None if inner is None else [inner]
    return _one(document)


def _growing(texts: list[str]) -> Iterator[str]:
    """Yield what is in the list, and what is added to it meanwhile."""
    place = 0
    while place < len(texts):
        yield texts[place]
        place += 1


def _named(refusal: Any, *, besides: Sequence[str]) -> list[str]:
    """Return templates for the one body field that a validation error says is missing."""
    errors = refusal.get("detail") if isinstance(refusal, Mapping) else None
    fields = {
        error["loc"][1]
        for error in (errors if isinstance(errors, list) else [])
        if isinstance(error, Mapping)
        and error.get("type") in {"missing", "value_error.missing"}
        and isinstance(error.get("loc"), list)
        and len(error["loc"]) == 2  # noqa: PLR2004  (["body", field])
        and error["loc"][0] == "body"
    }
    if len(fields) != 1:
        return []
    field = fields.pop()
    found = [json.dumps({field: "$inputs"}), json.dumps({field: "$input"})]
    return [text for text in found if text not in besides]


def _many(document: Any, rows: int) -> Any:
    if isinstance(document, list):
        inner = _one(document[0]) if len(document) == rows else None
        return None if inner is None else "$outputs" if inner == "$output" else [inner]
    if not isinstance(document, Mapping):
        return None
    lists = {
        name: value
        for name, value in document.items()
        if isinstance(value, list) and len(value) == rows
    }
    name = next((name for name in LISTS if name in lists), None)
    if name is None and len(lists) == 1:
        name = next(iter(lists))
    if name is None:
        return _nested(document, rows)
    inner = _many(lists[name], rows)
    if inner != "$outputs":
        return None if inner is None else {name: inner}
    beside = next((key for key in _plural(lists) if key != name and _numbers(lists[key])), None)
    return {name: inner} | ({beside: "$confidences"} if beside else {})


def _nested(document: Mapping[str, Any], rows: int) -> Any:
    for name, value in document.items():
        inner = _many(value, rows) if isinstance(value, Mapping) else None
        if inner is not None:
            return {name: inner}
    return None


def _plural(lists: Mapping[str, Any]) -> list[str]:
    names = [*CONFIDENCES, *(f"{name}s" for name in CONFIDENCES), *SCORES]
    return [name for name in names if name in lists]


def _one(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return None if value is None else "$output"
    name = next((name for name in OUTPUTS if name in value), None)
    if name is None and len(value) == 1 and _numbers(list(value.values())):
        name = next(iter(value))
    if name is None:
        return None
    if isinstance(value[name], Mapping):
        inner = _one(value[name])
        return None if inner is None else {name: inner}
    pattern = {name: "$output"}
    confidence = next((key for key in CONFIDENCES if key in value and _numbers([value[key]])), None)
    if confidence is not None:
        pattern[confidence] = "$confidence"
    scores = next((key for key in SCORES if key in value and _by_class(value[key])), None)
    if scores is not None:
        pattern[scores] = "$scores"
    return pattern


def _numbers(values: Any) -> bool:
    return all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in values)


def _by_class(value: Any) -> bool:
    return isinstance(value, Mapping) and _numbers(value.values())
