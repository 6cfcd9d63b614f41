"""JSON templates: how any HTTP endpoint is asked, and where its answer holds the outputs.

A request template is JSON with one of these strings where inputs go:

- ``"$inputs"``: the list of all inputs, so that one request carries a whole batch;
- ``"$each"`` inside a one-element list: that element once per input
  (``{"instances": [{"text": "$each"}]}``), also a whole batch;
- ``"$input"``: one input, so that every input becomes a request of its own.

``"$n"`` is the number of inputs. ``"$input.age"`` and ``"$each.age"`` are one column of a record.

An answer pattern mirrors the response: objects are matched key by key (further keys are passed
over), ``null`` matches anything, and any other constant must be there as written. It holds

- ``"$outputs"``: the list of all outputs (optionally ``"$confidences"``, a list beside it); or
- a one-element list whose element holds ``"$output"``, ``"$confidence"``, ``"$scores"``: that
  element is matched against every element of the response's list; or
- ``"$output"`` outside a list, where a request carries one input.

A string that begins with ``$$`` stands for the same text with one ``$``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from seatrial.core.errors import InputError, OutputContractError, SettingsError

MANY: Final = ("$inputs", "$each")
ONE: Final = "$input"
COUNT: Final = "$n"
ANSWERS: Final = ("$outputs", "$confidences", "$output", "$confidence", "$scores")
SHOWN: Final = 120
"""Characters of a foreign value shown in a message."""


class Codec(Protocol):
    """Between inputs and the JSON of an endpoint."""

    takes_batches: bool

    def request(self, inputs: list[Any]) -> Any:
        """Return the document to send for these inputs."""
        ...

    def answers(self, document: Any) -> list[Any]:
        """Return the raw answers in a response, for :func:`seatrial.models.answers.normalise`."""
        ...


class Template:
    """A request template and the pattern of its answer.

    Args:
        body: Request template, as JSON text.
        answer: Answer pattern, as JSON text.

    Raises:
        SettingsError: Not JSON, or it does not say where inputs or outputs go.

    >>> template = Template(body='{"texts": "$inputs"}', answer='{"labels": "$outputs"}')
    >>> template.request(["good", "bad"])
    {'texts': ['good', 'bad']}
    >>> template.answers({"labels": [1, 0], "took_ms": 3})
    [1, 0]
    """

    def __init__(self, *, body: str, answer: str) -> None:
        self.body, self.answer = body, answer
        self._body = _parsed(body, "body")
        self._answer = _parsed(answer, "answer")
        self.takes_batches = _takes_batches(self._body)
        _check_answer(self._answer, takes_batches=self.takes_batches)

    @classmethod
    def request_only(cls, body: str) -> Template:
        """Return a template whose answer is not known yet: it asks, and reads everything as one.

        >>> Template.request_only('{"text": "$input"}').request(["good"])
        {'text': 'good'}
        """
        many = _takes_batches(_parsed(body, "body"))
        return cls(body=body, answer='"$outputs"' if many else '"$output"')

    def request(self, inputs: list[Any]) -> Any:
        """Return the document to send.

        Raises:
            InputError: The template names a column that a record lacks.
        """
        return _fill(self._body, inputs)

    def answers(self, document: Any) -> list[Any]:
        """Return the raw answers in a response.

        Raises:
            OutputContractError: The response does not fit the pattern; says where.
        """
        found = _match(self._answer, document, "")
        if "$outputs" in found:
            return _paired(found)
        if "rows" in found:
            return [_answer(row) for row in found["rows"]]
        return [_answer(found)]


def _parsed(text: str, what: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise SettingsError(
            f"endpoint.{what} is not JSON: {error}; received {text[:SHOWN]!r}.",
            hint='Placeholders are JSON strings too: {"inputs": "$inputs"}',
        ) from None


def _strings(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, Mapping):
        for value in node.values():
            yield from _strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from _strings(value)


def _placeholders(node: Any, known: Sequence[str], what: str) -> set[str]:
    found = set()
    for text in _strings(node):
        if not text.startswith("$") or text.startswith("$$"):
            continue
        name = text.partition(".")[0] if what == "body" else text
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise SettingsError(
                f"endpoint.{what} holds {text!r}; known: {', '.join(known)}.",
                hint=f'Did you mean "{near[0]}"?' if near else 'Write "$$" for a plain "$".',
            )
        found.add(name)
    return found


def _takes_batches(body: Any) -> bool:
    found = _placeholders(body, (*MANY, ONE, COUNT), "body") - {COUNT}
    if len(found) != 1:
        raise SettingsError(
            f"endpoint.body holds {' and '.join(sorted(found)) or 'no placeholder for inputs'}; "
            f'accepted is exactly one of "$inputs" (all, as a list), "$each" (in a one-element '
            f'list) and "{ONE}" (one per request).',
            hint='For example: {"inputs": "$inputs"}',
        )
    if "$each" in found and not any(_is_mapped(node, "$each") for node in _lists(body)):
        raise SettingsError(
            'endpoint.body holds "$each" outside a one-element list; accepted is a list whose one '
            "element is repeated for every input.",
            hint='For example: {"instances": [{"text": "$each"}]}',
        )
    return found != {ONE}


def _lists(node: Any) -> Iterator[list[Any]]:
    if isinstance(node, list):
        yield node
    children = node.values() if isinstance(node, Mapping) else node
    if isinstance(node, (Mapping, list)):
        for child in children:
            yield from _lists(child)


def _is_mapped(node: Any, placeholder: str) -> bool:
    return (
        isinstance(node, list)
        and len(node) == 1
        and any(text.partition(".")[0] == placeholder for text in _strings(node))
    )


def _check_answer(answer: Any, *, takes_batches: bool) -> None:
    found = _placeholders(answer, ANSWERS, "answer")
    outputs = sum(text in {"$outputs", "$output"} for text in _strings(answer))
    if outputs != 1:
        raise SettingsError(
            f'endpoint.answer holds {outputs} of "$outputs" and "$output"; accepted is one.',
            hint='For example: {"results": [{"label": "$output", "score": "$confidence"}]}',
        )
    mapped = any(_is_mapped(node, "$output") for node in _lists(answer))
    if takes_batches and "$output" in found and not mapped:
        raise SettingsError(
            'endpoint.body sends many inputs, endpoint.answer holds "$output" outside a list; '
            'accepted is "$outputs", or a one-element list that holds "$output".',
            hint='For example: [{"label": "$output"}]',
        )


def _fill(node: Any, inputs: list[Any]) -> Any:
    if isinstance(node, Mapping):
        return {key: _fill(value, inputs) for key, value in node.items()}
    if isinstance(node, list):
        if _is_mapped(node, "$each"):
            return [_fill_one(node[0], value, "$each") for value in inputs]
        return [_fill(value, inputs) for value in node]
    if node == "$inputs":
        return list(inputs)
    if node == COUNT:
        return len(inputs)
    return _fill_one(node, inputs[0] if inputs else None, ONE)


def _fill_one(node: Any, value: Any, placeholder: str) -> Any:
    if isinstance(node, Mapping):
        return {key: _fill_one(child, value, placeholder) for key, child in node.items()}
    if isinstance(node, list):
        return [_fill_one(child, value, placeholder) for child in node]
    if not isinstance(node, str):
        return node
    name, _, column = node.partition(".")
    if name != placeholder:
        return node[1:] if node.startswith("$$") else node
    if not column:
        return value
    if not isinstance(value, Mapping) or column not in value:
        raise InputError(
            f"endpoint.body names the column {column!r}; received "
            f"{sorted(value) if isinstance(value, Mapping) else type(value).__name__}.",
            hint="Mend endpoint.body, or add the column to [eval] input.",
        )
    return value[column]


def _match(pattern: Any, document: Any, place: str) -> dict[str, Any]:
    """Return what the placeholders of ``pattern`` stand for in ``document``."""
    if isinstance(pattern, str) and pattern in ANSWERS:
        return {pattern: document}
    if isinstance(pattern, Mapping):
        if not isinstance(document, Mapping):
            raise _misfit(place, "an object", document)
        found: dict[str, Any] = {}
        for key, child in pattern.items():
            if key not in document:
                if _is_optional(child):
                    continue
                raise _misfit(place, f"the key {key!r}", document)
            found |= _match(child, document[key], f"{place}/{key}")
        return found
    if isinstance(pattern, list):
        return _match_list(pattern, document, place)
    if pattern is not None and document != _plain(pattern):
        raise _misfit(place, repr(_plain(pattern)), document)
    return {}


def _match_list(pattern: list[Any], document: Any, place: str) -> dict[str, Any]:
    if not isinstance(document, list):
        raise _misfit(place, "a list", document)
    if _is_mapped(pattern, "$output"):
        rows = [_match(pattern[0], row, f"{place}/{index}") for index, row in enumerate(document)]
        return {"rows": rows}
    if len(document) < len(pattern):
        raise _misfit(place, f"a list of at least {len(pattern)}", document)
    found: dict[str, Any] = {}
    for index, child in enumerate(pattern):
        found |= _match(child, document[index], f"{place}/{index}")
    return found


def _is_optional(pattern: Any) -> bool:
    return pattern in ("$confidence", "$scores", "$confidences", None)


def _plain(pattern: Any) -> Any:
    return pattern[1:] if isinstance(pattern, str) and pattern.startswith("$$") else pattern


def _answer(found: Mapping[str, Any]) -> Any:
    if set(found) == {"$output"}:
        return found["$output"]
    return {name[1:]: value for name, value in found.items()}


def _paired(found: Mapping[str, Any]) -> list[Any]:
    outputs = found["$outputs"]
    if not isinstance(outputs, list):
        raise _misfit("$outputs", "a list", outputs)
    confidences = found.get("$confidences")
    if confidences is None:
        return outputs
    if not isinstance(confidences, list) or len(confidences) != len(outputs):
        raise _misfit("$confidences", f"a list of {len(outputs)}", confidences)
    return [
        {"output": output, "confidence": confidence}
        for output, confidence in zip(outputs, confidences, strict=True)
    ]


def _misfit(place: str, expected: str, received: Any) -> OutputContractError:
    where = place or "the top"
    return OutputContractError(
        f"the response does not fit endpoint.answer at {where}: expected {expected}, received "
        f"{shown(received)}.",
        hint="Compare endpoint.answer with what the endpoint returns for one request.",
        details={"place": place},
    )


def shown(value: Any) -> str:
    """Return a foreign value for a message: JSON, one line, shortened."""
    try:
        text = msgspec.json.encode(value).decode()
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
