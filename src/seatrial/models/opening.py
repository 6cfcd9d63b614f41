"""Opens the model that the settings name, or one of its variants."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from seatrial.core import plugins
from seatrial.core.errors import UnknownNameError
from seatrial.core.headroom import with_headroom
from seatrial.core.settings import Settings
from seatrial.models.metric import METRIC, open_metric
from seatrial.models.subject import Batch, Subject, Trace

ORIGINAL: Final = "original"
"""Name of the model itself among its variants."""


def open_subject(settings: Settings, folder: Path, *, variant: str = ORIGINAL) -> Subject:
    """Open the model of ``folder`` through the adapter that ``[model]`` names.

    Args:
        settings: Which adapter, and where the model is.
        folder: What relative locations start from.
        variant: ``original``, or the name of a variant kept in the folder or brought by the model.

    Raises:
        UnknownNameError: No such adapter or variant.
        ModelLoadError: It could not be loaded.
        EnvironmentMismatchError: This machine lacks what it needs.
    """
    return with_headroom(_open, settings, folder, variant)


def _open(settings: Settings, folder: Path, variant: str) -> Subject:
    if settings.model.adapter == METRIC:
        return open_metric(settings.model.location, folder=folder)
    if variant != ORIGINAL:
        from seatrial.models.variant import kept_variants, open_variant

        if variant in kept_variants(folder):
            return open_variant(folder, variant, settings=settings)
    open_model = plugins.adapters.get(settings.model.adapter)
    subject: Subject = open_model(settings.model.location, settings=settings, folder=folder)
    if variant == ORIGINAL:
        return subject
    try:
        chosen = _named(subject, variant)
    except BaseException:
        subject.close()
        raise
    return Variant(chosen, base=subject)


def _named(subject: Subject, variant: str) -> Subject:
    variants = subject.variants()
    if variant not in variants:
        raise UnknownNameError.of("variant", variant, [ORIGINAL, *variants])
    return variants[variant]


class Variant:
    """A variant of a model, which keeps the model it came from open until it is closed itself."""

    def __init__(self, chosen: Subject, *, base: Subject) -> None:
        self._chosen = chosen
        self._base = base
        self.takes_batches = chosen.takes_batches
        self.visible = chosen.visible

    def answer(self, inputs: list[Any]) -> Batch:
        """Answer a batch."""
        return self._chosen.answer(inputs)

    def trace(self, inputs: list[Any]) -> Trace | None:
        """Run one call under observation."""
        return self._chosen.trace(inputs)

    def size(self, value: Any) -> int:
        """Return the cost of one input."""
        return self._chosen.size(value)

    def variants(self) -> Mapping[str, Subject]:
        """Return its siblings too: they are variants of the same model."""
        return self._base.variants()

    def close(self) -> None:
        """Close the variant, then the model it came from."""
        try:
            self._chosen.close()
        finally:
            self._base.close()
