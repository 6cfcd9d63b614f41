"""The ``url =`` adapter: a model that is served somewhere, by anybody."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import msgspec

from seatrial.core.errors import (
    ModelError,
    ModelRaisedError,
    OutputContractError,
    SeatrialError,
    SettingsError,
    UnreachableError,
)
from seatrial.core.settings import InputKind, Settings, Task
from seatrial.models import oip
from seatrial.models.answers import Answer, normalise
from seatrial.models.endpoint import Endpoint
from seatrial.models.estimator import declared_order
from seatrial.models.headers import headers_from
from seatrial.models.probing import find_template
from seatrial.models.subject import Batch, Subject, Trace, natural_size
from seatrial.models.template import Codec, Template

PREDICT: Final = Template(body='{"inputs": "$inputs"}', answer='{"results": "$outputs"}')
"""seatrial's own ``POST /predict``."""

AT_ONCE: Final = 8
"""Requests in flight where every input is a request of its own."""


def open_model(location: str, *, settings: Settings, folder: Path) -> UrlSubject:  # noqa: ARG001  (the signature of every adapter)
    """Return the service at a URL as a subject; nothing is sent but OIP's metadata request.

    Args:
        location: URL of the endpoint; for ``predict`` and ``oip`` the server's root will do.
        settings: ``[endpoint]`` says how it is asked.
        folder: Not used.

    Raises:
        SettingsError: The URL, a template or a header variable cannot be used.
    """
    asked = settings.endpoint
    return _subject(
        location,
        protocol=asked.protocol,
        body=asked.body,
        answer=asked.answer,
        kind=settings.model.input,
        task=settings.model.task,
        order=declared_order(settings.eval.input),
        headers=headers_from(asked.header_env),
        timeout_s=asked.timeout_s,
        model=settings.model.name,
    )


class UrlSubject:
    """A service behind a URL: asked and timed, never looked into.

    Args:
        endpoint: Where it is.
        codec: How it is asked and how its answer is read.
    """

    visible = False

    def __init__(self, endpoint: Endpoint, codec: Codec) -> None:
        self.takes_batches = codec.takes_batches
        self.url = endpoint.full_url
        self._endpoint = endpoint
        self._codec = codec
        self._pool: ThreadPoolExecutor | None = None

    @classmethod
    def open(
        cls,
        url: str,
        *,
        body: str | None = None,
        answer: str | None = None,
        sample: Any = "seatrial",
        kind: InputKind = "text",
        task: Task = "classification",
        order: Sequence[str] | None = None,
        header_env: Mapping[str, str] | None = None,
        timeout_s: float = 30.0,
        model: str = "model",
    ) -> UrlSubject:
        """Return the service at a URL; what the templates do not say is found out by asking.

        Args:
            url: The endpoint, or the server's root.
            body: Request template as JSON; see :mod:`seatrial.models.template`.
            answer: Answer pattern as JSON; of no use without ``body``.
            sample: One input to ask with, where something is to be found out.
            kind: What one input is.
            task: What the answers are.
            order: Columns of a record, in their order.
            header_env: Request header to the environment variable that holds its value.
            timeout_s: Longest wait for one answer.
            model: Name of the served model, for OIP URLs that hold none.

        Raises:
            SettingsError: A template is not usable, or none of the known protocols fits; says what
                was tried and what came back.
            UnreachableError: Nothing answers there.
        """
        headers = headers_from(header_env or {})
        endpoint = Endpoint(url, headers=headers, timeout_s=timeout_s)
        if body and answer:
            return cls(endpoint, Template(body=body, answer=answer))
        if answer:
            raise _half_a_template("body")
        if body is None and (
            own := _spoken(endpoint, sample=sample, kind=kind, task=task, order=order, model=model)
        ):
            return own
        if endpoint.path in {"", "/"}:
            endpoint = endpoint.at("/predict")
        try:
            return cls(endpoint, find_template(endpoint, sample=sample, kind=kind, body=body))
        except BaseException:
            endpoint.close()
            raise

    @classmethod
    def native(cls, url: str, *, timeout_s: float = 30.0) -> UrlSubject:
        """Return one of our own servers as a subject, given its root; nothing is sent."""
        return cls(Endpoint(url, timeout_s=timeout_s).at("/predict"), PREDICT)

    @classmethod
    def asking(cls, url: str, *, body: str | None) -> UrlSubject:
        """Return a service that is asked with a template and whose answers are not read.

        Args:
            url: The endpoint; for our own protocol the server's root will do.
            body: Request template; ``None`` for our own protocol.
        """
        endpoint = Endpoint(url)
        if body is None:
            return cls(endpoint.at("/predict") if endpoint.path in {"", "/"} else endpoint, PREDICT)
        return cls(endpoint, Template.request_only(body))

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers sent with every request; their values may be secrets."""
        return self._endpoint.headers

    def body(self, inputs: list[Any]) -> bytes:
        """Return the request body that asks for these inputs, for whoever sends it himself."""
        return msgspec.json.encode(self._codec.request(inputs))

    def answer(self, inputs: list[Any]) -> Batch:
        """Ask for a batch: in one request, or in several at once where each carries one input."""
        if not inputs:
            return Batch([], 0.0)
        started = time.perf_counter()
        if self.takes_batches or len(inputs) == 1:
            answers = self._ask(inputs)
        else:
            answers = [one for found in self._in_parallel(inputs) for one in found]
        return Batch(answers, time.perf_counter() - started)

    def trace(self, inputs: list[Any]) -> Trace | None:  # noqa: ARG002  (nothing can be seen)
        """Return ``None``: the inside cannot be seen."""
        return None

    def size(self, value: Any) -> int:
        """Return the cost of one input: characters, items or cells."""
        return natural_size(value)

    def variants(self) -> Mapping[str, Subject]:
        """Return nothing: what stands behind the URL is one model."""
        return {}

    def close(self) -> None:
        """Close the connections."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)
        self._endpoint.close()

    def _ask(self, inputs: list[Any]) -> list[Answer]:
        document = self._endpoint.post(self._codec.request(inputs))
        raw = self._codec.answers(document)
        return normalise(raw, expected=len(inputs))

    def _in_parallel(self, inputs: list[Any]) -> list[list[Answer]]:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="seatrial-url")
        futures = [self._pool.submit(self._ask, [value]) for value in inputs]
        found = []
        for row, future in enumerate(futures):
            try:
                found.append(future.result())
            except SeatrialError as error:
                for waiting in futures:
                    waiting.cancel()
                error.details["row"] = row
                raise
        return found


