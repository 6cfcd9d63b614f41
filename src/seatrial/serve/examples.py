"""Inputs known to be right for one release, and what its callers may send by them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from seatrial.core.errors import SeatrialError
from seatrial.core.settings import Settings
from seatrial.serve.doors.signature import Signature
from seatrial.serve.events import Events
from seatrial.serve.samples import samples


class Examples:
    """Inputs of the eval set of a release; its variants share them.

    Args:
        folder: The project folder.
        settings: Those that the release was loaded with.
        events: Told where the eval set cannot be read.

    Attributes:
        signature: The form of what the release takes and gives.
    """

    def __init__(self, folder: Path, settings: Settings, *, events: Events) -> None:
        self.signature = Signature.of(settings)
        self._folder = folder
        self._settings = settings
        self._events = events
        self._reading: asyncio.Task[list[Any]] | None = None

    async def inputs(self) -> list[Any]:
        """Return as many inputs as a batch may have; none where there is no eval set."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        return await asyncio.shield(self._reading)

    async def _read(self) -> list[Any]:
        count = self._settings.serving.batch_max
        try:
            found = await samples(self._folder, self._settings.eval, count=count)
        except (SeatrialError, OSError) as error:
            self._events.say("warm-up-skipped", {"message": str(error)})
            found = []
        self.signature.learn(found)
        return found
