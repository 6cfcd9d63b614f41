"""Requests and responses of the Open Inference Protocol, as they travel."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

Size = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""One dimension; what cannot be one is refused by the name of its tensor, so not here."""


class TensorParameters(Struct, frozen=True):
    """Parameters of an input that mean something here; others are passed over."""

    binary_data_size: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None = None
    content_type: str | None = None
    shared_memory_region: str | None = None


class InferInput(Struct, frozen=True):
    """One input tensor; without ``data`` its values are among the packed bytes."""

    name: str
    shape: list[Size]
    datatype: str
    parameters: TensorParameters | None = None
    data: msgspec.Raw | UnsetType = UNSET

    @property
    def given(self) -> TensorParameters:
        """Its parameters, none of which may be there."""
        return self.parameters or _NO_TENSOR_PARAMETERS


class OutputParameters(Struct, frozen=True):
    """Parameters of an output that mean something here."""

    binary_data: bool | None = None
    classification: int | None = None
    shared_memory_region: str | None = None


class OutputAsked(Struct, frozen=True):
    """An output that the caller wants."""

    name: str
    parameters: OutputParameters | None = None

    @property
    def given(self) -> OutputParameters:
        """Its parameters, none of which may be there."""
        return self.parameters or _NO_OUTPUT_PARAMETERS


class InferParameters(Struct, frozen=True):
    """Parameters of a request that mean something here; ``timeout`` is in microseconds."""

    timeout: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None = None
    binary_data_output: bool | None = None
    content_type: str | None = None


class InferRequest(Struct, frozen=True):
    """Body of an infer request, or what precedes its packed bytes."""

    inputs: list[InferInput]
    id: str | None = None
    parameters: InferParameters | None = None
    outputs: list[OutputAsked] | None = None

    @property
    def given(self) -> InferParameters:
        """Its parameters, none of which may be there."""
        return self.parameters or _NO_PARAMETERS


class InferOutput(Struct, frozen=True, omit_defaults=True):
    """One output tensor; without ``data`` its values are among the packed bytes."""

    name: str
    datatype: str
    shape: list[int]
    parameters: dict[str, Any] = {}
    data: list[Any] | UnsetType = UNSET


class InferResponse(Struct, frozen=True):
    """Answer of an infer request, or what precedes its packed bytes."""

    model_name: str
    model_version: str
    id: str
    outputs: list[InferOutput]


class ErrorMessage(Struct, frozen=True):
    """What the protocol says of any error."""

    error: str


class TensorMetadata(Struct, frozen=True):
    """What is known of a tensor; -1 stands for any size."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(Struct, frozen=True):
    """Answer of ``GET /v2/models/{name}``."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ServerMetadata(Struct, frozen=True):
    """Answer of ``GET /v2``."""

    name: str
    version: str
    extensions: list[str]


class ServerLive(Struct, frozen=True):
    """Answer of ``GET /v2/health/live``."""

    live: bool


class ServerReady(Struct, frozen=True):
    """Answer of ``GET /v2/health/ready``."""

    ready: bool


class ModelReady(Struct, frozen=True):
    """Answer of ``GET /v2/models/{name}/ready``."""

    name: str
    ready: bool


class IndexRequest(Struct, frozen=True):
    """Body of ``POST /v2/repository/index``, where there is one."""

    ready: bool | None = None


class IndexEntry(Struct, frozen=True):
    """One model in the answer of ``/v2/repository/index``."""

    name: str
    version: str
    state: str
    reason: str


_NO_TENSOR_PARAMETERS = TensorParameters()
_NO_OUTPUT_PARAMETERS = OutputParameters()
_NO_PARAMETERS = InferParameters()
