"""Infer requests of the Open Inference Protocol, from bytes to tensors and wishes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec
from msgspec import UNSET, Struct

from seatrial.core.errors import InputError, MalformedBodyError, UnknownNameError
from seatrial.serve.doors import headers
from seatrial.serve.doors.door import check_rows
from seatrial.serve.doors.elements import CONTENT_TYPES, Typed
from seatrial.serve.doors.inference import InferInput, InferRequest, OutputAsked
from seatrial.serve.doors.outputs import NAMES
from seatrial.serve.doors.tensors import Tensor, check_form, from_json, from_packed, of_tensor
from seatrial.serve.parsing import decode_any, malformed, split

HEADER_LENGTH: Final = b"inference-header-content-length"
OCTETS: Final = b"application/octet-stream"
MICROSECONDS: Final = 1e6

T = TypeVar("T")

LENGTH_DIGITS: Final = 18
"""Most digits of a length in bytes: longer ones are no length, and Python refuses to read them."""

_decoder = msgspec.json.Decoder(InferRequest)


class Wanted(Struct, frozen=True, gc=False):
    """What is kept between a request and its answer.

    Attributes:
        names: Wanted outputs in their order; empty for all.
        packed: Names of those to send as packed bytes.
        pack_all: Whether all are packed; says nothing where there are names.
    """

    names: tuple[str, ...] = ()
    packed: frozenset[str] = frozenset()
    pack_all: bool = False

    def packs(self, name: str) -> bool:
        """Say whether an output is sent as packed bytes."""
        return name in self.packed if self.names else self.pack_all


def check_media_type(fields: Mapping[bytes, bytes]) -> None:
    """Take JSON, octets (as the binary extension says) and silence (as its clients do).

    Raises:
        InputError: Another media type; status 415.
    """
    kind = fields.get(b"content-type")
    if kind is not None and kind.partition(b";")[0].strip().lower() != OCTETS:
        headers.check_media_type({b"content-type": kind})


def decoded(fields: Mapping[bytes, bytes], body: bytes) -> tuple[InferRequest, memoryview | None]:
    """Return the request, and the packed bytes behind it where there are any.

    Raises:
        MalformedBodyError: The body is not JSON, or not as long as said.
        InputError: It has another shape.
    """
    packed = None
    if (said := fields.get(HEADER_LENGTH)) is not None:
        if not said.isdigit() or len(said) > LENGTH_DIGITS or int(said) > len(body):
            raise MalformedBodyError(
                f"Inference-Header-Content-Length is {headers.shown(said)}; the body has "
                f"{len(body)} bytes.",
                hint="It is the length of the JSON before the packed tensors.",
            )
        packed, body = memoryview(body)[int(said) :], body[: int(said)]
    return read_json(_decoder, body, example='{"inputs": [{"name": …, "shape": […], …}]}'), packed


def read_json(decoder: msgspec.json.Decoder[T], body: bytes, *, example: str) -> T:
    """Decode a body of one type.

    Raises:
        MalformedBodyError: It is not JSON.
        InputError: It has another shape; ``details["pointer"]`` names the place.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        # What does not fit may, further on, not be JSON either.
        decode_any(body)
        pointer, what = split(str(error))
        raise InputError(
            f"{pointer}: {what}." if pointer else f"{what}.",
            hint=f"Send for example {example}",
            details={"pointer": pointer},
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise malformed(error) from None


def tensors(asked: InferRequest, packed: memoryview | None, *, rows_max: int) -> list[Typed]:
    """Return the tensors of a request, each from its JSON or from its share of the bytes.

    Raises:
        InputError: A tensor is not as it should be; the message names it.
    """
    found: dict[str, Typed] = {}
    at = 0
    for declared in asked.inputs:
        if declared.name in found:
            raise of_tensor(declared.name, "another of the same name beside it")
        size = declared.given.binary_data_size
        share = None
        if size is not None:
            share, at = _share(declared, size, packed, at), at + size
        tensor = _tensor(declared, share, rows_max=rows_max)
        found[declared.name] = Typed(tensor, _content_type(declared, asked))
    if packed is not None and at != len(packed):
        raise MalformedBodyError(
            f"{len(packed) - at} bytes follow the last tensor; accepted are none.",
            hint="Compare binary_data_size of the inputs with what is sent.",
        )
    return list(found.values())


def timeout_s(asked: InferRequest, fields: Mapping[bytes, bytes]) -> float | None:
    """Return the shorter of what body and header say; 0 in the body says nothing.

    Raises:
        InputError: The header says something else than a time.
    """
    by_header = headers.timeout_s(fields)
    microseconds = asked.given.timeout
    if not microseconds:
        return by_header
    by_body = min(microseconds / MICROSECONDS, headers.TIMEOUT_MAX_S)
    return by_body if by_header is None else min(by_body, by_header)


def wanted(asked: InferRequest) -> Wanted:
    """Return which outputs the caller wants, and in which form.

    Raises:
        InputError: One that no answer has, or in a form that is not spoken here.
    """
    default = bool(asked.given.binary_data_output)
    if not asked.outputs:
        return Wanted(pack_all=default)
    packed = set()
    for one in asked.outputs:
        _check_output(one)
        said = one.given.binary_data
        if default if said is None else said:
            packed.add(one.name)
    return Wanted(tuple(dict.fromkeys(one.name for one in asked.outputs)), frozenset(packed))


def _tensor(declared: InferInput, share: memoryview | None, *, rows_max: int) -> Tensor:
    name, datatype = declared.name, declared.datatype
    shape = check_form(name, datatype, declared.shape)
    check_rows(shape[0], rows_max=rows_max)
    if declared.given.shared_memory_region is not None:
        raise of_tensor(name, "its values in shared memory; accepted are JSON and packed bytes")
    if share is None:
        if declared.data is UNSET:
            raise of_tensor(name, "neither data nor binary_data_size")
        return from_json(name, datatype, shape, bytes(declared.data))
    if declared.data is not UNSET:
        raise of_tensor(name, "both data and binary_data_size")
    return from_packed(name, datatype, shape, share)


def _share(declared: InferInput, size: int, packed: memoryview | None, at: int) -> memoryview:
    if packed is None:
        raise MalformedBodyError(
            f"the tensor {declared.name[:100]!r} is announced as packed bytes, and nothing says "
            "where they begin.",
            hint="Send the header Inference-Header-Content-Length, the length of the JSON.",
        )
    if at + size > len(packed):
        raise MalformedBodyError(
            f"the tensor {declared.name[:100]!r} announces {size} packed bytes; "
            f"{len(packed) - at} are left.",
            hint="Compare binary_data_size of the inputs with what is sent.",
        )
    return packed[at : at + size]


def _content_type(declared: InferInput, asked: InferRequest) -> str | None:
    said = declared.given.content_type or asked.given.content_type
    if said and said not in CONTENT_TYPES:
        raise of_tensor(
            declared.name,
            f"content_type {said[:40]!r}; accepted are {', '.join(CONTENT_TYPES)}",
        )
    return said or None


def _check_output(one: OutputAsked) -> None:
    if one.name not in NAMES:
        unknown = UnknownNameError.of("output tensor", one.name[:100], NAMES)
        raise InputError(unknown.message, hint=unknown.hint, details=unknown.details)
    if one.given.classification or one.given.shared_memory_region is not None:
        raise InputError(
            f"the output tensor {one.name!r} is asked for by classification or in shared memory; "
            "accepted are JSON and packed bytes.",
            hint="The tensor `scores` holds the score of every class.",
        )