def _subject(
    url: str,
    *,
    protocol: str,
    body: str,
    answer: str,
    kind: InputKind,
    task: Task,
    order: Sequence[str] | None,
    headers: Mapping[str, str],
    timeout_s: float,
    model: str,
) -> UrlSubject:
    endpoint = Endpoint(url, headers=headers, timeout_s=timeout_s)
    if protocol == "template" or body or answer:
        if not body or not answer:
            raise _half_a_template("answer" if body else "body")
        return UrlSubject(endpoint, Template(body=body, answer=answer))
    if protocol == "oip":
        endpoint = endpoint.at(oip.infer_path(endpoint.path, model))
        inputs = _declared_inputs(endpoint)
        oip.check_order(kind, inputs, order)
        codec = oip.OipCodec(kind=kind, task=task, inputs=inputs, order=order)
        return UrlSubject(endpoint, codec)
    if endpoint.path in {"", "/"}:
        endpoint = endpoint.at("/predict")
    return UrlSubject(endpoint, PREDICT)


def _declared_inputs(endpoint: Endpoint) -> list[oip.Tensor]:
    metadata = endpoint.at(endpoint.path.removesuffix("/infer"))
    try:
        return oip.declared_inputs(metadata.get())
    except (ModelError, UnreachableError):
        return []  # metadata is optional in practice; the first request says what is wrong
    finally:
        metadata.close()


def _spoken(
    endpoint: Endpoint,
    *,
    sample: Any,
    kind: InputKind,
    task: Task,
    order: Sequence[str] | None,
    model: str,
) -> UrlSubject | None:
    """Return a service that speaks one of the ready protocols, or ``None``."""
    root = endpoint.path in {"", "/"}
    if _answers(
        found := UrlSubject(endpoint.at("/predict") if root else endpoint, PREDICT), sample
    ):
        return found
    if not root and "/v2" not in endpoint.path:
        return None
    route = endpoint.at(oip.infer_path(endpoint.path, model))
    inputs = _declared_inputs(route)
    codec = oip.OipCodec(kind=kind, task=task, inputs=inputs, order=order)
    if _answers(found := UrlSubject(route, codec), sample):
        oip.check_order(kind, inputs, order)
        return found
    return None


def _answers(subject: UrlSubject, sample: Any) -> bool:
    try:
        subject.answer([sample])
    except BaseException as error:
        subject.close()
        if isinstance(error, (ModelRaisedError, OutputContractError)):
            return False
        raise
    return True


def _half_a_template(lacking: str) -> SettingsError:
    return SettingsError(
        f"endpoint.{lacking} is empty; a template needs both body and answer.",
        hint='For example: body = \'{"inputs": "$inputs"}\', answer = \'{"results": "$outputs"}\'',
    )
