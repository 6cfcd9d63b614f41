"""Folders with a log to review, and the review page as a browser sees it."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seatrial.records.log import LogWriter
from seatrial.records.record import Record
from seatrial.records.reviewing import Plan, ReviewSample
from seatrial.records.sealing import seal
from seatrial.web.server import Review

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ANSWER_MAX_S = 120
CLASSES = ("negative", "neutral", "positive")


@dataclass
class Folder:
    """A project folder whose log is sealed and drawn whole."""

    path: Path

    def write(self, inputs: list[Any], outputs: list[Any], **fields: Any) -> None:
        """Log rows, seal them and draw every one of them."""
        rows = [
            Record(
                id=f"{len(inputs):08x}{place:032x}",
                time=NOON + timedelta(seconds=place),
                origin="user",
                release="model@3f2a",
                input=value,
                output=output,
                **{"status": "answered", "confidence": 0.875, **fields},
            )
            for place, (value, output) in enumerate(zip(inputs, outputs, strict=True))
        ]
        with LogWriter(self.path) as writer:
            writer.append(rows)
        assert seal(self.path).problems == ()
        with ReviewSample(self.path) as sample:
            sample.draw(Plan(first_share=1.0), seed=1)

    def rows(self) -> list[Any]:
        """The sample."""
        with ReviewSample(self.path) as sample:
            return sample.rows()

    def labels(self) -> dict[str, dict[str, Any]]:
        """Reviewer -> what they said, by the text of the input."""
        said: dict[str, dict[str, Any]] = {}
        for row in self.rows():
            for name, one in row.labels.items():
                said.setdefault(name, {})[str(row.input)] = one
        return said


def project(
    path: Path,
    inputs: list[Any],
    outputs: list[Any],
    *,
    kind: str = "text",
    task: str = "classification",
    labels: tuple[Any, ...] = CLASSES,
    metric: str = "accuracy",
    **fields: Any,
) -> Folder:
    """Make a project of one kind of input and task, with an eval file of labels."""
    path.mkdir()
    (path / "seatrial.toml").write_text(
        f'[model]\nname = "sentiment"\nload = "model:load"\ninput = "{kind}"\n'
        f'task = "{task}"\n\n[eval]\ndata = "eval.jsonl"\nmetric = "{metric}"\n'
    )
    rows = [json.dumps({"text": str(label), "label": label}) for label in labels]
    (path / "eval.jsonl").write_text("\n".join(rows) + "\n")
    folder = Folder(path)
    if inputs:
        folder.write(inputs, outputs, **fields)
    return folder


@pytest.fixture
def make_folder(tmp_path) -> Callable[..., Folder]:
    """Make a project that one test has for itself."""
    return partial(project, tmp_path / "my-model")


@pytest.fixture(scope="module")
def make_shared_folder(tmp_path_factory) -> Callable[..., Folder]:
    """Make projects that the tests of a module share; each says what it says by another name."""
    return lambda *given, **more: project(
        tmp_path_factory.mktemp("shared") / "my-model", *given, **more
    )


@dataclass
class Page:
    """A review page that runs, in a process of its own or in a thread."""

    folder: Folder
    ready: dict[str, Any]
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return self.ready["url"]

    @property
    def origin(self) -> str:
        return self.url.partition("/review")[0]

    @property
    def port(self) -> int:
        return int(self.origin.rpartition(":")[2])

    @property
    def token(self) -> str:
        return self.url.partition("#token=")[2]

    def ask(
        self,
        method: str,
        path: str,
        document: Any = None,
        *,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
        token: str | None = "",
        host: str | None = None,
    ) -> tuple[int, dict[str, str], Any]:
        """Ask as a program would; the token is shown unless it is ``None``."""
        sent = {"Host": host or f"127.0.0.1:{self.port}"}
        if token is not None:
            sent["Authorization"] = f"Bearer {token or self.token}"
        if document is not None:
            body = json.dumps(document).encode()
            sent["Content-Type"] = "application/json"
        sent |= headers or {}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_MAX_S)
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        told = {name.lower(): value for name, value in response.getheaders()}
        is_json = "json" in told.get("content-type", "")
        return response.status, told, json.loads(content) if is_json else content


@pytest.fixture(scope="module")
def serve_page() -> Iterator[Callable[..., Page]]:
    """Start ``seatrial review`` on folders; it ends with the module."""
    started: list[subprocess.Popen[bytes]] = []

    def serve(folder: Folder, *flags: str) -> Page:
        command = [sys.executable, "-m", "seatrial", "review", str(folder.path), "--json", *flags]
        environment = {**os.environ, "PYTHONWARNINGS": "error"}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
        started.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the page did not start"
        return Page(folder, json.loads(line), process)

    yield serve
    statuses = []
    for process in started:
        process.terminate()
        statuses.append(process.wait(60))
        process.stdout.close()
    assert set(statuses) <= {0}


@pytest.fixture(scope="module")
def host_page() -> Iterator[Callable[..., Page]]:
    """Serve the page of folders from threads of this process, which start at once."""
    with ExitStack() as stack:

        def host(folder: Folder) -> Page:
            review = stack.enter_context(Review(folder.path))
            ready = stack.enter_context(review.served())
            return Page(folder, msgspec.to_builtins(ready))

        yield host
