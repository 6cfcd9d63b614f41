"""What one server shall be, and what it says once it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from seatrial.core.settings import Settings
from seatrial.models.hostprocess import HostProcess
from seatrial.records.record import Origin


class Plan(Struct, frozen=True, kw_only=True):
    """What one server shall be.

    Attributes:
        folder: The project folder.
        log_folder: The folder whose log is written; the project's own, but for drills.
        settings: Its settings, flags and environment included.
        flags: What was laid over the folder's own settings; laid over them again on a reload.
        release: What answers.
        files: Names of the files that make it so.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        workers: Model processes; ``None`` as many as the model's own speed asks for.
        connections: How many there may be at a time.
        origin: Who causes its requests.
        drain_delay_s: After SIGTERM, how long requests are still taken while readiness is off.
        keeper: Start a keeper beside it.
        launched: Model processes that load already; whoever launched them ends them, too.
    """

    folder: Path
    log_folder: Path
    settings: Settings
    flags: dict[str, object] = {}
    release: str
    files: frozenset[str]
    host: str
    port: int
    workers: int
    connections: int
    origin: Origin
    drain_delay_s: float
    keeper: bool = True
    launched: Sequence[HostProcess] = ()


class Ready(Struct, frozen=True):
    """What is said once the server answers."""

    url: str
    pid: int
    release: str
    workers: int
