"""A real server in a process of its own, with planted behaviour."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SERVER = Path(__file__).parent / "planted_server.py"


@dataclass(frozen=True)
class PlantedServer:
    process: subprocess.Popen[bytes]
    port: int

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture
def planted_server() -> Iterator[PlantedServer]:
    command = [sys.executable, str(SERVER)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield PlantedServer(process, int(process.stdout.readline()))
        finally:
            process.kill()
